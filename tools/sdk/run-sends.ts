// Runs the queue of outgoing messages.

import { create } from '@bufbuild/protobuf';
import {
  MessageService,
  SendMessageRequestSchema,
  SendOrderSchema,
} from '../../proto/gen/starling/im/v1/send_pb.ts';
import { type SendEffect, type SendInput, Sends } from './core/sends.ts';
import type { Done } from './done.ts';
import { toSdkError } from './errors.ts';
import type { Session } from './session.ts';
import type { Writer } from './writer.ts';

export class SendRunner {
  readonly #session: Session;
  readonly #writer: Writer;
  readonly #sends: Sends;

  constructor(session: Session, writer: Writer) {
    this.#session = session;
    this.#writer = writer;
    this.#sends = new Sends(session.env.random);
  }

  /** Messages without a final answer. */
  get size(): number {
    return this.#sends.size;
  }

  handle(input: SendInput): void {
    for (const effect of this.#sends.handle(input)) this.#runSend(effect);
  }

  #runSend(effect: SendEffect): Done {
    switch (effect.kind) {
      case 'send':
        void this.#sendMessage(effect);
        return;
      case 'update':
        void this.#writer.settleOutgoing(effect.message);
        return;
      case 'set_timer':
        this.#session.timers.set(`send.${effect.id}`, effect.delayMs, () =>
          this.handle({ kind: 'timer', id: effect.id }),
        );
        return;
      case 'cancel_timer':
        this.#session.timers.cancel(`send.${effect.id}`);
        return;
    }
  }

  async #sendMessage({ message, order }: Extract<SendEffect, { kind: 'send' }>): Promise<void> {
    const id = message.clientMessageId;
    const request = create(SendMessageRequestSchema, {
      target:
        message.directUserId === ''
          ? { case: 'conversationId', value: message.conversationId }
          : { case: 'directUserId', value: message.directUserId },
      clientMessageId: id,
      deviceId: this.#session.deviceId,
      order: create(SendOrderSchema, order),
      content: message.content,
      replyToSeq: message.replyToSeq ?? 0n,
    });
    try {
      const signal = this.#session.closing;
      const answer = await this.#session.calls.unary(MessageService.method.sendMessage, request, { signal });
      const { conversationId, conversationSeq } = answer;
      this.handle({ kind: 'answered', id, answer: { conversationId, conversationSeq } });
    } catch (thrown) {
      this.handle({ kind: 'failed', id, session: order.session, error: toSdkError(thrown) });
    }
  }
}
