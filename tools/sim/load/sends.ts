// What was sent and what senders were told. Owns: I6 as far as answers go. The end compares it with the logs (final.ts).

import type { SendMessageRequest, SendMessageResponse } from '../../../proto/gen/starling/im/v1/send_pb.ts';
import { SendState } from '../../../proto/gen/starling/im/v1/send_pb.ts';
import type { Recorder } from '../check/recorder.ts';
import type { Trace } from '../world/trace.ts';

/** The last answer to one message of one sender. */
export interface SendFacts {
  readonly who: string;
  readonly place: string;
  readonly clientMessageId: string;
  readonly text: string;
  readonly answer: SendMessageResponse;
  /** When the answer came that says where it stands; infinite before. */
  readonly placedAt: number;
}

export class Sends {
  readonly #recorder: Recorder;
  readonly #trace: Trace;
  /** By `sender conversation client_message_id`. */
  readonly acked = new Map<string, SendFacts>();

  /**
   * `sender client_message_id` of sends that their conversation refused once: I9 says nothing of their place. A refusal leaves
   * nothing behind, so once its answer is lost and the user's activation has ended, the repeat is a send of now (docs/design.md
   * says why that breaks no promise, and what it would cost to rule it out).
   */
  readonly refused = new Set<string>();

  readonly #now: () => number;

  constructor(recorder: Recorder, trace: Trace, now: () => number) {
    this.#now = now;
    this.#recorder = recorder;
    this.#trace = trace;
  }

  /** Only what a change of members may turn into a yes. */
  refusedBy(code: string, who: string, clientMessageId: string): void {
    if (code === 'NOT_A_MEMBER') this.refused.add(`${who} ${clientMessageId}`);
  }

  answered(
    place: string,
    who: string,
    request: SendMessageRequest,
    answer: SendMessageResponse,
    beganAt: number,
  ): void {
    const { clientMessageId, content } = request;
    const { conversationId, conversationSeq, messageId, state } = answer;
    const taken = beganAt !== Number.NEGATIVE_INFINITY;
    const placedAt = state === SendState.PLACED && taken ? this.#now() : Number.POSITIVE_INFINITY;
    const text = content?.body.case === 'text' ? content.body.value.text : '';
    const name = `${who} ${conversationId} ${clientMessageId}`;
    const before = this.acked.get(name);
    this.#trace.note(place, `sent ${clientMessageId} to ${conversationId}: ${conversationSeq}`);
    this.#trace.count(state === SendState.ACCEPTED ? 'send accepted' : 'send placed');
    if (before !== undefined) {
      this.#trace.count('send answered twice');
      const known = before.answer;
      const placedBefore = known.state === SendState.PLACED;
      const same =
        known.messageId === messageId &&
        (!placedBefore || beganAt < before.placedAt || known.conversationSeq === conversationSeq);
      if (!same)
        this.#recorder.fail(
          'I6',
          `${name} was answered ${known.messageId} ${known.conversationSeq}, then ${messageId} ${conversationSeq}`,
        );
    }
    if (state === SendState.PLACED)
      this.#recorder.shown(
        place,
        `group/main/${conversationId}`,
        Number(conversationSeq),
        `${messageId} ${text}`,
      );
    if (before?.answer.state !== SendState.PLACED)
      this.acked.set(name, { who, place, clientMessageId, text, answer, placedAt });
  }
}
