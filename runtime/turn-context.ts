// Implements Turn on top of an activation. A context is valid while its turn runs; a handler that keeps it longer and
// writes is stopped by an invariant, since such a write would not be part of any turn.

import type { DescMethodUnary, Message, MessageShape } from '@bufbuild/protobuf';
import type { Activation } from './activation.ts';
import { type ActorType, methodOf } from './actor-type.ts';
import type { Call, CallOutcome } from './call.ts';
import { askClient, callClient, type FromTurn, oneWayClient } from './clients.ts';
import { invariant, StarlingError, toStarlingError } from './errors.ts';
import { clearNotes } from './notes.ts';
import type { NoteRange, StoredNote } from './ports/store.ts';
import type { ReminderInfo } from './reminders.ts';
import type {
  AppendOptions,
  AskClient,
  Continuation,
  FanOutOptions,
  FanOutReceiver,
  FanOutRefusal,
  Later,
  TableReader,
  TimelineReader,
  Turn,
} from './turn.ts';

export class TurnContext implements Turn<never> {
  readonly #activation: Activation;
  readonly #deadline: number;
  /** What the turn answers; undefined where it goes on with work accepted before. */
  readonly #call: Call | undefined;
  readonly #readOnly: boolean;
  /** Trace context of what it calls. */
  readonly #traceparent: string | undefined;
  /** Number of the last write before this turn's. */
  readonly before: number;
  #live = true;

  constructor(
    activation: Activation,
    deadline: number,
    call: Call | undefined,
    readOnly: boolean,
    traceparent: string | undefined,
  ) {
    this.#activation = activation;
    this.#deadline = deadline;
    this.#call = call;
    this.#readOnly = readOnly;
    this.#traceparent = traceparent;
    this.before = activation.issued;
  }

  get traceparent(): string | undefined {
    return this.#traceparent;
  }

  get signal(): AbortSignal | undefined {
    return this.#call?.signal;
  }

  get state(): never {
    return this.#activation.state as never;
  }

  get self() {
    return this.#activation.address;
  }

  /** The turn is over. */
  close(): void {
    this.#live = false;
  }

  now(): number {
    return this.#activation.host.clock.now();
  }

  monotonic(): number {
    return this.#activation.host.clock.monotonic();
  }

  remainingMs(): number {
    return this.#deadline - this.monotonic();
  }

  exists(type: ActorType, key: string): Promise<boolean> {
    return this.#activation.host.exists(type, key);
  }

  random64(): bigint {
    return this.#activation.host.random.bits64();
  }

  get timeline(): TimelineReader {
    return this.#activation.log.timeline;
  }

  reminders(): readonly ReminderInfo[] {
    return this.#activation.log.reminders();
  }

  get reminder() {
    const origin = this.#call?.origin;
    if (origin?.type !== 'reminder') return undefined;
    return { name: origin.reminder.name, dueMs: origin.dueMs };
  }

  table(name: string): TableReader {
    const { log } = this.#activation;
    return {
      get: (key) => log.readCell(name, key),
      list: (range) => log.readCells(name, range),
    };
  }

  client<C extends ActorType['contract']>(type: ActorType<C>, key: string) {
    const own = this.#activation.type;
    if (!this.#readOnly && type.rank <= own.rank) {
      throw new StarlingError(
        'CALL_CYCLE',
        `${own.kind} (rank ${own.rank}) must not await ${type.kind} (rank ${type.rank}): use ask.`,
      );
    }
    return callClient(this.#activation.host, type, key, this.#from());
  }

  /** What its calls say of it. The path is made only for calls that it awaits. */
  #from(): FromTurn {
    const { kind, key } = this.#activation.address;
    return {
      activation: this.#activation,
      deadline: this.#deadline,
      path: { kind, key, up: this.#call?.path },
      traceparent: this.#traceparent,
    };
  }

  append(record: unknown, options?: AppendOptions): number {
    this.#writing();
    this.#activation.wrote();
    return this.#activation.log.append(record, options, this.#call?.origin, this.#traceparent);
  }

  checkpoint(): void {
    this.#writing();
    this.#activation.wrote();
    this.#activation.log.journal.requestCheckpoint();
  }

  trim(seq: number): void {
    this.#writing();
    this.#activation.wrote();
    this.#activation.log.journal.requestTrim(seq);
  }

  defer<T>(): Later<T> {
    this.#writing();
    return this.#activation.defer() as unknown as Later<T>;
  }

  ask<C extends ActorType['contract']>(
    type: ActorType<C>,
    key: string,
    options?: { readonly passing?: boolean },
  ): AskClient<C, never> {
    this.#writing();
    const from = { activation: this.#activation, deadline: this.#deadline, traceparent: this.#traceparent };
    return askClient(from, type, key, options?.passing === true) as unknown as AskClient<C, never>;
  }

  oneWay<C extends ActorType['contract']>(type: ActorType<C>, key: string) {
    this.#writing();
    return oneWayClient({ activation: this.#activation, traceparent: this.#traceparent }, type, key);
  }

  fanOut<M extends DescMethodUnary>(
    type: ActorType,
    method: M,
    shared: MessageShape<M['input']>,
    receivers: readonly FanOutReceiver<MessageShape<M['input']>>[],
    then: (
      refused: readonly FanOutRefusal<MessageShape<M['output']>>[],
      turn: Turn<never>,
      marked: readonly string[],
    ) => void,
    options?: FanOutOptions,
  ): void {
    this.#writing();
    const activation = this.#activation;
    activation.expect();
    activation.output(() => {
      activation.host.fanOut(
        type,
        methodOf(type, method.localName),
        shared as Message,
        receivers,
        ({ refused, marked }) => {
          activation.expected();
          activation.continueWith(
            (turn) =>
              then(
                refused as readonly FanOutRefusal<MessageShape<M['output']>>[],
                turn as Turn<never>,
                marked,
              ),
            this.#traceparent,
          );
        },
        { absentNote: options?.absentNote, traceparent: this.#traceparent, caller: activation.address },
      );
    });
  }

  notes(range: NoteRange): Promise<StoredNote[]> {
    return this.#activation.host.store.readNotes(this.#activation.address, range);
  }

  clearNotes(notes: readonly StoredNote[]): void {
    this.#writing();
    clearNotes(this.#activation, notes);
  }

  when<T>(promise: Promise<T>, then: Continuation<T, never>): void {
    this.#writing();
    const activation = this.#activation;
    activation.expect();
    const resume = (outcome: CallOutcome<T>): void => {
      activation.expected();
      activation.continueWith((turn) => then(outcome, turn as Turn<never>), this.#traceparent);
    };
    promise.then(
      (value) => resume({ ok: true, value }),
      (error: unknown) => resume({ ok: false, error: toStarlingError(error) }),
    );
  }

  after(delayMs: number, task: (turn: Turn<never>) => void): () => void {
    this.#writing();
    return this.#activation.timer(delayMs, (turn) => task(turn as Turn<never>));
  }

  output(release: () => void): void {
    this.#writing();
    this.#activation.output(release);
  }

  keepAwake(): () => void {
    return this.#activation.keepAwake();
  }

  passivate(): void {
    this.#activation.passivateWhenIdle();
  }

  #writing(): void {
    invariant(this.#live, 'a turn acts only until its handler has returned');
    invariant(!this.#readOnly, 'a method with NO_SIDE_EFFECTS changes nothing');
  }
}
