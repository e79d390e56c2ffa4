// `make cluster ARGS=--check`: do nodes work as one? Owns: the steps and what each must show. Uses only what clients use.

import { randomUUID } from 'node:crypto';
import { GroupService } from '../../proto/gen/starling/im/v1/group_pb.ts';
import { MessageService } from '../../proto/gen/starling/im/v1/send_pb.ts';
import { SessionService } from '../../proto/gen/starling/im/v1/session_pb.ts';
import { carries, expectHistory, type Frame, nextFrame, signIn } from '../cli/check.ts';
import type { Client } from '../cli/client.ts';

/** Longest time for all steps together, milliseconds. */
const checkMsMax = 30_000;

const users = ['alice', 'bob', 'chenchen'];

/** One person at one node. */
interface Place {
  readonly userId: string;
  readonly client: Client;
  readonly frames: AsyncGenerator<Frame>;
}

interface Sent {
  readonly conversationId: string;
  readonly messageId: string;
  readonly text: string;
}

/**
 * Signs one person in at each node, sends between each two and in a group of all, verifies pushes and, at every node,
 * history. @throws Error that names the step that failed
 */
export async function checkCluster(
  addresses: readonly string[],
  onStep: (line: string) => void,
): Promise<void> {
  const deadline = AbortSignal.timeout(checkMsMax);
  const open = new AbortController();
  const signal = AbortSignal.any([open.signal, deadline]);
  const step = async <T>(name: string, run: () => Promise<T>): Promise<T> => {
    const begunMs = performance.now();
    try {
      const result = await run();
      onStep(`✓ ${name}, ${Math.round(performance.now() - begunMs)} ms`);
      return result;
    } catch (error) {
      const why = deadline.aborted ? `not within ${checkMsMax / 1_000} s` : (error as Error).message;
      throw new Error(`check: ${name}: ${why}`, { cause: error });
    }
  };
  try {
    const places = await step('one person signed in at each node and opened a stream', () =>
      Promise.all(addresses.map((address, at) => takePlace(address, users[at % users.length] ?? '', signal))),
    );
    for (const from of places)
      for (const to of places)
        if (from !== to)
          await step(`${from.userId} wrote to ${to.userId} at another node, who was pushed it`, () =>
            sendDirect(from, to, deadline),
          );
    const group = await step('a group of all was made', () => makeGroup(places, deadline));
    for (const from of places)
      await step(`${from.userId} wrote to the group, and all were pushed it`, () =>
        sendToGroup(from, places, group, deadline),
      );
    await step('every node shows the whole history', () => expectEverywhere(places, group, deadline));
  } finally {
    open.abort();
  }
}

async function takePlace(address: string, userId: string, signal: AbortSignal): Promise<Place> {
  const client = await signIn(address, userId, signal);
  const frames = client.stream(SessionService.method.open, { deviceId: 'check' }, signal);
  await nextFrame(frames, (frame) => frame.frame.case === 'welcome');
  return { userId, client, frames };
}

type Target =
  | { readonly case: 'directUserId'; readonly value: string }
  | { readonly case: 'conversationId'; readonly value: string };

async function send({ client, userId }: Place, target: Target, signal: AbortSignal): Promise<Sent> {
  const text = `Hello from ${userId} 你好 👋 ${randomUUID()}`;
  const { conversationId, messageId } = await client.call(
    MessageService.method.sendMessage,
    {
      target,
      clientMessageId: randomUUID(),
      deviceId: 'check',
      content: { body: { case: 'text', value: { text } } },
    },
    signal,
  );
  return { conversationId, messageId, text };
}

async function sendDirect(from: Place, to: Place, signal: AbortSignal): Promise<void> {
  const sent = await send(from, { case: 'directUserId', value: to.userId }, signal);
  await nextFrame(to.frames, (frame) => carries(frame, sent.messageId));
  await expectHistory(to.client, sent, sent.text, signal);
}

async function makeGroup(places: readonly Place[], signal: AbortSignal): Promise<string> {
  const [owner, ...others] = places;
  if (owner === undefined) throw new Error('there is no node');
  const { group } = await owner.client.call(
    GroupService.method.createGroup,
    { name: 'check', memberUserIds: others.map(({ userId }) => userId), requestId: randomUUID() },
    signal,
  );
  if (group === undefined) throw new Error('no group came back');
  return group.conversationId;
}

async function sendToGroup(
  from: Place,
  places: readonly Place[],
  conversationId: string,
  signal: AbortSignal,
): Promise<void> {
  const sent = await send(from, { case: 'conversationId', value: conversationId }, signal);
  await Promise.all(
    places.map(async ({ frames, client }) => {
      await nextFrame(frames, (frame) => carries(frame, sent.messageId));
      await expectHistory(client, sent, sent.text, signal);
    }),
  );
}

/** Everybody reads the group at every node, and all see the same. */
async function expectEverywhere(
  places: readonly Place[],
  conversationId: string,
  signal: AbortSignal,
): Promise<void> {
  const seen = new Set<string>();
  for (const { client: at } of places)
    for (const { userId } of places) {
      const reader = await signIn(at.address, userId, signal);
      const page = await historyOf(reader, conversationId, signal);
      if (page.length < places.length) throw new Error(`${userId} sees ${page.length} messages`);
      seen.add(page.join(' '));
    }
  if (seen.size !== 1) throw new Error('the nodes show different histories');
}

async function historyOf(
  client: Client,
  conversationId: string,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const { messages } = await client.call(
    MessageService.method.listMessages,
    { conversationId, fromSeq: 1n, pageSize: 100 },
    signal,
  );
  return messages.map(({ conversationSeq, messageId }) => `${conversationSeq}:${messageId}`);
}
