// The schema as data. Owns: every table and why it is set up as it is. Does not own: how migrations are run (schema.ts).
//
// Common to all tables:
// - `UnifiedCompactionStrategy`: write times are made of epochs, so that a strategy by time windows (TWCS) would put rows of
//   one day into windows of thousands of years. T4 (tiers of four) keeps writes cheap.
// - `read_repair = 'BLOCKING'`: two quorum reads in a row must never go back in time (assumption of the safety protocol).
// - No default TTL: a row that goes by itself would be a hole.
//
// `gc_grace_seconds` is how long a delete is kept, and how old a hint may be. Never below the hint window (3 hours): older
// hints would be dropped.
// - Where a delete that is forgotten brings back what no reader takes (rows below a floor) or what does no harm (one mark too
//   many), it is one day: the disk comes back soon.
// - Where it brings back a wrong value (cells) it is ten days, and every replica must be repaired within them.

/** One step of the schema. Never changed once released: a change is a further step. */
export interface Migration {
  /** The version that the schema has after it. */
  readonly version: number;
  readonly title: string;
  /** Statements that may run twice. */
  readonly statements: readonly string[];
}

const dayS = 86_400;
const tenDaysS = 10 * dayS;

function withOptions(clustering: string, gcGraceS: number, comment: string): string {
  const order = clustering === '' ? '' : `CLUSTERING ORDER BY (${clustering}) AND `;
  return `WITH ${order}compaction = {'class': 'UnifiedCompactionStrategy', 'scaling_parameters': 'T4'}
    AND read_repair = 'BLOCKING' AND gc_grace_seconds = ${gcGraceS} AND default_time_to_live = 0
    AND comment = '${comment}'`;
}

/** Every step, in order. `keyspace`: a checked name. */
export function migrationsOf(keyspace: string): readonly Migration[] {
  return [
    { version: 1, title: 'heads, timelines, tables, marks and ownership', statements: first(keyspace) },
  ];
}

function first(k: string): readonly string[] {
  const place = 'stripe int, bucket int, kind text, key text';
  return [
    // Written by activations and checkpoints only; never deleted.
    `CREATE TABLE IF NOT EXISTS ${k}.heads (${place}, v blob, PRIMARY KEY ((stripe, bucket), kind, key))
     ${withOptions('', dayS, 'one head cell an actor')}`,
    // Actors of a stripe share a partition for each 4,096 positions. Trimmed by range: disk returns with compaction.
    `CREATE TABLE IF NOT EXISTS ${k}.timeline (${place}, seq bigint, v blob,
     PRIMARY KEY ((stripe, bucket), kind, key, seq)) ${withOptions('', dayS, 'rows of timelines, bucket = seq >> 12')}`,
    `CREATE TABLE IF NOT EXISTS ${k}.cells (${place}, tab text, cell text, v blob,
     PRIMARY KEY ((stripe, bucket), kind, key, tab, cell)) ${withOptions('', tenDaysS, 'keyed cells of tables')}`,
    `CREATE TABLE IF NOT EXISTS ${k}.notes (${place}, note text, v tinyint,
     PRIMARY KEY ((stripe, bucket), kind, key, note)) ${withOptions('', dayS, 'notes beside actors without activation')}`,
    `CREATE TABLE IF NOT EXISTS ${k}.wake (shard int, epoch int, n int, kind text, key text, v tinyint,
     PRIMARY KEY ((shard), epoch, n, kind, key)) ${withOptions('', dayS, 'actors with work to finish')}`,
    `CREATE TABLE IF NOT EXISTS ${k}.due (shard int, due_ms bigint, kind text, key text, v tinyint,
     PRIMARY KEY ((shard), due_ms, kind, key)) ${withOptions('', dayS, 'actors with a reminder due in a minute')}`,
    // Few rows that only rise. Kept for 400 days at least: nothing deletes them.
    `CREATE TABLE IF NOT EXISTS ${k}.node_life (incarnation text PRIMARY KEY, life text)
     ${withOptions('', tenDaysS, 'live or fenced, of each incarnation of a node')}`,
    // Touched by conditional writes and serial reads only.
    `CREATE TABLE IF NOT EXISTS ${k}.shards (shard int PRIMARY KEY, epoch int, owner text)
     ${withOptions('', tenDaysS, 'owner of each shard')}`,
  ];
}

/** The keyspace and the table of facts, which come before every version. */
export function foundationOf(
  keyspace: string,
  dataCenters: Readonly<Record<string, number>>,
): readonly string[] {
  const copies = Object.entries(dataCenters).map(([name, count]) => `'${name}': ${count}`);
  return [
    `CREATE KEYSPACE IF NOT EXISTS ${keyspace}
     WITH replication = {'class': 'NetworkTopologyStrategy', ${copies.join(', ')}} AND durable_writes = true`,
    `CREATE TABLE IF NOT EXISTS ${keyspace}.facts (name text PRIMARY KEY, value text)
     ${withOptions('', tenDaysS, 'facts about this keyspace: schema version, stripes')}`,
  ];
}
