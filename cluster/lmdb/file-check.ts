// A look at the data file before LMDB opens it. Owns: refusing, in words, a file that the library would end the process
// over (it does so, by a signal, on a file that is not LMDB's or was cut off).
//
// The two meta pages lie at the start. Each: page header (24 bytes), magic, version, address, map size, two trees of 48
// bytes (the first opens with the page size, each ends with its root page), last page, transaction.

import { closeSync, openSync, readSync, rmSync, statSync } from 'node:fs';
import { StarlingError } from '../../runtime/errors.ts';

const magic = 0xbeefc0de;
const magicAt = 24;
const pageBytesAt = 48;
const rootsAt: readonly number[] = [88, 136];
const noRoot = 0xffff_ffff_ffff_ffffn;
const pageBytesMin = 4_096;
const metaBytes = 168;

/**
 * Refuses a file that cannot be a store's. One that was cut off while it was being created is removed: nothing can have
 * been acknowledged before both meta pages were on disk.
 * @throws StarlingError CORRUPTION
 */
export function checkFile(file: string): void {
  const size = statSync(file, { throwIfNoEntry: false })?.size;
  if (size === undefined) return;
  const first = metaAt(file, 0);
  const pageBytes = first === undefined ? pageBytesMin : first.readUInt32LE(pageBytesAt);
  const second = first && metaAt(file, pageBytes);
  if (first === undefined || second === undefined) {
    if (size > 2 * pageBytesMin) throw corrupt(file, 'it does not begin as a data file does');
    rmSync(file);
    return;
  }
  const pages = Math.floor(size / pageBytes);
  for (const meta of [first, second]) {
    for (const at of rootsAt) {
      const root = meta.readBigUInt64LE(at);
      if (root !== noRoot && root >= BigInt(pages)) throw corrupt(file, 'its end is missing');
    }
  }
}

function metaAt(file: string, offset: number): Buffer | undefined {
  const meta = Buffer.alloc(metaBytes);
  const descriptor = openSync(file, 'r');
  try {
    const read = readSync(descriptor, meta, 0, metaBytes, offset);
    return read === metaBytes && meta.readUInt32LE(magicAt) === magic ? meta : undefined;
  } finally {
    closeSync(descriptor);
  }
}

function corrupt(file: string, why: string): StarlingError {
  return new StarlingError('CORRUPTION', `${file} is damaged: ${why}. Restore it from a backup.`);
}
