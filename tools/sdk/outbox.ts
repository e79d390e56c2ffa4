// The outgoing messages that the local view shows: waiting, accepted, failed, and sent but not yet seen in the timeline.
// Mirrors the local store. A message is in the outbox or in its conversation's log, never in neither.

import { type SendOutcome, SendState } from '../../proto/gen/starling/im/v1/send_pb.ts';
import type { OutgoingMessage } from './api.ts';
import { LIMITS } from './limits.ts';

export class Outbox {
  readonly #messages = new Map<string, OutgoingMessage>();

  /** From the local store: in order of their ids, which is the order of their making. */
  load(messages: readonly OutgoingMessage[]): void {
    this.#messages.clear();
    const ordered = [...messages].sort((a, b) => (a.clientMessageId < b.clientMessageId ? -1 : 1));
    for (const message of ordered) this.#messages.set(message.clientMessageId, message);
  }

  get(id: string): OutgoingMessage | undefined {
    return this.#messages.get(id);
  }

  put(message: OutgoingMessage): void {
    this.#messages.set(message.clientMessageId, message);
  }

  delete(id: string): void {
    this.#messages.delete(id);
  }

  all(): OutgoingMessage[] {
    return [...this.#messages.values()];
  }

  /** Those in one state. */
  inState(state: OutgoingMessage['state']): OutgoingMessage[] {
    return this.all().filter((message) => message.state === state);
  }

  /** Takes what the timeline says of accepted sends, this device's or another's; returns the messages that changed. */
  takeOutcomes(outcomes: readonly SendOutcome[], nowMs: number): OutgoingMessage[] {
    const changed = new Map<string, OutgoingMessage>();
    for (const outcome of outcomes) {
      const message = afterOutcome(this.get(outcome.clientMessageId), outcome, nowMs);
      if (message === undefined) continue;
      this.put(message);
      changed.set(message.clientMessageId, message);
    }
    return [...changed.values()];
  }

  /** Drops what a rebuild reads anew from the logs: what was sent, and what was accepted and is no longer open. */
  dropPlaced(open: readonly SendOutcome[]): string[] {
    const named = new Set(open.map(({ clientMessageId }) => clientMessageId));
    const placed = [
      ...this.inState('sent'),
      ...this.inState('accepted').filter(({ clientMessageId }) => !named.has(clientMessageId)),
    ];
    for (const { clientMessageId } of placed) this.delete(clientMessageId);
    return placed.map(({ clientMessageId }) => clientMessageId);
  }

  /** Ids to drop so that what has ended does not pile up: the oldest beyond failedKeptMax of each kind. */
  surplus(): string[] {
    return [this.inState('failed'), this.inState('sent')].flatMap((ended) =>
      ended
        .slice(0, Math.max(0, ended.length - LIMITS.failedKeptMax))
        .map((message) => message.clientMessageId),
    );
  }
}

/** The message after an outcome; undefined where nothing changes: a state only ever advances. */
function afterOutcome(
  known: OutgoingMessage | undefined,
  outcome: SendOutcome,
  nowMs: number,
): OutgoingMessage | undefined {
  const { conversationId, conversationSeq, clientMessageId, content, replyToSeq, errorCode } = outcome;
  const open = known?.state === 'sending' || known?.state === 'accepted';
  if (known !== undefined && !open) return undefined;
  switch (outcome.state) {
    case SendState.ACCEPTED:
      if (known !== undefined) {
        return known.state === 'accepted' ? undefined : { ...known, conversationId, state: 'accepted' };
      }
      if (content === undefined) return undefined;
      return {
        clientMessageId,
        conversationId,
        directUserId: '',
        content,
        state: 'accepted',
        error: '',
        createdAtMs: nowMs,
        conversationSeq: 0n,
        replyToSeq,
      };
    case SendState.PLACED:
      return known && { ...known, conversationId, conversationSeq, state: 'sent' };
    case SendState.FAILED:
      return known && { ...known, conversationId, state: 'failed', error: errorCode };
    default:
      return undefined;
  }
}
