// One LMDB environment. Owns: opening it safely, reads of the last durable state, and writing one transaction to disk.
// Does not own: what keys and values mean, nor the order of commits (committer.ts).
//
// Invariants:
// E1  `write` resolves only after LMDB's own durable commit: pages written, fdatasync, meta page written through a
//     descriptor opened with O_DSYNC. That is LMDB's classic order. The overlapping mode of the library is off: it costs
//     the same two syncs, makes a transaction visible before the first, and loses the error of the second.
// E2  A transaction that fails leaves nothing: the meta page still names the former tree.
// E3  Readers see whole transactions, and only those whose `write` has resolved or is about to.

import { statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { open, type RootDatabase } from 'lmdb';

/** Writes of one transaction, in order; undefined deletes the key. */
export type Writes = readonly (readonly [key: Buffer, value: Buffer | undefined])[];

export interface KeyRange {
  /** The lower end; inclusive unless `afterStart`. */
  readonly start: Buffer;
  /** The upper end; exclusive. */
  readonly end: Buffer;
  readonly descending?: boolean;
  /** Leave out an entry at `start` itself. */
  readonly afterStart?: boolean;
}

export interface Pages {
  /** Bytes of one. */
  readonly pageBytes: number;
  /** Of the file, used or not. */
  readonly total: number;
  /** Holding data. */
  readonly used: number;
}

/** What the rest of the driver needs of LMDB; tests put their own in front of it to hold back or fail a sync. */
export interface Engine {
  /** The value, in memory of its own, or undefined. */
  get(key: Buffer): Buffer | undefined;
  /** As `get`, but the bytes are valid only until the next call of the engine. */
  peek(key: Buffer): Uint8Array | undefined;
  /** Calls `take` for each entry in order, with memory of its own, until it returns false. */
  scan(range: KeyRange, take: (key: Buffer, value: Buffer) => boolean): void;
  /** As `scan`, without values. */
  scanKeys(range: KeyRange, take: (key: Buffer) => boolean): void;
  /** Resolves once all of it is on disk; rejects with EngineError if nothing of it is. */
  write(writes: Writes): Promise<void>;
  pages(): Pages;
  close(): Promise<void>;
}

/** `full`: no room, the environment goes on. `failed`: the disk can no longer be trusted. */
export type EngineFailure = 'full' | 'failed';

/** A transaction that was not written. */
export class EngineError extends Error {
  override readonly name = 'EngineError';
  readonly failure: EngineFailure;

  constructor(failure: EngineFailure, detail: string, cause?: unknown) {
    super(detail, { cause });
    this.failure = failure;
  }
}

// MDB_MAP_FULL, MDB_TXN_FULL, ENOSPC, EDQUOT, EFBIG.
const fullCodes: readonly number[] = [-30792, -30788, 28, 122, 27];
/** EIO. */
const shortWrite = 5;
const diskSlackBytes = 1024 * 1024;

/** What makes a resolved write durable, spelt out: each of these, turned on, would break E1. */
export const durability = {
  noSync: false,
  noMetaSync: false,
  mapAsync: false,
  useWritemap: false,
  overlappingSync: false,
} as const;

/** Opens or creates `file`. `mapBytes`: address space to reserve. */
export function openEngine(file: string, mapBytes: number): Engine {
  const database: RootDatabase<Buffer, Buffer> = open<Buffer, Buffer>({
    path: file,
    noSubdir: true,
    mapSize: mapBytes,
    encoding: 'binary',
    keyEncoding: 'binary',
    ...durability,
    eventTurnBatching: false,
    maxReaders: 16,
  });
  return new LmdbEngine(file, database);
}

class LmdbEngine implements Engine {
  readonly #file: string;
  readonly #database: RootDatabase<Buffer, Buffer>;

  constructor(file: string, database: RootDatabase<Buffer, Buffer>) {
    this.#file = file;
    this.#database = database;
  }

  get(key: Buffer): Buffer | undefined {
    const bytes: Uint8Array | undefined = this.#database.getBinary(key);
    return bytes === undefined ? undefined : asBuffer(bytes);
  }

  peek(key: Buffer): Uint8Array | undefined {
    const bytes: Uint8Array | undefined = this.#database.getBinaryFast(key);
    // The library lends one buffer of fixed capacity, of which `length` alone says how much counts.
    return bytes?.subarray(0, bytes.length);
  }

  scan(range: KeyRange, take: (key: Buffer, value: Buffer) => boolean): void {
    for (const { key, value } of this.#database.getRange(rangeOptions(range))) {
      if (!take(asBuffer(key), asBuffer(value))) return;
    }
  }

  scanKeys(range: KeyRange, take: (key: Buffer) => boolean): void {
    for (const key of this.#database.getKeys(rangeOptions(range))) {
      if (!take(asBuffer(key))) return;
    }
  }

  async write(writes: Writes): Promise<void> {
    const database = this.#database;
    try {
      await database.batch(() => {
        for (const [key, value] of writes) {
          if (value === undefined) void database.remove(key);
          else void database.put(key, value);
        }
      });
    } catch (error) {
      throw await this.#failureOf(error, writes);
    }
  }

  pages(): Pages {
    const stats = this.#database.getStats() as Tree & { lastPageNumber: number; free: Tree };
    const held = (tree: Tree): number =>
      tree.treeBranchPageCount + tree.treeLeafPageCount + tree.overflowPages;
    return {
      pageBytes: stats.pageSize,
      total: stats.lastPageNumber + 1,
      used: 2 + held(stats) + held(stats.free),
    };
  }

  async close(): Promise<void> {
    await this.#database.close();
  }

  /** LMDB calls a write that the disk cut short an I/O error; only the room that is left tells the two apart. */
  async #diskFull(writes: Writes): Promise<boolean> {
    const { bavail, bsize } = await statfs(dirname(this.#file));
    return bavail * bsize < 2 * bytesOf(writes) + diskSlackBytes;
  }

  async #failureOf(thrown: unknown, writes: Writes): Promise<EngineError> {
    const cause = await reasonOf(thrown);
    const code = codeOf(cause);
    const detail = cause instanceof Error ? cause.message : String(cause);
    const full = fullCodes.includes(code ?? 0) || (code === shortWrite && (await this.#diskFull(writes)));
    if (!full) return new EngineError('failed', detail, cause);
    try {
      // A meta page that could not be written makes the environment refuse every later transaction: not just full.
      this.#database.transactionSync(() => undefined);
    } catch (panic) {
      return new EngineError('failed', detail, panic);
    }
    return new EngineError('full', detail, cause);
  }
}

/** The bytes that a transaction hands to the disk, at least. */
function bytesOf(writes: Writes): number {
  let bytes = 0;
  for (const [key, value] of writes) bytes += key.length + (value?.length ?? 0);
  return bytes;
}

interface Tree {
  readonly pageSize: number;
  readonly treeBranchPageCount: number;
  readonly treeLeafPageCount: number;
  readonly overflowPages: number;
}

/** The library's first error only says that there is another, which comes as a rejection a moment later. */
async function reasonOf(thrown: unknown): Promise<unknown> {
  const later: unknown = thrown instanceof Error && 'commitError' in thrown ? thrown.commitError : undefined;
  if (!(later instanceof Promise)) return thrown;
  return later.then(
    () => thrown,
    (reason: unknown) => reason,
  );
}

function codeOf(error: unknown): number | undefined {
  const code: unknown = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'number' ? code : undefined;
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function rangeOptions(range: KeyRange) {
  // The library wants the first key met as `start`. Its ends are inclusive there and exclusive at `end`; turned round
  // for a descending walk, both ends change sides.
  return range.descending === true
    ? {
        start: range.end,
        end: range.start,
        reverse: true,
        exclusiveStart: true,
        inclusiveEnd: range.afterStart !== true,
      }
    : { start: range.start, end: range.end, exclusiveStart: range.afterStart === true };
}
