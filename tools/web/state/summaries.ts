// The conversation list as signals. Owns: the summaries, whether they were read, and the unread total. Does
// not own: the order (model/conversation-list.ts).

import { batch, signal } from '@preact/signals';
import type { Conversation } from '../../../proto/gen/starling/im/v1/conversation_pb.ts';
import type { StarlingClient } from '../../sdk/api.ts';
import { isMuted } from '../model/conversation-list.ts';

export class Summaries {
  readonly byId = signal<ReadonlyMap<string, Conversation>>(new Map());
  /** False until the list was read, or could not be. */
  readonly listed = signal(false);
  /** Sum over conversations that may disturb. */
  readonly unread = signal(0n);
  readonly #client: Pick<StarlingClient, 'conversations'>;

  constructor(client: Pick<StarlingClient, 'conversations'>) {
    this.#client = client;
  }

  /** Reads all from the local view. Rejects with SdkError. */
  async read(): Promise<readonly Conversation[]> {
    const list = await this.#client.conversations();
    batch(() => {
      this.byId.value = new Map(list.map((one) => [one.conversationId, one]));
      if (list.length > 0) this.listed.value = true;
      this.unread.value = list.reduce((sum, one) => sum + (isMuted(one) ? 0n : one.unreadCount), 0n);
    });
    return list;
  }

  /** Takes a summary that is new or has changed. */
  take(conversation: Conversation): void {
    this.byId.value = new Map(this.byId.peek()).set(conversation.conversationId, conversation);
  }
}
