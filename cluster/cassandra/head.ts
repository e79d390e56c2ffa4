// The head cell. Owns: its encoding. Does not own: its write time, which is the cell's own in the store.
//
//   version(1) shard(4) floor(6) sealSeq(6) sealTs(8) asOf(6) state
//
// One cell and not a column each: the parts of a head must never be of different writes (rule 4 of the safety protocol).

import { StarlingError } from '../../runtime/errors.ts';
import type { Head } from '../../runtime/ports/store.ts';

const version = 1;
const headBytes = 31;

/** Copies the state. */
export function encodeHead(head: Head): Buffer {
  const bytes = Buffer.allocUnsafe(headBytes + head.state.length);
  bytes[0] = version;
  bytes.writeUInt32BE(head.shard, 1);
  bytes.writeUIntBE(head.floor, 5, 6);
  bytes.writeUIntBE(head.sealSeq, 11, 6);
  bytes.writeBigInt64BE(head.sealTs, 17);
  bytes.writeUIntBE(head.asOf, 25, 6);
  bytes.set(head.state, headBytes);
  return bytes;
}

/**
 * Copies the state.
 * @throws StarlingError VERSION_TOO_NEW, CORRUPTION
 */
export function decodeHead(bytes: Buffer, ts: bigint): Head {
  const found = bytes[0];
  if (found !== version) {
    throw found !== undefined && found > version
      ? new StarlingError(
          'VERSION_TOO_NEW',
          `A head has the encoding ${found}, this release reads ${version}.`,
        )
      : new StarlingError('CORRUPTION', 'A head has no known encoding.');
  }
  if (bytes.length < headBytes) throw new StarlingError('CORRUPTION', 'A head is cut off.');
  return {
    shard: bytes.readUInt32BE(1),
    floor: bytes.readUIntBE(5, 6),
    sealSeq: bytes.readUIntBE(11, 6),
    sealTs: bytes.readBigInt64BE(17),
    asOf: bytes.readUIntBE(25, 6),
    state: new Uint8Array(bytes.subarray(headBytes)),
    ts,
  };
}
