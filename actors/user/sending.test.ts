import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { create } from '@bufbuild/protobuf';
import {
  type PostRequest,
  type PostResponse,
  PostResponseSchema,
} from '../../proto/gen/starling/actor/v1/group_pb.ts';
import { UserSendRequestSchema, type UserSendResponse } from '../../proto/gen/starling/actor/v1/user_pb.ts';
import { type SendOutcome, SendState } from '../../proto/gen/starling/im/v1/send_pb.ts';
import type { CallOutcome, ErrorCode, Turn } from '../../runtime/index.ts';
import { Later, StarlingError } from '../../runtime/index.ts';
import { SimClock } from '../../runtime/testing/index.ts';
import { DEFAULT_IM_LIMITS, type ImLimits } from '../limits.ts';
import { Outbox } from './outbox.ts';
import { Sending } from './sending.ts';

interface Post {
  readonly ids: string[];
  readonly lookedFor: string[];
  readonly answer: (outcome: CallOutcome<PostResponse>) => void;
}

const nameOf = (state: number | undefined): string =>
  Object.entries(SendState).find(([, value]) => value === state)?.[0] ?? '';

/** The sends of one user, with the posts that reach conversations and the rows that are noted. */
function setUp(limits: Partial<ImLimits> = {}, outbox = new Outbox({ ...DEFAULT_IM_LIMITS, ...limits })) {
  const clock = new SimClock();
  const posts: Post[] = [];
  const answers: string[] = [];
  const noted: string[] = [];
  let awake = 0;
  const turn = {
    now: () => clock.now(),
    monotonic: () => clock.monotonic(),
    remainingMs: () => 10_000,
    random64: () => 0n,
    keepAwake: () => {
      awake++;
      return () => awake--;
    },
    after: (delayMs: number, task: (turn: Turn) => void) => {
      const timer = clock.after(delayMs, () => task(turn as unknown as Turn));
      return () => timer.cancel();
    },
    ask: () => ({
      post: ({ entries }: PostRequest, then: (outcome: CallOutcome<PostResponse>, turn: Turn) => void) => {
        posts.push({
          ids: entries.map(({ clientMessageId }) => clientMessageId),
          lookedFor: entries.filter((one) => one.repeatOnly).map((one) => one.clientMessageId),
          answer: (outcome) => then(outcome, turn as unknown as Turn),
        });
      },
    }),
  };
  const note = (outcome: SendOutcome): number => {
    outbox.apply(outcome, clock.now());
    const { clientMessageId, state, errorCode } = outcome;
    noted.push(`${clientMessageId} ${nameOf(state)}${errorCode === '' ? '' : ` ${errorCode}`}`);
    return clock.now();
  };
  const sending = new Sending({
    tenant: 'main',
    userId: 'alice',
    limits: { ...DEFAULT_IM_LIMITS, ...limits },
    outbox,
    hasConversation: () => true,
    note,
  });
  const send = (clientMessageId: string, conversationId = 'g1', deadlineMs = 10_000): void => {
    const later = new Later<UserSendResponse>(
      ({ sent }) => answers.push(`${clientMessageId} ${nameOf(sent?.state)}`),
      ({ code }) => answers.push(`${clientMessageId} ${code}`),
    );
    sending.send(create(UserSendRequestSchema, { conversationId, clientMessageId }), {
      ...turn,
      remainingMs: () => deadlineMs,
      defer: () => later,
    } as unknown as Turn);
  };
  const results = (at: number, code: (id: string) => string): void =>
    posts[at]?.answer({
      ok: true,
      value: create(PostResponseSchema, {
        results: posts[at].ids.map((messageId) => ({ messageId, errorCode: code(messageId) })),
      }),
    });
  return {
    clock,
    outbox,
    posts,
    answers,
    noted,
    send,
    done: (at: number) => results(at, () => ''),
    refuse: (at: number, code: ErrorCode) => results(at, () => code),
    fail: (at: number, code: ErrorCode) => posts[at]?.answer({ ok: false, error: new StarlingError(code) }),
    resume: () => sending.resume(turn as unknown as Turn),
    ids: () => posts.map(({ ids }) => ids),
    awake: () => awake > 0,
  };
}

describe('the sends of a user', () => {
  it('Q1: have one batch under way per conversation; what comes meanwhile goes with the next', () => {
    const { ids, answers, send, done } = setUp();
    for (const id of ['a', 'b', 'c']) send(id);
    send('other', 'g2');
    assert.deepEqual(ids(), [['a'], ['other']]);
    done(0);
    assert.deepEqual(ids(), [['a'], ['other'], ['b', 'c']]);
    assert.deepEqual(answers, ['a PLACED']);
  });

  it('Q2: are posted again with what is behind them when their conversation could not take them', async () => {
    const { clock, ids, answers, send, fail, done } = setUp();
    for (const id of ['a', 'b']) send(id);
    fail(0, 'OUTCOME_UNKNOWN');
    send('c');
    await clock.advance(1000);
    assert.deepEqual(ids(), [['a'], ['a', 'b', 'c']]);
    done(1);
    assert.deepEqual(answers, ['a PLACED', 'b PLACED', 'c PLACED']);
  });

  it('Q2: are refused one by one: a refusal is an answer, and what is behind it goes on', () => {
    const { ids, answers, send, fail, done } = setUp();
    for (const id of ['a', 'b']) send(id);
    fail(0, 'CONVERSATION_NOT_FOUND');
    done(1);
    assert.deepEqual(ids(), [['a'], ['b']]);
    assert.deepEqual(answers, ['a CONVERSATION_NOT_FOUND', 'b PLACED']);
  });

  it('are bounded by batch and in all', () => {
    const { ids, answers, send, done } = setUp({ postEntriesMax: 2, sendQueueMax: 3 });
    for (const id of ['a', 'b', 'c', 'd', 'e']) send(id);
    assert.deepEqual(answers, ['e OVERLOADED']);
    for (const at of [0, 1, 2]) done(at);
    assert.deepEqual(ids(), [['a'], ['b', 'c'], ['d']]);
  });
});

describe('the outbox of a user', () => {
  it('Q3: accepts what was not answered in time, in order, and places it with the late answer', async () => {
    const { clock, ids, answers, noted, send, done, awake } = setUp();
    for (const id of ['a', 'b']) send(id);
    await clock.advance(1400);
    assert.deepEqual(noted, []);
    await clock.advance(200);
    assert.deepEqual(noted, ['a ACCEPTED', 'b ACCEPTED']);
    assert.deepEqual(answers, ['a ACCEPTED', 'b ACCEPTED']);
    assert.equal(awake(), true);
    send('c');
    assert.deepEqual(answers.slice(2), ['c ACCEPTED'], 'what comes behind waits no longer');
    assert.deepEqual(ids(), [['a']], 'one batch under way');
    done(0);
    done(1);
    assert.deepEqual(ids(), [['a'], ['b', 'c']]);
    assert.deepEqual(noted.slice(3), ['a PLACED', 'b PLACED', 'c PLACED']);
    assert.equal(awake(), false);
    send('d');
    assert.deepEqual(answers.length, 3, 'a conversation that answers again is waited for');
  });

  it('accepts within half of the deadline of the caller', async () => {
    const { clock, answers, send } = setUp();
    send('a', 'g1', 800);
    await clock.advance(450);
    assert.deepEqual(answers, ['a ACCEPTED']);
  });

  it('tries again with growing waits until the conversation answers, and never lets a later send overtake', async () => {
    const { clock, ids, noted, send, fail, done } = setUp();
    send('a');
    for (let at = 0; at < 6; at++) {
      fail(at, at % 2 === 0 ? 'NOT_OWNER' : 'OVERLOADED');
      send(`b${at}`);
      await clock.advance(5000);
    }
    assert.equal(ids().length, 7);
    assert.deepEqual(ids().at(-1), ['a', 'b0', 'b1', 'b2', 'b3', 'b4', 'b5']);
    done(6);
    assert.deepEqual(noted.slice(7, 9), ['a PLACED', 'b0 PLACED']);
  });

  it('answers a repeat with ACCEPTED, and refuses the id for another content', async () => {
    const { clock, answers, noted, send, outbox } = setUp();
    send('a');
    send('a');
    await clock.advance(1600);
    send('a');
    assert.deepEqual(answers, ['a ACCEPTED', 'a ACCEPTED', 'a ACCEPTED']);
    assert.deepEqual(noted, ['a ACCEPTED']);
    assert.equal(outbox.size, 1);
  });

  it('reports a final refusal as FAILED, goes on with what is behind it, and refuses a late repeat the same way', async () => {
    const { clock, answers, noted, send, refuse, done } = setUp();
    send('a');
    await clock.advance(1600);
    send('b');
    refuse(0, 'NOT_A_MEMBER');
    done(1);
    assert.deepEqual(noted, ['a ACCEPTED', 'b ACCEPTED', 'a FAILED NOT_A_MEMBER', 'b PLACED']);
    send('a');
    assert.deepEqual(answers.at(-1), 'a NOT_A_MEMBER');
  });

  it('keeps what an operator can mend, where a send that is not accepted is refused', async () => {
    const { clock, answers, noted, send, fail, done } = setUp();
    send('a');
    await clock.advance(1600);
    fail(0, 'STORAGE_FULL');
    await clock.advance(1000);
    done(1);
    assert.deepEqual(noted, ['a ACCEPTED', 'a PLACED']);
    send('b');
    fail(2, 'STORAGE_FULL');
    assert.deepEqual(answers.at(-1), 'b STORAGE_FULL');
  });

  it('is bounded: what finds no room is given back, with all that is behind it', async () => {
    const { clock, answers, send, fail } = setUp({ outboxEntriesMax: 2 });
    send('a');
    for (const id of ['b', 'c', 'd']) send(id);
    await clock.advance(1600);
    assert.deepEqual(answers, ['a ACCEPTED', 'b ACCEPTED', 'c OVERLOADED', 'd OVERLOADED']);
    send('other', 'g2');
    await clock.advance(1600);
    fail(1, 'DEADLINE_EXCEEDED');
    assert.deepEqual(answers.at(-1), 'other OUTCOME_UNKNOWN', 'what was under way may have been placed');
  });

  it('gives up what is too old: it is looked for once more, and has failed if it is not there', async () => {
    const { clock, posts, noted, send, fail, refuse } = setUp({ outboxAgeMsMax: 60_000 });
    send('a');
    await clock.advance(2000);
    fail(0, 'NOT_OWNER');
    await clock.advance(59_400);
    send('b');
    fail(1, 'NOT_OWNER');
    await clock.advance(200);
    assert.deepEqual(posts[2]?.ids, ['a', 'b']);
    assert.deepEqual(posts[2]?.lookedFor, ['a']);
    refuse(2, 'SUPERSEDED');
    assert.deepEqual(noted[2], 'a FAILED SEND_EXPIRED');
  });

  it('gives up what is too old while the conversation stays out of reach', async () => {
    const { clock, posts, noted, send, fail } = setUp({ outboxAgeMsMax: 60_000 });
    send('a');
    await clock.advance(2000);
    for (let at = 0; at < 6; at++) {
      fail(posts.length - 1, 'NOT_OWNER');
      await clock.advance(20_000);
    }
    assert.deepEqual(noted, ['a ACCEPTED', 'a FAILED SEND_EXPIRED']);
  });

  it('is taken up by the next activation in the same order, and a send behind it waits', async () => {
    const before = setUp();
    for (const id of ['a', 'b']) before.send(id);
    await before.clock.advance(1600);
    const outbox = new Outbox(DEFAULT_IM_LIMITS);
    const { outbox: entries, failedSends } = before.outbox.snapshot();
    outbox.restore(entries, failedSends);
    const { ids, answers, noted, send, resume, done, awake } = setUp({}, outbox);
    resume();
    assert.equal(awake(), true);
    send('c');
    send('b');
    assert.deepEqual(ids(), [['a', 'b']]);
    done(0);
    done(1);
    assert.deepEqual(noted, ['a PLACED', 'b PLACED']);
    assert.deepEqual(answers, ['b ACCEPTED', 'c PLACED']);
  });
});
