import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { create } from '@bufbuild/protobuf';
import {
  type PostRequest,
  type PostResponse,
  PostResponseSchema,
} from '../../proto/gen/starling/actor/v1/group_pb.ts';
import { UserSendRequestSchema, type UserSendResponse } from '../../proto/gen/starling/actor/v1/user_pb.ts';
import type { CallOutcome, Turn } from '../../runtime/index.ts';
import { Later, StarlingError } from '../../runtime/index.ts';
import { DEFAULT_IM_LIMITS, type ImLimits } from '../limits.ts';
import { Sending } from './sending.ts';

interface Post {
  readonly ids: string[];
  readonly answer: (outcome: CallOutcome<PostResponse>) => void;
}

/** The sends of one user, with the posts that reach conversations. */
function setUp(limits: Partial<ImLimits> = {}) {
  const posts: Post[] = [];
  const answers: string[] = [];
  const turn = {
    defer: () =>
      new Later<UserSendResponse>(
        () => {},
        () => {},
      ),
    after: () => () => {},
    ask: () => ({
      post: ({ entries }: PostRequest, then: (outcome: CallOutcome<PostResponse>, turn: Turn) => void) => {
        posts.push({
          ids: entries.map(({ clientMessageId }) => clientMessageId),
          answer: (outcome) => then(outcome, turn),
        });
      },
    }),
  } as unknown as Turn;
  const sending = new Sending({
    tenant: 'main',
    userId: 'alice',
    limits: { ...DEFAULT_IM_LIMITS, ...limits },
    hasConversation: () => true,
  });
  const send = (clientMessageId: string, conversationId = 'g1'): void => {
    const noted = new Later<UserSendResponse>(
      () => answers.push(`${clientMessageId} ok`),
      ({ code }) => answers.push(`${clientMessageId} ${code}`),
    );
    sending.send(create(UserSendRequestSchema, { conversationId, clientMessageId }), {
      ...turn,
      defer: () => noted,
    } as unknown as Turn);
  };
  const done = ({ ids, answer }: Post): void =>
    answer({
      ok: true,
      value: create(PostResponseSchema, { results: ids.map((messageId) => ({ messageId })) }),
    });
  return { posts, answers, send, done };
}

const idsOf = (posts: readonly Post[]): string[][] => posts.map(({ ids }) => ids);

describe('the sends of a user', () => {
  it('Q1: have one batch under way per conversation; what comes meanwhile goes with the next', () => {
    const { posts, answers, send, done } = setUp();
    for (const id of ['a', 'b', 'c']) send(id);
    send('other', 'g2');
    assert.deepEqual(idsOf(posts), [['a'], ['other']]);
    assert.ok(posts[0] !== undefined);
    done(posts[0]);
    assert.deepEqual(idsOf(posts), [['a'], ['other'], ['b', 'c']]);
    assert.deepEqual(answers, ['a ok']);
  });

  it('Q2: fail with the batch before them, so that none overtakes it', () => {
    const { posts, answers, send } = setUp();
    for (const id of ['a', 'b']) send(id);
    posts[0]?.answer({ ok: false, error: new StarlingError('OUTCOME_UNKNOWN') });
    assert.deepEqual(answers, ['a OUTCOME_UNKNOWN', 'b OUTCOME_UNKNOWN']);
    send('c');
    assert.deepEqual(idsOf(posts), [['a'], ['c']]);
  });

  it('are bounded by batch and in all', () => {
    const { posts, answers, send, done } = setUp({ postEntriesMax: 2, sendQueueMax: 3 });
    for (const id of ['a', 'b', 'c', 'd', 'e']) send(id);
    assert.deepEqual(answers, ['e OVERLOADED']);
    for (let i = 0; i < 3; i++) if (posts[i] !== undefined) done(posts[i] as Post);
    assert.deepEqual(idsOf(posts), [['a'], ['b', 'c'], ['d']]);
  });

  it('say of an outcome that is not known that the same id is to be sent again', () => {
    const { posts, answers, send } = setUp();
    send('a');
    posts[0]?.answer({ ok: false, error: new StarlingError('INTERNAL') });
    assert.deepEqual(answers, ['a OUTCOME_UNKNOWN']);
  });
});
