// What nodes say that users have been given. Owns: I17, whatever a node acknowledges in the name of its users is durable.

import type { SimProcess } from '../world/process.ts';
import type { Trace } from '../world/trace.ts';
import type { Recorder } from './recorder.ts';
import { factsOfUserRow } from './rows.ts';

export class Receipts {
  readonly #recorder: Recorder;
  readonly #trace: Trace;
  /** Sends that were refused after they had been accepted: `user conversation client_message_id`. */
  readonly failedSends = new Set<string>();
  /** Durable and fence-checked notes ever left: `user conversation`. */
  readonly #notes = new Set<string>();
  /** Conversation rows that users' timelines hold: `user conversation joinSeq seq`. */
  readonly #delivered = new Set<string>();
  readonly #joined = new Map<string, number>();

  constructor(recorder: Recorder, trace: Trace) {
    this.#recorder = recorder;
    this.#trace = trace;
  }

  /** A note beside a user is durable and fence-checked. */
  noted(note: string): void {
    this.#notes.add(note);
  }

  /** I17: a node says that a user has an entry of a conversation. */
  acknowledged(
    process: SimProcess,
    user: string,
    conversationId: string,
    joinSeq: number,
    seqs: readonly number[],
  ): void {
    if ((this.#joined.get(`${user} ${conversationId}`) ?? 0) > joinSeq) return;
    for (const seq of seqs) {
      if (!this.#delivered.has(`${user} ${conversationId} ${joinSeq} ${seq}`))
        this.#recorder.fail(
          'I17',
          `${process.name} acknowledges ${conversationId} ${seq} for ${user}, who has no durable row of it`,
        );
    }
  }

  /** I17: a node says that a note stands beside an absent user. */
  marked(process: SimProcess, user: string, conversationId: string): void {
    this.#trace.count('absent member marked');
    if (!this.#notes.has(`${user} ${conversationId}`))
      this.#recorder.fail(
        'I17',
        `${process.name} says that ${user} is marked for ${conversationId}, and no note is durable`,
      );
  }

  /** A row of a user's timeline is durable and fence-checked. */
  established(user: string, value: Uint8Array): void {
    const { conversationId, conversationSeq, joinSeq, failedSend } = factsOfUserRow(value);
    if (failedSend !== undefined) {
      this.failedSends.add(`${user.slice('main/'.length)} ${failedSend}`);
      this.#trace.count('accepted send refused');
    }
    if (conversationId === '') return;
    this.#delivered.add(`${user} ${conversationId} ${joinSeq} ${conversationSeq}`);
    const name = `${user} ${conversationId}`;
    this.#joined.set(name, Math.max(this.#joined.get(name) ?? 0, joinSeq));
  }
}
