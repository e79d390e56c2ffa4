// A person who writes all the time, one message after the other, through whichever node answers. Owns: the order of nodes
// that are tried, repeats until the outcome is known, and when each message was acked. Does not own: what happens to nodes.
//
// Invariant: P1 a message is repeated with the same ids until it is acked, and the next begins after that: so what is acked
// can be counted in the conversation's log.

import { setTimeout as sleep } from 'node:timers/promises';
import { MessageService, SendState } from '../../../proto/gen/starling/im/v1/send_pb.ts';
import type { Caller } from '../api.ts';
import { CallFailure } from '../failure.ts';

/** One message that was acked. */
export interface Acked {
  /** Number of the message, from 1. */
  readonly n: number;
  readonly begunMs: number;
  readonly ackedMs: number;
  /** Calls that it took. */
  readonly attempts: number;
}

export interface PacerOptions {
  readonly userId: string;
  readonly peerUserId: string;
  /** The same identity at every node. */
  readonly callers: readonly Caller[];
  /** Between an ack and the next message, milliseconds. */
  readonly pauseMs: number;
}

const TEXT = 'message ';
/** Longest wait for one answer, milliseconds. */
const CALL_MS_MAX = 4_000;
/** Wait before the next node is tried, milliseconds. */
const NEXT_MS = 20;
/** A message that is not acked for so long has failed, milliseconds. */
const FAILED_MS = 30_000;

export class Pacer {
  readonly userId: string;
  readonly acked: Acked[] = [];
  /** Messages that were refused for good, or not acked within FAILED_MS: why. */
  readonly failed: string[] = [];
  conversationId = '';
  readonly #options: PacerOptions;
  #at: number;
  #sent = 0;
  #going = true;
  #task: Promise<void> = Promise.resolve();

  /** `at`: index of the caller that is tried first. */
  constructor(options: PacerOptions, at: number) {
    this.#options = options;
    this.#at = at;
    this.userId = options.userId;
  }

  /** What is wrong with the texts that the log holds of this person, in its order; undefined = nothing. */
  wrongIn(texts: readonly string[]): string | undefined {
    const placed = texts.map((text) => Number(text.slice(TEXT.length)));
    const fault = placed.findIndex((n, at) => at > 0 && n <= (placed[at - 1] ?? 0));
    if (fault >= 0) return `${texts[fault]} is there twice or out of order`;
    const held = new Set(placed);
    const lost = this.acked.find(({ n }) => !held.has(n));
    return lost === undefined ? undefined : `${TEXT}${lost.n} was acked and is not there`;
  }

  start(): void {
    this.#task = this.#run();
  }

  /** Resolves once the last message is settled. */
  async finish(): Promise<void> {
    this.#going = false;
    await this.#task;
  }

  async #run(): Promise<void> {
    while (this.#going) {
      await this.#send();
      await sleep(this.#options.pauseMs);
    }
  }

  /** P1. */
  async #send(): Promise<void> {
    const { userId, peerUserId } = this.#options;
    this.#sent += 1;
    const request = {
      target: { case: 'directUserId' as const, value: peerUserId },
      clientMessageId: `${userId}-${this.#sent}`,
      deviceId: 'pacer',
      content: { body: { case: 'text' as const, value: { text: `${TEXT}${this.#sent}` } } },
    };
    const begunMs = performance.now();
    for (let attempts = 1; ; attempts += 1) {
      const caller = this.#options.callers[this.#at % this.#options.callers.length];
      if (caller === undefined) throw new Error('there is no node to call');
      try {
        const answer = await caller.call(MessageService.method.sendMessage, request, CALL_MS_MAX);
        if (answer.state === SendState.PLACED) {
          this.conversationId = answer.conversationId;
          this.acked.push({ n: this.#sent, begunMs, ackedMs: performance.now(), attempts });
          return;
        }
      } catch (error) {
        if (!(error instanceof CallFailure)) throw error;
        if (!error.repeatable || performance.now() - begunMs > FAILED_MS) {
          this.failed.push(error.message);
          return;
        }
        this.#at += 1;
      }
      await sleep(NEXT_MS);
    }
  }
}

/** Waits of messages that were under way at some time between two moments, milliseconds. */
export function waitsWithin({ acked }: Pacer, fromMs: number, toMs: number): number[] {
  return acked
    .filter(({ begunMs, ackedMs }) => ackedMs >= fromMs && begunMs <= toMs)
    .map(({ begunMs, ackedMs }) => ackedMs - begunMs);
}

/** Time from a moment to the first ack of a message that was begun after it. */
export function firstAckAfter({ acked }: Pacer, fromMs: number): number | undefined {
  const found = acked.find(({ begunMs }) => begunMs >= fromMs);
  return found === undefined ? undefined : found.ackedMs - fromMs;
}
