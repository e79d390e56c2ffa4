import { deepEqual, equal, ok } from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { decodeFrame, encodeFrame, FRAME_HEAD_BYTES, type Frame, ITEM_HEAD_BYTES } from './frame.ts';
import { Incoming, Outgoing } from './stream.ts';

const LIMITS = { windowBytes: 400, frameBytesMax: 100 };

function item(id: number, length: number, sent?: (frame: number) => void) {
  const bytes = Buffer.alloc(length, id & 0xff);
  return { kind: 'request' as const, id, bytes, ...(sent === undefined ? {} : { sent }) };
}

function nextFrame(out: Outgoing): Frame | undefined {
  const next = out.next();
  return next === undefined ? undefined : { flags: 0, ack: 0, ...next.frame };
}

describe('one direction of a link', () => {
  test('what waits at once leaves in one frame, in order', () => {
    const out = new Outgoing(LIMITS);
    for (let id = 0; id < 5; id++) out.push(item(id, 3));
    deepEqual(
      nextFrame(out)?.pieces.map(({ id }) => id),
      [0, 1, 2, 3, 4],
    );
    equal(nextFrame(out), undefined);
  });

  test('no more bytes are on their way than the window allows, until they are acknowledged', () => {
    const out = new Outgoing(LIMITS);
    for (let id = 0; id < 100; id++) out.push(item(id, 30));
    let sent = 0;
    for (let frame = nextFrame(out); frame !== undefined; frame = nextFrame(out)) sent += frame.bytes;
    ok(sent <= LIMITS.windowBytes);
    equal(out.unackedBytes, sent);
    out.acked(sent);
    equal(out.unackedBytes, 0);
    ok(nextFrame(out) !== undefined);
  });

  test('an acknowledgement of what was never sent, or an old one, changes nothing', () => {
    const out = new Outgoing(LIMITS);
    out.push(item(1, 10));
    nextFrame(out);
    out.acked(1_000_000);
    out.acked(-1);
    equal(out.unackedBytes, 10 + ITEM_HEAD_BYTES);
  });

  test('what nobody wants any more is not sent, and takes no room', () => {
    const out = new Outgoing(LIMITS);
    out.push({ ...item(1, 10), dropped: true });
    out.push(item(2, 10));
    deepEqual(
      nextFrame(out)?.pieces.map(({ id }) => id),
      [2],
    );
    equal(out.waitingBytes, 0);
  });

  test('an envelope is told which frame holds its end', () => {
    const out = new Outgoing(LIMITS);
    const frames: number[] = [];
    out.push(item(1, 200, (frame) => frames.push(frame)));
    out.push(item(2, 1, (frame) => frames.push(frame)));
    while (nextFrame(out) !== undefined);
    out.push(item(3, 95, (frame) => frames.push(frame)));
    while (nextFrame(out) !== undefined);
    deepEqual(frames, [2, 2, 4]);
  });

  test('an envelope that lost a piece never arrives, the next one does', () => {
    const out = new Outgoing(LIMITS);
    const incoming = new Incoming(10_000);
    out.push(item(1, 250));
    out.push(item(2, 5));
    const frames: Frame[] = [];
    for (let frame = nextFrame(out); frame !== undefined; frame = nextFrame(out)) frames.push(frame);
    equal(frames.length, 3);
    const arrived = frames.filter((_, index) => index !== 1).flatMap((frame) => incoming.take(frame));
    deepEqual(
      arrived.map(({ id }) => id),
      [2],
    );
    // S3: the lost frame takes no part of the window.
    out.acked(incoming.ack());
    equal(out.unackedBytes, 0);
  });

  test('an envelope above the bound is dropped by the receiver', () => {
    const out = new Outgoing({ windowBytes: 10_000, frameBytesMax: 100 });
    const incoming = new Incoming(150);
    out.push(item(1, 300));
    out.push(item(2, 5));
    const ids: number[] = [];
    for (let frame = nextFrame(out); frame !== undefined; frame = nextFrame(out))
      ids.push(...incoming.take(frame).map(({ id }) => id));
    deepEqual(ids, [2]);
  });

  test('whatever is lost or comes twice, what arrives is whole, in order and arrives once', () => {
    const fate = fc.constantFrom('carried' as const, 'lost' as const, 'twice' as const);
    fc.assert(
      fc.property(
        fc.array(fc.nat(350), { maxLength: 40 }),
        fc.array(fate, { maxLength: 60 }),
        (lengths, fates) => {
          const out = new Outgoing(LIMITS);
          const incoming = new Incoming(10_000);
          for (const [id, length] of lengths.entries()) out.push(item(id, length));
          const arrived: number[] = [];
          let lost = 0;
          for (let at = 0; ; at++) {
            const next = nextFrame(out);
            if (next === undefined) break;
            ok(next.bytes <= LIMITS.frameBytesMax && out.unackedBytes <= LIMITS.windowBytes);
            const how = fates[at] ?? 'carried';
            if (how === 'lost') lost++;
            const wire = encodeFrame(next);
            equal(wire.length, FRAME_HEAD_BYTES + next.bytes);
            for (let time = 0; time < (how === 'twice' ? 2 : how === 'lost' ? 0 : 1); time++) {
              const frame = decodeFrame(wire);
              ok(frame !== undefined);
              for (const { id, bytes } of incoming.take(frame)) {
                arrived.push(id);
                deepEqual(Buffer.from(bytes), Buffer.alloc(lengths[id] ?? -1, id & 0xff));
              }
            }
            // A ping tells the position, so that even lost bytes are acknowledged.
            incoming.take({ flags: 0, ack: 0, ...out.empty() });
            out.acked(incoming.ack());
          }
          equal(out.waitingBytes, 0);
          deepEqual(
            arrived,
            [...new Set(arrived)].sort((a, b) => a - b),
          );
          if (lost === 0) equal(arrived.length, lengths.length);
        },
      ),
      { numRuns: 300 },
    );
  });

  test('what is no frame of this version is not understood, and nothing is thrown', () => {
    const whole = encodeFrame({ flags: 0, ack: 7, ...{ offset: 9, bytes: 12, pieces: [] } }).slice(
      0,
      FRAME_HEAD_BYTES,
    );
    equal(decodeFrame(whole)?.ack, 7);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
        const frame = decodeFrame(bytes);
        ok(frame === undefined || frame.pieces.every(({ bytes: each }) => each.length <= bytes.length));
      }),
    );
    equal(decodeFrame(Buffer.concat([whole, Buffer.from([0, 1, 0, 0])])), undefined);
  });
});
