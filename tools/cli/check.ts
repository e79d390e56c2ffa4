// `starling dev --check`: does the whole line work? Owns: the steps and what each must show. Uses only what clients use.

import { randomUUID } from 'node:crypto';
import type { MessageShape } from '@bufbuild/protobuf';
import { MessageService } from '../../proto/gen/starling/im/v1/send_pb.ts';
import { type OpenResponseSchema, SessionService } from '../../proto/gen/starling/im/v1/session_pb.ts';
import { type Client, createClient } from './client.ts';
import { CliError } from './exit.ts';

/** What was verified. */
export interface CheckReport {
  readonly ok: true;
  readonly message_id: string;
  readonly steps: readonly { readonly name: string; readonly elapsedMs: number }[];
}

const CHECK_MS_MAX = 15_000;
const TEXT = 'Hello from the check 你好 👋';

/** Signs two people in, sends, and verifies push and history. @throws CliError that names the step that failed */
export async function runCheck(address: string, now: () => number): Promise<CheckReport> {
  const deadline = AbortSignal.timeout(CHECK_MS_MAX);
  const steps: { name: string; elapsedMs: number }[] = [];
  const step = async <T>(name: string, run: () => Promise<T>): Promise<T> => {
    const begun = now();
    try {
      const result = await run();
      steps.push({ name, elapsedMs: now() - begun });
      return result;
    } catch (error) {
      const why = deadline.aborted ? `not within ${CHECK_MS_MAX} ms` : (error as Error).message;
      throw new CliError('failed', `check: ${name}: ${why}`, { cause: error });
    }
  };
  const alice = await step('alice signed in', () => signIn(address, 'alice', deadline));
  const bob = await step('bob signed in', () => signIn(address, 'bob', deadline));
  const open = new AbortController();
  const frames = bob.stream(
    SessionService.method.open,
    { deviceId: 'check' },
    AbortSignal.any([open.signal, deadline]),
  );
  try {
    await step('bob opened a stream', () => nextFrame(frames, (frame) => frame.frame.case === 'welcome'));
    const sent = await step('alice sent', () =>
      alice.call(
        MessageService.method.sendMessage,
        {
          target: { case: 'directUserId', value: 'bob' },
          clientMessageId: randomUUID(),
          deviceId: 'check',
          content: { body: { case: 'text', value: { text: TEXT } } },
        },
        deadline,
      ),
    );
    await step('bob was pushed it', () => nextFrame(frames, (frame) => carries(frame, sent.messageId)));
    await step('history has it', () => expectHistory(bob, sent, TEXT, deadline));
    return { ok: true, message_id: sent.messageId, steps };
  } finally {
    open.abort();
  }
}

/** Signs a demo user in. */
export async function signIn(address: string, userId: string, signal: AbortSignal): Promise<Client> {
  const body = JSON.stringify({ user_id: userId });
  const response = await fetch(`${address}/demo/token`, { method: 'POST', body, signal });
  const { token } = (await response.json()) as { token?: unknown };
  if (typeof token !== 'string') throw new Error(`the server answered ${response.status} without a token`);
  return createClient({ address, token: () => token });
}

/** A frame of an open stream. */
export type Frame = MessageShape<typeof OpenResponseSchema>;

/** Reads frames up to the wanted one. @throws Error when the stream ends before */
export async function nextFrame(
  frames: AsyncGenerator<Frame>,
  wanted: (frame: Frame) => boolean,
): Promise<void> {
  for (;;) {
    const { value, done } = await frames.next();
    if (done === true) throw new Error('the stream ended');
    if (wanted(value)) return;
  }
}

/** Whether a frame brings this message. */
export function carries({ frame }: Frame, messageId: string): boolean {
  if (frame.case !== 'deliveries') return false;
  return frame.value.deliveries.some(
    ({ entry }) => entry.case === 'message' && entry.value.messageId === messageId,
  );
}

/** @throws Error where the newest page of a conversation does not hold the message with this text */
export async function expectHistory(
  client: Client,
  sent: { readonly conversationId: string; readonly messageId: string },
  text: string,
  signal: AbortSignal,
): Promise<void> {
  const request = { conversationId: sent.conversationId, descending: true };
  const { messages } = await client.call(MessageService.method.listMessages, request, signal);
  const found = messages.find((message) => message.messageId === sent.messageId);
  const body = found?.content?.body;
  if (body?.case !== 'text' || body.value.text !== text)
    throw new Error('the message is not there as it was sent');
}
