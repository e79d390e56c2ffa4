// Every statement of the driver but those of the schema. Owns: their texts.
//
// Invariants:
// Q1  A statement that writes has USING TIMESTAMP or IF: a default time would be a clock's (rule 3 of the safety protocol).
// Q2  A cell is written with UPDATE, not INSERT: there is no row marker, so the cell alone says whether there is a row.

/** The texts for one keyspace. */
export interface Statements {
  readonly readHead: string;
  readonly writeHead: string;
  readonly readRows: string;
  readonly readRowsDown: string;
  readonly lastRow: string;
  readonly anyRow: string;
  readonly writeRow: string;
  readonly trimRows: string;
  readonly readCell: string;
  readonly readCells: string;
  readonly readCellsDown: string;
  readonly writeCell: string;
  readonly deleteCell: string;
  readonly readNotes: string;
  readonly writeNote: string;
  readonly deleteNote: string;
  readonly readWake: string;
  readonly readWakeBelow: string;
  readonly writeWake: string;
  readonly dropWake: string;
  readonly readDue: string;
  readonly writeDue: string;
  readonly dropDue: string;
  readonly listActors: string;
  readonly readLife: string;
  readonly readLives: string;
  readonly writeLife: string;
  readonly readOwner: string;
  readonly firstOwner: string;
  readonly swapOwner: string;
  readonly readFact: string;
  readonly firstFact: string;
}

/** The texts for the tables of `keyspace`, a checked name. */
export function statementsOf(keyspace: string): Statements {
  const k = keyspace;
  const place = 'stripe = ? AND bucket = ? AND kind = ? AND key = ?';
  const cells = `FROM ${k}.cells WHERE ${place} AND tab = ?`;
  const rows = `SELECT seq, v, writetime(v) AS ts FROM ${k}.timeline WHERE ${place} AND seq >= ? AND seq <= ?`;
  const down = 'ORDER BY kind DESC, key DESC';
  return {
    readHead: `SELECT v, writetime(v) AS ts FROM ${k}.heads WHERE ${place}`,
    writeHead: `UPDATE ${k}.heads USING TIMESTAMP ? SET v = ? WHERE ${place}`,
    readRows: rows,
    readRowsDown: `${rows} ${down}, seq DESC`,
    lastRow: `SELECT seq FROM ${k}.timeline WHERE ${place} AND seq <= ? ${down}, seq DESC LIMIT 1`,
    anyRow: `SELECT seq FROM ${k}.timeline WHERE ${place} LIMIT 1`,
    writeRow: `UPDATE ${k}.timeline USING TIMESTAMP ? SET v = ? WHERE ${place} AND seq = ?`,
    trimRows: `DELETE FROM ${k}.timeline USING TIMESTAMP ? WHERE ${place} AND seq < ?`,
    readCell: `SELECT v, writetime(v) AS ts ${cells} AND cell = ?`,
    readCells: `SELECT cell, v, writetime(v) AS ts ${cells} AND cell >= ? AND cell < ?`,
    readCellsDown: `SELECT cell, v, writetime(v) AS ts ${cells} AND cell >= ? AND cell < ? ${down}, tab DESC, cell DESC`,
    writeCell: `UPDATE ${k}.cells USING TIMESTAMP ? SET v = ? WHERE ${place} AND tab = ? AND cell = ?`,
    deleteCell: `DELETE FROM ${k}.cells USING TIMESTAMP ? WHERE ${place} AND tab = ? AND cell = ?`,
    readNotes: `SELECT note, writetime(v) AS ts FROM ${k}.notes WHERE ${place} AND note > ?`,
    writeNote: `UPDATE ${k}.notes USING TIMESTAMP ? SET v = 1 WHERE ${place} AND note = ?`,
    deleteNote: `DELETE FROM ${k}.notes USING TIMESTAMP ? WHERE ${place} AND note = ?`,
    readWake: `SELECT epoch, n, kind, key FROM ${k}.wake WHERE shard = ? AND (epoch, n, kind, key) > (?, ?, ?, ?)`,
    readWakeBelow: `SELECT epoch, writetime(v) AS ts FROM ${k}.wake WHERE shard = ? AND epoch < ?`,
    writeWake: `UPDATE ${k}.wake USING TIMESTAMP ? SET v = 1 WHERE shard = ? AND epoch = ? AND n = ? AND kind = ? AND key = ?`,
    dropWake: `DELETE FROM ${k}.wake USING TIMESTAMP ? WHERE shard = ? AND epoch = ?`,
    readDue: `SELECT due_ms, kind, key, writetime(v) AS ts FROM ${k}.due WHERE shard = ? AND (due_ms, kind, key) > (?, ?, ?) AND (due_ms) <= (?)`,
    writeDue: `UPDATE ${k}.due USING TIMESTAMP ? SET v = 1 WHERE shard = ? AND due_ms = ? AND kind = ? AND key = ?`,
    dropDue: `DELETE FROM ${k}.due USING TIMESTAMP ? WHERE shard = ? AND due_ms = ? AND kind = ? AND key = ?`,
    listActors: `SELECT key FROM ${k}.heads WHERE stripe = ? AND bucket = 0 AND kind = ? AND key >= ? AND key < ? LIMIT ?`,
    readLife: `SELECT life FROM ${k}.node_life WHERE incarnation = ?`,
    readLives: `SELECT incarnation, life FROM ${k}.node_life WHERE incarnation IN ?`,
    writeLife: `UPDATE ${k}.node_life USING TIMESTAMP ? SET life = ? WHERE incarnation = ?`,
    readOwner: `SELECT epoch, owner FROM ${k}.shards WHERE shard = ?`,
    firstOwner: `INSERT INTO ${k}.shards (shard, epoch, owner) VALUES (?, ?, ?) IF NOT EXISTS`,
    swapOwner: `UPDATE ${k}.shards SET epoch = ?, owner = ? WHERE shard = ? IF epoch = ? AND owner = ?`,
    readFact: `SELECT value FROM ${k}.facts WHERE name = ?`,
    firstFact: `INSERT INTO ${k}.facts (name, value) VALUES (?, ?) IF NOT EXISTS`,
  };
}
