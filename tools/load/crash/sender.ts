// A sending device that outlives the server. Owns: its queue of sends in flight, their order fields, repeats until the
// outcome is known, and the record of every answer. Does not own: judgement (checker.ts).
//
// Invariants:
// 1. A send has one client id, one content and one place in the order, in all its repeats.
// 2. A send is settled once it has an OK or a refusal; `settledDeviceSeq` never covers one that is not.

import { setTimeout as sleep } from 'node:timers/promises';
import { create } from '@bufbuild/protobuf';
import { type Content, ContentSchema } from '../../../proto/gen/starling/im/v1/message_pb.ts';
import { MessageService, SendState } from '../../../proto/gen/starling/im/v1/send_pb.ts';
import type { Caller } from '../api.ts';
import { contentDigest } from '../digest.ts';
import { CallFailure } from '../failure.ts';
import { type Answer, directName, type SendRecord } from '../history.ts';
import type { Roamer } from '../roamer.ts';
import type { Seeded } from '../seeded.ts';
import type { Hold } from './hold.ts';

/** Where a sender sends to. */
export type Target =
  | { readonly kind: 'group'; readonly conversationId: string }
  | { readonly kind: 'direct'; readonly userId: string };

export interface SenderOptions {
  /** Calls by way of `roamer`. */
  readonly caller: Caller;
  readonly roamer: Roamer;
  readonly userId: string;
  readonly deviceId: string;
  readonly targets: readonly Target[];
  readonly random: Seeded;
  /** Longest pause between two sends, milliseconds. */
  readonly pauseMsMax: number;
  /** Longest wait before a settled send is repeated, milliseconds. */
  readonly laterMsMax: number;
  /** Sends in flight. */
  readonly inFlightMax: number;
  /** Longest wait for one answer, milliseconds. */
  readonly answerMsMax: number;
  /** While it holds, nothing is sent; what was sent goes on. */
  readonly hold: Hold;
  /** Told of every OK. */
  readonly onAck: (userId: string) => void;
}

/** Counts for the table. */
export interface SenderTally {
  sends: number;
  repeats: number;
  /** Attempts that ended with an unknown outcome and were made again. */
  unknown: number;
}

interface Sending {
  readonly deviceSeq: number;
  readonly session: bigint;
  readonly target: Target;
  readonly content: Content;
  readonly record: SendRecord & { answers: Answer[]; refusals: string[] };
}

/** One send in this many is made twice, the first of them too. */
const REPEAT_EACH = 10;
/** Each so many sends it asks where to go, as a client does when it connects. */
const NAVIGATE_EACH = 25;

export class Sender {
  readonly tally: SenderTally = { sends: 0, repeats: 0, unknown: 0 };
  readonly #options: SenderOptions;
  readonly #records: SendRecord[] = [];
  readonly #unsettled = new Set<number>();
  readonly #lastSeq = new Map<string, number>();
  readonly #background = new Set<Promise<void>>();
  #session: bigint;
  #deviceSeq = 0;
  #order = 0;
  #sending = true;
  #abandoned = false;
  #task: Promise<void> = Promise.resolve();

  constructor(options: SenderOptions) {
    this.#options = options;
    this.#session = options.random.bits64();
  }

  get records(): readonly SendRecord[] {
    return this.#records;
  }

  start(): void {
    this.#task = this.#run();
  }

  /** Sends nothing new; resolves once every send has its outcome and every repeat its answer. */
  async finish(): Promise<void> {
    this.#sending = false;
    await this.#task;
    while (this.#background.size > 0) await Promise.all(this.#background);
  }

  /** Gives up on what has no outcome; returns how many sends that are. */
  abandon(): number {
    this.#abandoned = true;
    return this.#unsettled.size;
  }

  async #run(): Promise<void> {
    const { random, pauseMsMax, inFlightMax, roamer, caller, hold, userId } = this.#options;
    while (this.#sending) {
      await hold.free(userId);
      if (this.#order % NAVIGATE_EACH === 0) await roamer.navigate(caller);
      const sending = this.#next();
      this.#spawn(this.#settle(sending));
      if (this.#order % REPEAT_EACH === 1) this.#spawn(this.#repeat(sending));
      while (this.#unsettled.size >= inFlightMax && !this.#abandoned) await sleep(2);
      await sleep(random.below(pauseMsMax));
      if (random.below(200) === 0) await this.#newSession();
    }
  }

  // As an application does that was started anew: nothing is in flight, the numbering begins again.
  async #newSession(): Promise<void> {
    while (this.#unsettled.size > 0 && !this.#abandoned) await sleep(5);
    this.#session = this.#options.random.bits64();
    this.#deviceSeq = 0;
  }

  #spawn(task: Promise<void>): void {
    const tracked = task.finally(() => this.#background.delete(tracked));
    this.#background.add(tracked);
  }

  #next(): Sending {
    const { random, userId, deviceId, targets } = this.#options;
    this.#order += 1;
    this.#deviceSeq += 1;
    this.tally.sends += 1;
    const target = random.pick(targets);
    const name = target.kind === 'group' ? target.conversationId : directName(userId, target.userId);
    const clientMessageId = `${deviceId}-${this.#order}`;
    const content = randomContent(random, `${userId} ${this.#order}`);
    const replyToSeq = random.below(8) === 0 ? (this.#lastSeq.get(name) ?? 0) : 0;
    const record = {
      senderId: userId,
      deviceId,
      clientMessageId,
      target: name,
      order: this.#order,
      contentDigest: contentDigest(content),
      replyToSeq,
      answers: [],
      refusals: [],
    };
    this.#records.push(record);
    this.#unsettled.add(this.#deviceSeq);
    return {
      deviceSeq: this.#deviceSeq,
      session: this.#session,
      target,
      record,
      content,
    };
  }

  async #settle(sending: Sending): Promise<void> {
    await this.#untilKnown(sending);
    // A send of an earlier session is settled with its session.
    if (sending.session === this.#session) this.#unsettled.delete(sending.deviceSeq);
  }

  // Half of the repeats go out beside the first, half when it is long settled.
  async #repeat(sending: Sending): Promise<void> {
    this.tally.repeats += 1;
    if (this.#options.random.below(2) === 0)
      await sleep(this.#options.random.below(this.#options.laterMsMax));
    await this.#untilKnown(sending);
  }

  async #untilKnown(sending: Sending): Promise<void> {
    for (let attempt = 0; !this.#abandoned; attempt += 1) {
      await this.#options.hold.free(this.#options.userId);
      try {
        const answer = await this.#options.caller.call(
          MessageService.method.sendMessage,
          this.#requestOf(sending),
          this.#options.answerMsMax,
        );
        // An accepted send has no place yet: asked again until it has one.
        if (answer.state === SendState.PLACED) {
          this.#answered(sending, answer);
          return;
        }
      } catch (error) {
        if (!(error instanceof CallFailure)) throw error;
        if (!error.repeatable) {
          sending.record.refusals.push(error.message);
          return;
        }
      }
      this.tally.unknown += 1;
      await sleep(10 + this.#options.random.below(Math.min(400, 20 * 2 ** attempt)));
    }
  }

  #requestOf(sending: Sending) {
    const { target, content, record } = sending;
    return {
      target:
        target.kind === 'group'
          ? { case: 'conversationId' as const, value: target.conversationId }
          : { case: 'directUserId' as const, value: target.userId },
      clientMessageId: record.clientMessageId,
      deviceId: record.deviceId,
      content,
      replyToSeq: BigInt(record.replyToSeq),
      order: this.#orderOf(sending),
    };
  }

  #orderOf(sending: Sending) {
    const settled =
      sending.session === this.#session
        ? Math.min(this.#deviceSeq, ...[...this.#unsettled].map((seq) => seq - 1))
        : sending.deviceSeq;
    return {
      session: sending.session,
      deviceSeq: BigInt(sending.deviceSeq),
      settledDeviceSeq: BigInt(settled),
    };
  }

  #answered(
    sending: Sending,
    answer: { readonly messageId: string; readonly conversationId: string; readonly conversationSeq: bigint },
  ): void {
    this.#options.onAck(this.#options.userId);
    const conversationSeq = Number(answer.conversationSeq);
    sending.record.answers.push({
      messageId: answer.messageId,
      conversationId: answer.conversationId,
      conversationSeq,
    });
    const name = sending.record.target;
    this.#lastSeq.set(name, Math.max(this.#lastSeq.get(name) ?? 0, conversationSeq));
  }
}

const WORDS = [
  'hello',
  '你好',
  'tomorrow',
  '收到',
  '🎉',
  'ok',
  '谢谢',
  '👍🏽',
  'at noon',
  '明天见',
  'naïve',
  '👩‍👩‍👧',
];

function randomContent(random: Seeded, mark: string): Content {
  // Most are short, some are long, a few are larger than a socket's buffer takes at once.
  const size = random.below(100);
  const words = size < 80 ? 1 + random.below(20) : size < 98 ? 50 + random.below(200) : 4_000;
  const text = Array.from({ length: words }, () => random.pick(WORDS)).join(' ');
  if (random.below(6) !== 0)
    return create(ContentSchema, { body: { case: 'text', value: { text: `${mark} ${text}` } } });
  const data = Buffer.from(text, 'utf16le').subarray(0, 30_000);
  return create(ContentSchema, {
    body: { case: 'custom', value: { type: 'load.v1', data, fallbackText: mark } },
  });
}
