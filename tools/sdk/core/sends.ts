// The queue of outgoing messages: numbers them, keeps up to sendsInFlightMax under way, repeats what has no final answer
// with the same ids, and starts a new session where the server and we no longer mean the same numbers. Pure.
//
// 1. device_seq rises by one per message in the order in which they were added; a repeat keeps its number.
// 2. Everything up to settled_device_seq has had its final answer.
// 3. A message leaves the queue exactly once: sent, accepted or failed. What arrives later about it changes nothing.
// 4. The order of the queue never changes, over sessions and restarts.

import type { LocalSendState, OutgoingMessage } from '../api.ts';
import type { Done } from '../done.ts';
import { isTokenRefused, isTransient, type SdkError } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import { backoff } from './backoff.ts';

/** A final answer of the server. */
export interface SendAnswer {
  readonly conversationId: string;
  /** 0: accepted, not placed yet. */
  readonly conversationSeq: bigint;
}

export interface SendOrderNumbers {
  readonly session: bigint;
  readonly deviceSeq: bigint;
  readonly settledDeviceSeq: bigint;
}

export type SendInput =
  | { readonly kind: 'add'; readonly message: OutgoingMessage }
  | { readonly kind: 'line'; readonly up: boolean }
  | { readonly kind: 'answered'; readonly id: string; readonly answer: SendAnswer }
  | { readonly kind: 'failed'; readonly id: string; readonly session: bigint; readonly error: SdkError }
  /** The timeline brought the message itself: the surest answer there is. */
  | { readonly kind: 'delivered'; readonly id: string; readonly answer: SendAnswer }
  /** It is not this user's, or the timeline has told its outcome: forget it without a word. */
  | { readonly kind: 'drop'; readonly id: string }
  | { readonly kind: 'timer'; readonly id: string };

export type SendEffect =
  | { readonly kind: 'send'; readonly message: OutgoingMessage; readonly order: SendOrderNumbers }
  | { readonly kind: 'update'; readonly message: OutgoingMessage }
  | { readonly kind: 'set_timer'; readonly id: string; readonly delayMs: number }
  | { readonly kind: 'cancel_timer'; readonly id: string };

interface Entry {
  readonly message: OutgoingMessage;
  deviceSeq: bigint;
  /** `ready`: to be sent as soon as there is room; `asked`: an answer is awaited; `resting`: waits for its timer. */
  phase: 'ready' | 'asked' | 'resting';
  attempt: number;
}

export interface SendRandom {
  float(): number;
  bits64(): bigint;
}

export class Sends {
  readonly #random: SendRandom;
  /** In order; none has had its final answer. */
  #entries: Entry[] = [];
  #session: bigint;
  #lastDeviceSeq = 0n;
  #up = false;

  constructor(random: SendRandom) {
    this.#random = random;
    this.#session = random.bits64();
  }

  /** Messages without a final answer. */
  get size(): number {
    return this.#entries.length;
  }

  handle(input: SendInput): SendEffect[] {
    const out: SendEffect[] = [];
    this.#step(input, out);
    this.#pump(out);
    return out;
  }

  #step(input: SendInput, out: SendEffect[]): Done {
    switch (input.kind) {
      case 'add':
        this.#lastDeviceSeq += 1n;
        this.#entries.push({
          message: input.message,
          deviceSeq: this.#lastDeviceSeq,
          phase: 'ready',
          attempt: 0,
        });
        return;
      case 'line':
        return this.#onLine(input.up, out);
      case 'answered':
      case 'delivered': {
        const state = input.answer.conversationSeq === 0n ? 'accepted' : 'sent';
        return this.#settle(input.id, { state, ...input.answer }, out);
      }
      case 'failed':
        return this.#onFailed(input.id, input.session, input.error, out);
      case 'drop':
        this.#entries = this.#entries.filter((entry) => entry.message.clientMessageId !== input.id);
        return;
      case 'timer': {
        const entry = this.#find(input.id);
        if (entry?.phase === 'resting') entry.phase = 'ready';
        return;
      }
    }
  }

  /** Sends what is ready, oldest first, within the first sendsInFlightMax of the queue. */
  #pump(out: SendEffect[]): void {
    if (!this.#up) return;
    const first = this.#entries[0];
    if (first === undefined) return;
    const settledDeviceSeq = first.deviceSeq - 1n;
    for (const entry of this.#entries.slice(0, LIMITS.sendsInFlightMax)) {
      if (entry.phase !== 'ready') continue;
      entry.phase = 'asked';
      const order = { session: this.#session, deviceSeq: entry.deviceSeq, settledDeviceSeq };
      out.push({ kind: 'send', message: entry.message, order });
    }
  }

  #onLine(up: boolean, out: SendEffect[]): Done {
    this.#up = up;
    if (!up) return;
    for (const entry of this.#entries) {
      entry.attempt = 0;
      this.#wake(entry, out);
    }
  }

  #onFailed(id: string, session: bigint, error: SdkError, out: SendEffect[]): Done {
    const entry = this.#find(id);
    // A failure under former numbers says nothing about the repeat that is under way under the new ones.
    if (entry === undefined || session !== this.#session || entry.phase !== 'asked') return;
    if (error.code === 'OUT_OF_ORDER') return this.#onOutOfOrder(entry, error, out);
    const repeat = isTransient(error) || isTokenRefused(error) || error.status === 'CANCELLED';
    if (repeat) return this.#rest(entry, error, out);
    this.#settle(id, { state: 'failed', error: error.code }, out);
  }

  #onOutOfOrder(entry: Entry, error: SdkError, out: SendEffect[]): Done {
    const { expected: named = '' } = error.metadata;
    const expected = /^\d{1,20}$/.test(named) ? BigInt(named) : 0n;
    const first = this.#entries[0];
    if (first === undefined || expected < first.deviceSeq || expected > entry.deviceSeq) {
      // The server waits for a number that will never come, or has gone past this one.
      this.#renumber(out);
      return this.#rest(first ?? entry, error, out);
    }
    for (const other of this.#entries) {
      if (other.deviceSeq >= expected && other.deviceSeq < entry.deviceSeq) this.#wake(other, out);
    }
    this.#rest(entry, error, out);
  }

  /** Begins a new session with what is left, in the same order and with the same ids. */
  #renumber(out: SendEffect[]): Done {
    this.#session = this.#random.bits64();
    this.#lastDeviceSeq = 0n;
    for (const entry of this.#entries) {
      this.#lastDeviceSeq += 1n;
      entry.deviceSeq = this.#lastDeviceSeq;
      if (entry.phase === 'resting') out.push({ kind: 'cancel_timer', id: entry.message.clientMessageId });
      entry.phase = 'ready';
    }
  }

  #rest(entry: Entry, error: SdkError, out: SendEffect[]): Done {
    const wait = { attempt: entry.attempt, random: this.#random.float(), retryAfterMs: error.retryAfterMs };
    entry.attempt += 1;
    entry.phase = 'resting';
    out.push({ kind: 'set_timer', id: entry.message.clientMessageId, delayMs: backoff(wait) });
  }

  #wake(entry: Entry, out: SendEffect[]): Done {
    if (entry.phase !== 'resting') return;
    entry.phase = 'ready';
    out.push({ kind: 'cancel_timer', id: entry.message.clientMessageId });
  }

  #settle(
    id: string,
    outcome: { state: LocalSendState; error?: string } & Partial<SendAnswer>,
    out: SendEffect[],
  ): Done {
    const entry = this.#find(id);
    if (entry === undefined) return;
    this.#wake(entry, out);
    this.#entries = this.#entries.filter((other) => other !== entry);
    out.push({ kind: 'update', message: { ...entry.message, ...outcome } });
  }

  #find(id: string): Entry | undefined {
    return this.#entries.find((entry) => entry.message.clientMessageId === id);
  }
}
