// Opening a store. Owns: the directory, the lock, the format version and the rise of the epoch.

import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { StarlingError } from '../../runtime/errors.ts';
import type { Clock } from '../../runtime/ports/clock.ts';
import { FIRST_EPOCH } from '../../runtime/timestamp.ts';
import { type Engine, openEngine } from './engine.ts';
import { checkFile } from './file-check.ts';
import { factKey } from './keys.ts';
import { mapBytesMaxDefault } from './limits.ts';
import { lockDirectory } from './lock.ts';
import { LmdbStore } from './store.ts';

/** Version of keys and values; another one is refused. */
const format = 1;

export interface LmdbOpenOptions {
  /** Where the files lie; made, for the owner only, if it does not exist. */
  readonly directory: string;
  /** Bytes the data may take; default 64 GiB. Beyond it commits are refused with STORAGE_FULL. */
  readonly mapBytesMax?: number;
  /** For the time that opening took, which is logged. */
  readonly clock: Clock;
  /** Takes one line of text for an event that an operator wants to know; default: nothing. */
  readonly onLog?: (line: string) => void;
  /** Puts something in front of LMDB, for tests that hold back or fail a sync; default: LMDB itself. */
  readonly wrapEngine?: (engine: Engine) => Engine;
}

/**
 * Opens the store of a directory, alone.
 * @throws StarlingError STORAGE_FAILED if another store has it open or the format is not this version's, CORRUPTION if
 * the file is damaged
 */
export async function openLmdbStore(options: LmdbOpenOptions): Promise<LmdbStore> {
  const { mapBytesMax = mapBytesMaxDefault, onLog = () => {} } = options;
  const begun = options.clock.monotonic();
  const directory = makeDirectory(options.directory);
  const lock = lockDirectory(directory);
  let raw: Engine | undefined;
  try {
    const file = join(directory, 'store.mdb');
    checkFile(file);
    raw = openEngine(file, mapBytesMax);
    const engine = options.wrapEngine?.(raw) ?? raw;
    checkFormat(engine, directory);
    const epoch = await raiseEpoch(engine);
    syncDirectory(directory);
    const store = new LmdbStore({ engine, epoch, mapBytesMax, onLog, onClosed: () => lock.release() });
    store.purgeTombstones().catch((error: unknown) => onLog(`old deletes were not purged: ${String(error)}`));
    onLog(
      `store ${directory} open in epoch ${epoch} after ${Math.round(options.clock.monotonic() - begun)} ms`,
    );
    return store;
  } catch (error) {
    await raw?.close();
    lock.release();
    throw error;
  }
}

function makeDirectory(path: string): string {
  if (!existsSync(path)) {
    const first = mkdirSync(path, { recursive: true, mode: 0o700 });
    // A new directory is on disk only once the directory that names it is.
    const top = realpathSync(first ?? path);
    for (let at = realpathSync(path); at.length >= top.length; at = dirname(at)) syncDirectory(dirname(at));
  }
  return realpathSync(path);
}

function syncDirectory(path: string): void {
  const descriptor = openSync(path, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

function checkFormat(engine: Engine, directory: string): void {
  const found = engine.get(factKey('format'));
  const version = found === undefined ? format : found.length === 4 ? found.readUInt32BE(0) : 'unknown';
  if (version === format) return;
  throw new StarlingError(
    'STORAGE_FAILED',
    `${directory} has format ${version}; this version of Starling reads format ${format}.`,
    { metadata: { reason: 'format', found: String(version), expected: String(format) } },
  );
}

async function raiseEpoch(engine: Engine): Promise<number> {
  const found = engine.get(factKey('epoch'));
  const epoch = found === undefined ? FIRST_EPOCH : found.readUIntBE(0, 6) + 1;
  const value = Buffer.alloc(6);
  value.writeUIntBE(epoch, 0, 6);
  const version = Buffer.alloc(4);
  version.writeUInt32BE(format);
  await engine.write([
    [factKey('format'), version],
    [factKey('epoch'), value],
  ]);
  return epoch;
}
