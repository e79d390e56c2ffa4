// Durable messages between actors. A tell is written in the row of the record that causes it, so it is sent iff that
// record exists; the receiver keeps its receipt in the row of its effect, so that effect happens once.
//
// T1  A tell is sent only after its row is durable and fence-checked (it is an output).
// T2  One tell per receiver is under way; the next follows when it is taken. So they arrive in order per pair.
// T3  A tell is repeated until the receiver has taken or refused it; a later activation goes on from the log.
// T4  A receiver drops a number that is not above the last one it took from that sender.

import { create, fromBinary, type Message, toBinary } from '@bufbuild/protobuf';
import {
  type StoredState,
  type StoredTell,
  StoredTellSchema,
  type TellReceipt,
  TellReceiptSchema,
} from '../proto/gen/starling/actor/v1/stored_pb.ts';
import { type ActorType, type OneWayClient, toMessage } from './actor-type.ts';
import type { CallSink } from './call.ts';
import { StarlingError } from './errors.ts';
import type { RowExtras } from './stored.ts';

/** A message to another actor, to be written with a record. Made by `tell`. */
export interface Tell {
  readonly type: ActorType;
  readonly key: string;
  readonly method: string;
  readonly request: Uint8Array;
}

type TellClient<T extends ActorType> = {
  readonly [K in keyof OneWayClient<T['contract']>]: OneWayClient<T['contract']>[K] extends (
    request: infer R,
  ) => void
    ? (request: R) => Tell
    : never;
};

/**
 * Makes a durable message.
 * @example turn.append(record, { tells: [tell(WalletActor, 'main/alice').credit({ amount: 5n })] })
 */
export function tell<T extends ActorType>(type: T, key: string): TellClient<T> {
  return type.bind((method, request): Tell => {
    return {
      type,
      key,
      method: method.localName,
      request: toBinary(method.input, toMessage(method.input, request)),
    };
  }) as TellClient<T>;
}

/** Says which tell a call is. */
export interface TellOrigin {
  readonly type: 'tell';
  /** `kind/key` of the sender. */
  readonly sender: string;
  readonly n: number;
}

export interface TellsOptions {
  /** Tells that are not known to be taken. More are refused. */
  readonly pendingMax: number;
  /** Senders whose receipts are remembered; the one heard of longest ago is forgotten first. */
  readonly sendersMax: number;
  readonly retryMsMin: number;
  readonly retryMsMax: number;
  /** Hands a tell over as a call. */
  readonly send: (
    kind: string,
    key: string,
    method: string,
    request: (schemaOf: ActorType) => Message,
    n: number,
    sink: CallSink,
    traceparent: string,
  ) => void;
  readonly after: (delayMs: number, task: () => void) => void;
  /** A receiver refused for good: nothing more can be done but to say so. */
  readonly refused: (tell: StoredTell, error: StarlingError) => void;
  /** Whether anything is pending has changed. */
  readonly pendingChanged: (pending: boolean) => void;
}

export class Tells {
  readonly #options: TellsOptions;
  #next = 1;
  /** Tells up to this number may go: their rows are durable and fence-checked (T1). */
  #released = 0;
  #ended = false;
  /** By receiver, oldest first. Made with the first tell: most actors never send one. */
  #pending: Map<string, StoredTell[]> | undefined;
  #count = 0;
  /** Receivers. Made with the first one. */
  #underWay: Set<string> | undefined;
  /** Made with the first one. */
  #receipts: Map<string, number> | undefined;

  constructor(options: TellsOptions) {
    this.#options = options;
  }

  /**
   * Draws numbers for the tells of a record that is about to be appended.
   * @throws StarlingError OVERLOADED
   */
  number(tells: readonly Tell[], traceparent = ''): StoredTell[] {
    if (this.#count + tells.length > this.#options.pendingMax) {
      throw new StarlingError('OVERLOADED', 'Too many messages to other actors wait.');
    }
    return tells.map(({ type, key, method, request }, i) =>
      create(StoredTellSchema, {
        n: BigInt(this.#next + i),
        kind: type.kind,
        key,
        method,
        request,
        traceparent,
      }),
    );
  }

  /** Folds what a row carries; called when it is appended and when it is read back. */
  fold(extras: Pick<RowExtras, 'tells' | 'receipt'>): void {
    for (const one of extras.tells) this.#add(one);
    if (extras.receipt !== undefined) this.note(extras.receipt.sender, Number(extras.receipt.n));
  }

  #add(one: StoredTell): void {
    this.#next = Number(one.n) + 1;
    const receiver = `${one.kind}/${one.key}`;
    this.#pending ??= new Map();
    const queue = this.#pending.get(receiver);
    if (queue === undefined) this.#pending.set(receiver, [one]);
    else queue.push(one);
    if (this.#count++ === 0) this.#options.pendingChanged(true);
  }

  /** Tells that are not known to be taken. */
  get pending(): number {
    return this.#count;
  }

  /** T4. */
  seen({ sender, n }: Pick<TellOrigin, 'sender' | 'n'>): boolean {
    return n <= (this.#receipts?.get(sender) ?? 0);
  }

  /** The tell has been taken. */
  note(sender: string, n: number): void {
    if (this.seen({ sender, n })) return;
    this.#receipts ??= new Map();
    this.#receipts.delete(sender);
    this.#receipts.set(sender, n);
    if (this.#receipts.size <= this.#options.sendersMax) return;
    const [oldest] = this.#receipts.keys();
    if (oldest !== undefined) this.#receipts.delete(oldest);
  }

  /** Number of the newest tell. */
  get last(): number {
    return this.#next - 1;
  }

  /** The tells up to number `last` may go. */
  release(last: number): void {
    this.#released = Math.max(this.#released, last);
    if (this.#pending === undefined) return;
    for (const receiver of this.#pending.keys()) this.#sendNext(receiver, this.#options.retryMsMin);
  }

  #sendNext(receiver: string, delayMs: number): void {
    const next = this.#pending?.get(receiver)?.[0];
    if (next === undefined || this.#underWay?.has(receiver) === true) return;
    if (this.#ended || Number(next.n) > this.#released) return;
    this.#underWay ??= new Set();
    this.#underWay.add(receiver);
    const { kind, key, method, request, traceparent } = next;
    const decode = (type: ActorType): Message => {
      const descriptor = type.contract.methods.find((one) => one.localName === method);
      if (descriptor === undefined) throw new StarlingError('METHOD_NOT_FOUND', `${kind}.${method}`);
      return fromBinary(descriptor.input, request);
    };
    const sink: CallSink = {
      resolve: () => this.#taken(receiver),
      reject: (error) => this.#failed(receiver, next, error, delayMs),
    };
    this.#options.send(kind, key, method, decode, Number(next.n), sink, traceparent);
  }

  #taken(receiver: string): void {
    this.#underWay?.delete(receiver);
    const queue = this.#pending?.get(receiver);
    queue?.shift();
    if (queue?.length === 0) this.#pending?.delete(receiver);
    if (--this.#count === 0) this.#options.pendingChanged(false);
    this.#sendNext(receiver, this.#options.retryMsMin);
  }

  /** T3. */
  #failed(receiver: string, tell: StoredTell, error: StarlingError, delayMs: number): void {
    const passing = error.entry.outcome === 'unknown' || error.retryAfterMs !== undefined;
    if (!passing) {
      this.#options.refused(tell, error);
      this.#taken(receiver);
      return;
    }
    this.#options.after(Math.max(delayMs, error.retryAfterMs ?? 0), () => {
      this.#underWay?.delete(receiver);
      this.#sendNext(receiver, Math.min(2 * delayMs, this.#options.retryMsMax));
    });
  }

  /** Sends nothing any more: a later activation goes on. */
  end(): void {
    this.#ended = true;
  }

  restore({ nextTell, tells, receipts }: StoredState): void {
    for (const one of tells) this.#add(one);
    for (const { sender, n } of receipts) this.note(sender, Number(n));
    this.#next = Math.max(this.#next, Number(nextTell));
  }

  snapshot(): Pick<StoredState, 'nextTell' | 'tells' | 'receipts'> {
    const receipts: TellReceipt[] = [];
    for (const [sender, n] of this.#receipts ?? [])
      receipts.push(create(TellReceiptSchema, { sender, n: BigInt(n) }));
    return { nextTell: BigInt(this.#next), tells: [...(this.#pending?.values() ?? [])].flat(), receipts };
  }
}
