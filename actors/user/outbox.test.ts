import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { type SendOutcome, SendOutcomeSchema, SendState } from '../../proto/gen/starling/im/v1/send_pb.ts';
import { DEFAULT_IM_LIMITS } from '../limits.ts';
import { Outbox } from './outbox.ts';

const outcome = (clientMessageId: string, state: SendState, text = ''): SendOutcome =>
  create(SendOutcomeSchema, {
    conversationId: 'g1',
    clientMessageId,
    state,
    content: { body: { case: 'text', value: { text } } },
  });
const idsOf = (outbox: Outbox): string[] => outbox.outcomes().map((one) => one.clientMessageId);

describe('the fold of the outbox', () => {
  it('B1: is the same for a row that comes twice, late or without an entry', () => {
    const outbox = new Outbox(DEFAULT_IM_LIMITS);
    outbox.apply(outcome('a', SendState.FAILED), 1);
    outbox.apply(outcome('a', SendState.ACCEPTED, 'hello'), 2);
    outbox.apply(outcome('a', SendState.ACCEPTED, 'hello'), 3);
    assert.equal(outbox.size, 1);
    assert.equal(outbox.find(outcome('a', SendState.ACCEPTED))?.acceptTimeMs, 2n);
    outbox.apply(outcome('a', SendState.PLACED), 4);
    outbox.apply(outcome('a', SendState.PLACED), 5);
    outbox.apply(outcome('a', SendState.FAILED), 6);
    assert.deepEqual(idsOf(outbox), [], 'what was placed never fails afterwards');
    assert.equal(outbox.hasRoom(DEFAULT_IM_LIMITS.outboxBytesMax), true);
  });

  it('counts the bytes of what it holds, also after it was restored', () => {
    const limits = { ...DEFAULT_IM_LIMITS, outboxBytesMax: 100 };
    const outbox = new Outbox(limits);
    assert.equal(outbox.hasRoom(100), true);
    assert.equal(outbox.hasRoom(101), false);
    outbox.apply(outcome('a', SendState.ACCEPTED, 'x'.repeat(20)), 1);
    const restored = new Outbox(limits);
    const { outbox: entries, failedSends } = outbox.snapshot();
    restored.restore(entries, failedSends);
    for (const one of [outbox, restored]) {
      assert.equal(one.hasRoom(40), true);
      assert.equal(one.hasRoom(41), false);
    }
  });

  it('B2: keeps the order in which sends were accepted, and the newest failures only', () => {
    const outbox = new Outbox({ ...DEFAULT_IM_LIMITS, sendFailuresMax: 2 });
    for (const id of ['c', 'a', 'b', 'd']) outbox.apply(outcome(id, SendState.ACCEPTED), 1);
    assert.deepEqual(idsOf(outbox), ['c', 'a', 'b', 'd']);
    for (const id of ['a', 'c', 'b']) outbox.apply(outcome(id, SendState.FAILED), 2);
    assert.deepEqual(idsOf(outbox), ['d', 'c', 'b']);
    const restored = new Outbox(DEFAULT_IM_LIMITS);
    const { outbox: entries, failedSends } = outbox.snapshot();
    restored.restore(entries, failedSends);
    assert.deepEqual(idsOf(restored), ['d', 'c', 'b']);
  });
});
