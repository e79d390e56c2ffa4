// Port: durable storage. Owns: the words and promises that the runtime relies on. Does not own: how a driver keeps them.
// Every driver passes `runtime/testing/store-conformance.ts`.
//
// Promises of every driver (S1 … S9 are cited by the suite):
// S1  A commit that resolved survives a kill of the process and a power cut, from that moment on.
// S2  A cell with a higher write time wins, whatever the order of arrival; of equal times the greater value (bytewise).
//     A delete is a cell too and follows the same rule; of equal times it wins. A driver may forget deletes of epochs
//     that have ended: a replay of older records brings the delete again.
// S3  A row is valid iff seq <= head.sealSeq or its write time > head.sealTs (rule 4 of the safety protocol). No reader
//     is ever given one that is not, nor one below head.floor.
// S4  Parts of one commit may become visible apart and, after a crash, exist apart; but a mark is durable no later than
//     the rows and the head beside it.
// S5  Commits of one actor become durable in the order they were handed over.
// S6  A commit that rejects with an error of outcome `not_done` left nothing. Any other rejection: unknown.
// S7  After a failed sync nothing resolves any more: the store is dead, `health()` says so, `onFatal` has been called.
// S8  Many commits handed over while one is being written share the next write (group commit).
// S9  Values returned are the caller's own: a driver neither keeps nor changes them later, and copies what it is given
//     before `commit` returns.

/** Names one actor and the shard it is placed on. */
export interface ActorAddress {
  /** The kind, 1 to 32 characters of [a-z0-9-]. */
  readonly kind: string;
  /** The key, 1 to 256 bytes of UTF-8 without control characters. */
  readonly key: string;
  /** Placement shard. */
  readonly shard: number;
}

/** The one head cell of an actor. */
export interface Head {
  /** Shard the actor is placed on; a mismatch refuses activation (rule 12). */
  readonly shard: number;
  /** Rows below are trimmed and not readable. 1 where nothing was trimmed. */
  readonly floor: number;
  /** Tail found by the activation that wrote this head. */
  readonly sealSeq: number;
  /** Write time of that activation's seal. */
  readonly sealTs: bigint;
  /** `state` is the fold of the rows up to here. */
  readonly asOf: number;
  /** Checkpoint; empty where there is none. */
  readonly state: Uint8Array;
  /** Write time of this cell. */
  readonly ts: bigint;
}

/** One row of an actor's timeline. */
export interface Row {
  /** Position: contiguous, from 1. */
  readonly seq: number;
  /** Write time. */
  readonly ts: bigint;
  /** The record. */
  readonly value: Uint8Array;
}

/** One keyed cell of an actor's table. */
export interface Cell {
  /** Name of the table, 1 to 32 characters of [a-z0-9-]. */
  readonly table: string;
  /** Key within the table, 1 to 256 bytes of UTF-8. Pages are in bytewise order of it. */
  readonly key: string;
  /** The value; undefined deletes. */
  readonly value: Uint8Array | undefined;
  readonly ts: bigint;
}

/** A note that an actor has work to finish after a takeover (rule 10). */
export interface WakeMark {
  readonly shard: number;
  readonly epoch: number;
  /** Tells several marks of one actor and epoch apart. The runtime writes one, with 0. */
  readonly n: number;
  readonly kind: string;
  readonly key: string;
}

/**
 * A note that an actor has a reminder due in some minute. Kept until the minute has passed and the actor has none left in
 * it; one too many is harmless, one too few is not.
 */
export interface DueMark {
  readonly shard: number;
  /** Start of the minute, milliseconds since 1970-01-01 UTC: a multiple of 60,000. */
  readonly dueMs: number;
  readonly kind: string;
  readonly key: string;
  readonly ts: bigint;
}

/**
 * A note that somebody else leaves beside an actor while it has no activation (rule 20): written by the node that serves its
 * shard, read and deleted by the actor. Not of the actor's log: a late one of a former owner counts, and is harmless. A
 * delete bears the write time of the note that was read, so that one written since stays (S2).
 */
export interface Note {
  /** What it says, 1 to 256 bytes of UTF-8; one of each per actor. */
  readonly note: string;
  /** False deletes. */
  readonly present: boolean;
  readonly ts: bigint;
}

export interface StoredNote {
  readonly note: string;
  readonly ts: bigint;
}

export interface NoteRange {
  /** Only notes after this one; default from the start. */
  readonly after?: string;
  readonly notesMax: number;
}

/** What one activation writes at once. */
export interface Commit {
  readonly actor: ActorAddress;
  /** Contiguous, ascending. */
  readonly rows?: readonly Row[];
  readonly head?: Head;
  readonly cells?: readonly Cell[];
  readonly mark?: WakeMark;
  /** Durable no later than the rows beside them (S4). */
  readonly due?: readonly DueMark[];
  /** By the node rather than by an activation: no seal precedes them. */
  readonly notes?: readonly Note[];
}

export interface RowRange {
  /** First seq wanted, inclusive. */
  readonly from: number;
  /** Last seq wanted, inclusive; default: to the end. */
  readonly to?: number;
  /** Most rows. */
  readonly rowsMax: number;
  /** Stop after the row with which this many bytes of values are reached; default: no bound. */
  readonly bytesMax?: number;
  /** From `to` downwards; default false. */
  readonly descending?: boolean;
}

export interface CellRange {
  /** Only keys that begin with this; default all. */
  readonly prefix?: string;
  /** Only keys after this one (before it when descending); default from the start. */
  readonly after?: string;
  readonly cellsMax: number;
  /** Default false. */
  readonly descending?: boolean;
}

export interface StoredCell {
  readonly key: string;
  readonly value: Uint8Array;
  readonly ts: bigint;
}

export interface StoreHealth {
  readonly ok: boolean;
  /** One line: `ok`, or what is wrong and what to do. */
  readonly detail: string;
}

export interface Store {
  /** The head cell, or undefined for an actor that never wrote. */
  readHead(actor: ActorAddress): Promise<Head | undefined>;
  /** Valid rows (S3). `head`: one the caller has just read, to spare a second read of it. */
  readRows(actor: ActorAddress, range: RowRange, head?: Head): Promise<Row[]>;
  /** One cell, or undefined. */
  readCell(actor: ActorAddress, table: string, key: string): Promise<StoredCell | undefined>;
  /** A page of cells in order of key. */
  readCells(actor: ActorAddress, table: string, range: CellRange): Promise<StoredCell[]>;
  /**
   * Resolves once durable (S1).
   * @throws StarlingError STORAGE_FULL (not done), OUTCOME_UNKNOWN, STORAGE_FAILED (S7)
   */
  commit(commit: Commit): Promise<void>;
  /** Deletes rows with seq < `below`. The caller has made a floor of at least `below` durable and fence-checked. */
  trim(actor: ActorAddress, below: number, ts: bigint): Promise<void>;
  /** Wake marks of a shard in order of (epoch, n, kind, key), after `after`. */
  readMarks(
    shard: number,
    range: { readonly after?: WakeMark; readonly marksMax: number },
  ): Promise<WakeMark[]>;
  /** Deletes all marks of a shard of epochs below `epoch`. */
  dropMarks(shard: number, epoch: number): Promise<void>;
  /** Notes of a shard with a minute of at most `untilMs`, in order of (dueMs, kind, key), after `after`. */
  readDue(
    shard: number,
    range: { readonly untilMs: number; readonly after?: DueMark; readonly marksMax: number },
  ): Promise<DueMark[]>;
  /** Deletes notes, with a write time (S2): one written again later with a later time stays. */
  dropDue(marks: readonly DueMark[], ts: bigint): Promise<void>;
  /** A page of the notes beside an actor, in bytewise order. */
  readNotes(actor: ActorAddress, range: NoteRange): Promise<StoredNote[]>;
  /** Keys of the actors of a kind that ever wrote a head, in bytewise order, after `after`. For operators, not for the message path. */
  listActors(
    kind: string,
    range: { readonly after?: string; readonly actorsMax: number; readonly prefix?: string },
  ): Promise<string[]>;
  health(): StoreHealth;
  /** Called once if the store dies (S7). */
  onFatal(listener: (error: Error) => void): void;
  /** Waits for commits under way, then releases everything. */
  close(): Promise<void>;
}
