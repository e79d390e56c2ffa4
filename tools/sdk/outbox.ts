// The outgoing messages that the local view shows: waiting, failed, and sent but not yet seen in the timeline. Mirrors
// the local store. A message is in the outbox or in its conversation's log, never in neither.

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

  /** Ids to drop so that what has ended does not pile up: the oldest beyond failedKeptMax of each kind. */
  surplus(): string[] {
    return [this.inState('failed'), this.inState('sent')].flatMap((ended) =>
      ended
        .slice(0, Math.max(0, ended.length - LIMITS.failedKeptMax))
        .map((message) => message.clientMessageId),
    );
  }
}
