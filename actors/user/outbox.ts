// The sends of a user that were accepted while their conversation was out of reach (rules 14 and 15): the fold of the
// SendOutcome rows of the timeline. No I/O.
//
// B1  An entry comes with an ACCEPTED row and goes with a PLACED or FAILED one: a result only advances, and a row that is
//     folded twice, or is about an entry that is not there, changes nothing.
// B2  Entries of a conversation stand in the order in which they were accepted.
// B3  The fold refuses nothing: whoever appends an ACCEPTED row asks `hasRoom` first.

import { create, toBinary } from '@bufbuild/protobuf';
import { type OutboxState, OutboxStateSchema } from '../../proto/gen/starling/actor/v1/user_pb.ts';
import { ContentSchema } from '../../proto/gen/starling/im/v1/message_pb.ts';
import { type SendOutcome, SendOutcomeSchema, SendState } from '../../proto/gen/starling/im/v1/send_pb.ts';
import { payloadHashOf } from '../ids.ts';
import type { ImLimits } from '../limits.ts';
import { sizeOf } from './send-answers.ts';

export type OutboxLimits = Pick<ImLimits, 'outboxEntriesMax' | 'outboxBytesMax' | 'sendFailuresMax'>;

/** What tells one send of a user from another. */
export interface SendName {
  readonly conversationId: string;
  readonly clientMessageId: string;
}

export class Outbox {
  readonly #limits: OutboxLimits;
  readonly #entries = new Map<string, OutboxState>();
  /** Kept so that a late repeat gets the answer that was given already, and a device that rebuilds learns of it. */
  readonly #failed = new Map<string, OutboxState>();
  #bytes = 0;

  constructor(limits: OutboxLimits) {
    this.#limits = limits;
  }

  /** Accepted and not placed yet. */
  get size(): number {
    return this.#entries.size;
  }

  hasRoom(bytes: number): boolean {
    const { outboxEntriesMax, outboxBytesMax } = this.#limits;
    return this.#entries.size < outboxEntriesMax && this.#bytes + bytes <= outboxBytesMax;
  }

  /** What is known of a send: ACCEPTED or FAILED; undefined also for one that was placed. */
  find(name: SendName): OutboxState | undefined {
    const key = keyOf(name);
    return this.#entries.get(key) ?? this.#failed.get(key);
  }

  /** B2. */
  entries(): OutboxState[] {
    return [...this.#entries.values()];
  }

  /** What a device that rebuilds has to know. */
  outcomes(): SendOutcome[] {
    return [...this.#entries.values(), ...this.#failed.values()].flatMap(({ outcome }) => outcome ?? []);
  }

  /** Folds a row. */
  apply(outcome: SendOutcome, timeMs: number): void {
    const key = keyOf(outcome);
    switch (outcome.state) {
      case SendState.ACCEPTED:
        if (this.#entries.has(key)) return;
        this.#add(key, accepted(outcome, timeMs));
        return;
      case SendState.PLACED:
        this.#remove(key);
        return;
      case SendState.FAILED: {
        const entry = this.#remove(key);
        if (entry !== undefined) this.#keepFailed(key, create(OutboxStateSchema, { ...entry, outcome }));
        return;
      }
      default:
        return;
    }
  }

  restore(entries: readonly OutboxState[], failed: readonly OutboxState[]): void {
    for (const entry of entries) if (entry.outcome !== undefined) this.#add(keyOf(entry.outcome), entry);
    for (const entry of failed)
      if (entry.outcome !== undefined) this.#keepFailed(keyOf(entry.outcome), entry);
  }

  snapshot(): { outbox: OutboxState[]; failedSends: OutboxState[] } {
    return { outbox: [...this.#entries.values()], failedSends: [...this.#failed.values()] };
  }

  #add(key: string, entry: OutboxState): void {
    this.#entries.set(key, entry);
    this.#bytes += sizeOf(entry.outcome?.content);
  }

  #remove(key: string): OutboxState | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    this.#entries.delete(key);
    this.#bytes -= sizeOf(entry.outcome?.content);
    return entry;
  }

  #keepFailed(key: string, entry: OutboxState): void {
    this.#failed.set(key, entry);
    const [oldest] = this.#failed.keys();
    if (this.#failed.size > this.#limits.sendFailuresMax && oldest !== undefined) this.#failed.delete(oldest);
  }
}

function accepted(outcome: SendOutcome, timeMs: number): OutboxState {
  const content = toBinary(ContentSchema, outcome.content ?? create(ContentSchema));
  return create(OutboxStateSchema, {
    outcome: create(SendOutcomeSchema, outcome),
    acceptTimeMs: BigInt(timeMs),
    payloadHash: payloadHashOf(content, outcome.replyToSeq),
  });
}

/** Neither id has a `/`. */
function keyOf({ conversationId, clientMessageId }: SendName): string {
  return `${conversationId}/${clientMessageId}`;
}
