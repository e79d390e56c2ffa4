import { deepEqual, equal } from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Frame, FrameReader, headOf } from './frames.ts';

const bytesOf = (frames: readonly Frame[]): Buffer =>
  Buffer.concat(frames.flatMap(({ kind, id, bytes }) => [headOf(kind, id, bytes.length), bytes]));

const frames: readonly Frame[] = [
  { kind: 'request', id: 0, bytes: Buffer.from('one') },
  { kind: 'reply', id: 2 ** 32 - 1, bytes: Buffer.alloc(0) },
  { kind: 'failure', id: 7, bytes: Buffer.from('OVERLOADED too much') },
];

const plain = (found: readonly Frame[]): unknown[] =>
  found.map(({ kind, id, bytes }) => ({ kind, id, text: Buffer.from(bytes).toString() }));

describe('frames between the processes of a host', () => {
  test('frames come out as they went in, wherever the connection cuts them', () => {
    const all = bytesOf(frames);
    for (let step = 1; step <= all.length; step++) {
      const reader = new FrameReader(64);
      const found: Frame[] = [];
      for (let at = 0; at < all.length; at += step)
        found.push(...(reader.take(all.subarray(at, at + step)) ?? []));
      deepEqual(plain(found), plain(frames), `in pieces of ${step}`);
    }
  });

  test('a frame that is too large, too short or of no known kind is refused', () => {
    const large: Frame = { kind: 'reply', id: 1, bytes: Buffer.alloc(5_001) };
    equal(new FrameReader(5_000).take(bytesOf([large])), undefined);
    equal(new FrameReader(64).take(Buffer.from([1, 0, 0, 0, 0, 0, 0, 0, 0])), undefined);
    equal(new FrameReader(64).take(Buffer.from([5, 0, 0, 0, 9, 0, 0, 0, 0])), undefined);
  });
});
