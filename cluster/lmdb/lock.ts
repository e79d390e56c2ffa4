// The exclusive lock of a store's directory. Owns: that at most one open store, in this process or another, uses it.
//
// Invariants:
// X1  The lock is the operating system's: it ends with the process, so a file left behind by a killed one blocks nobody.
// X2  Nothing but SQLite opens the lock file: closing any other descriptor of it would drop a POSIX lock of this process.
//     The holder's pid therefore lies in a file beside it, which is only ever a hint.
//
// Node offers no flock. SQLite, which comes with it, takes a POSIX lock and also keeps two connections of one process
// apart, which a POSIX lock alone does not.

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { StarlingError } from '../../runtime/errors.ts';

/** A lock held. */
export interface DirectoryLock {
  release(): void;
}

const sqliteBusy = 5;

/**
 * Takes the lock or refuses at once.
 * @throws StarlingError STORAGE_FAILED with metadata {reason: "in_use", pid} if another open store holds it
 */
export function lockDirectory(directory: string): DirectoryLock {
  const owner = join(directory, 'owner');
  const database = new DatabaseSync(join(directory, 'lock'), { timeout: 0 });
  try {
    database.exec('PRAGMA journal_mode = OFF; PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE');
  } catch (error) {
    database.close();
    if (errcodeOf(error) !== sqliteBusy) throw error;
    const pid = holderOf(owner);
    throw new StarlingError(
      'STORAGE_FAILED',
      `${directory} is in use by process ${pid}: stop that process or choose another directory.`,
      { metadata: { reason: 'in_use', pid }, cause: error },
    );
  }
  writeFileSync(owner, `${process.pid}\n`, { mode: 0o600 });
  return { release: () => database.close() };
}

function errcodeOf(error: unknown): number | undefined {
  const code: unknown = error instanceof Error && 'errcode' in error ? error.errcode : undefined;
  return typeof code === 'number' ? code & 0xff : undefined;
}

function holderOf(owner: string): string {
  try {
    return readFileSync(owner, 'utf8').trim() || 'unknown';
  } catch {
    return 'unknown';
  }
}
