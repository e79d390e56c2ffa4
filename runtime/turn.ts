// What a handler may do while its turn runs. Owns the shapes; turn-context.ts implements them.

import type { DescMethodUnary, DescService, MessageInitShape, MessageShape } from '@bufbuild/protobuf';
import type { ActorClient, ActorType, CallOptions, OneWayClient } from './actor-type.ts';
import type { CallOutcome } from './call.ts';
import type { StarlingError } from './errors.ts';
import type { CellRange, NoteRange, Row, RowRange, StoredCell, StoredNote } from './ports/store.ts';
import type { ReminderInfo, ReminderSetOrCancel } from './reminders.ts';
import type { Tell } from './tells.ts';

/** Runs as a turn of its own when an answer is there. `S`, `A`: as of `Turn`. */
export type Continuation<T, S = undefined, A = unknown> = (outcome: CallOutcome<T>, turn: Turn<S, A>) => void;

/** A client whose answers come as later turns: the mailbox does not wait meanwhile. Any rank may be asked. */
export type AskClient<C extends DescService, S = undefined, A = unknown> = {
  readonly [K in keyof C['method'] as C['method'][K] extends DescMethodUnary
    ? K
    : never]: C['method'][K] extends DescMethodUnary<infer I, infer O>
    ? (request: MessageInitShape<I>, then: Continuation<MessageShape<O>, S, A>, options?: CallOptions) => void
    : never;
};

/** The word of a handler that a later turn replies in its place. */
export class Later<T> {
  readonly #resolve: (value: T, passing: boolean) => void;
  readonly #reject: (error: StarlingError) => void;

  constructor(resolve: (value: T, passing: boolean) => void, reject: (error: StarlingError) => void) {
    this.#resolve = resolve;
    this.#reject = reject;
  }

  /** Replies. The reply leaves through the gate like every output. */
  resolve(value: T): void {
    this.#resolve(value, false);
  }

  /** Replies with a fact of another actor that shows nothing of this one's own log: it need not wait (rule 8). */
  pass(value: T): void {
    this.#resolve(value, true);
  }

  reject(error: StarlingError): void {
    this.#reject(error);
  }
}

/** Reads an actor's own tables, including what is still being written. */
export interface TableReader {
  get(key: string): Promise<Uint8Array | undefined>;
  list(range: CellRange): Promise<StoredCell[]>;
}

/** Reads an actor's own timeline, including what is still being written. */
export interface TimelineReader {
  /** Position of the last record, 0 = none. */
  readonly tail: number;
  /** First position that is still kept. */
  readonly floor: number;
  read(range: RowRange): Promise<Row[]>;
}

/** What every handler may do. `S`: the actor's state. */
export interface ReadTurn<S = undefined> {
  /** The state as of now; it changes only by the fold of records. Undefined for an actor that keeps its own. */
  readonly state: S;
  /** The actor itself. */
  readonly self: { readonly kind: string; readonly key: string };
  /** Milliseconds since 1970-01-01 UTC. */
  now(): number;
  /** Milliseconds of the monotonic clock. */
  monotonic(): number;
  /** Milliseconds left until the caller stops waiting. */
  remainingMs(): number;
  /** W3C trace context, for calls to other systems; undefined where nothing is traced. */
  readonly traceparent: string | undefined;
  /** Aborted when the caller gave up; undefined where it can't. */
  readonly signal: AbortSignal | undefined;
  readonly timeline: TimelineReader;
  table(name: string): TableReader;
  /** The reminders that are set, in no order. */
  reminders(): readonly ReminderInfo[];
  /** The reminder that this turn runs, and the time it was due; undefined where somebody called. */
  readonly reminder: Pick<ReminderInfo, 'name' | 'dueMs'> | undefined;
  /**
   * A client whose calls this turn awaits.
   * @throws StarlingError CALL_CYCLE if the type's rank is not higher and the turn holds the mailbox
   */
  client<C extends DescService>(type: ActorType<C>, key: string): ActorClient<C>;
  /** 64 unpredictable bits. */
  random64(): bigint;
  /** As Runtime.exists. */
  exists(type: ActorType, key: string): Promise<boolean>;
  /** What was left beside this actor while it had no activation (FanOutOptions.absentNote). */
  notes(range: NoteRange): Promise<StoredNote[]>;
}

/** One receiver of a fan-out. */
export interface FanOutReceiver<Req> {
  readonly key: string;
  /** Fields of the request that are this receiver's own; laid over the shared ones. */
  readonly own: Partial<Req>;
}

/** Receivers of a fan-out that did not simply take it. */
export interface FanOutRefusal<Res> {
  readonly key: string;
  readonly outcome: CallOutcome<Res>;
}

export interface FanOutOptions {
  /**
   * Receivers that have no activation are not activated: this note, 1 to 256 bytes, is left beside them, durably, and they
   * are reported as marked. They find it when something else activates them. Default: every receiver is activated.
   */
  readonly absentNote?: string;
}

export interface AppendOptions {
  /** The record leaves work behind that somebody must finish if this node dies: a wake mark goes with it (rule 10). Default false. */
  readonly wake?: boolean;
  /** Durable messages to other actors, sent iff this record is. Default none. */
  readonly tells?: readonly Tell[];
  /** Reminders set or cancelled with this record. Default none. */
  readonly reminders?: readonly ReminderSetOrCancel[];
}

/** What a handler that may write can do besides. Valid until the handler has returned. `A`: what it appends. */
export interface Turn<S = undefined, A = unknown> extends ReadTurn<S> {
  /** Appends a record to the actor's timeline, folds it into the state and returns its position. Outputs of this and later turns wait until it is durable. */
  append(record: A, options?: AppendOptions): number;
  /** Writes the state to the head; outputs from now on wait for it. For changes that are no record. */
  checkpoint(): void;
  /** Lets records below `seq` go. */
  trim(seq: number): void;
  /** Answers the caller in a later turn. */
  defer<T>(): Later<T>;
  /** A client whose answers come as later turns. `passing`: the request shows nothing of this actor's own log, so it leaves at once (rule 8). */
  ask<C extends DescService>(
    type: ActorType<C>,
    key: string,
    options?: { readonly passing?: boolean },
  ): AskClient<C, S, A>;
  /** A client that waits for no answer. Leaves through the gate. */
  oneWay<C extends DescService>(type: ActorType<C>, key: string): OneWayClient<C>;
  /**
   * Sends one request to many actors: one envelope per destination node, the shared part once. Leaves through the gate.
   * Receivers that answer with an empty reply have taken it; `then` gets the others, and the
   * keys of those that were marked instead.
   */
  fanOut<M extends DescMethodUnary>(
    type: ActorType,
    method: M,
    shared: MessageShape<M['input']>,
    receivers: readonly FanOutReceiver<MessageShape<M['input']>>[],
    then: (
      refused: readonly FanOutRefusal<MessageShape<M['output']>>[],
      turn: Turn<S, A>,
      marked: readonly string[],
    ) => void,
    options?: FanOutOptions,
  ): void;
  /** Deletes notes as they were read; one that was left since stays. Leaves through the gate. */
  clearNotes(notes: readonly StoredNote[]): void;
  /** Runs `task` as a turn when `promise` has settled. For work outside of actors: reads, timers, other systems. */
  when<T>(promise: Promise<T>, then: Continuation<T, S, A>): void;
  /** Runs `task` as a turn after a delay. In memory: lost with the activation. The result cancels it. */
  after(delayMs: number, task: (turn: Turn<S, A>) => void): () => void;
  /** Lets a piece of output (a frame on a stream) leave through the gate. */
  output(release: () => void): void;
  /** Keeps the activation in memory until the result is called. */
  keepAwake(): () => void;
  /** Drops the activation once its work is done. */
  passivate(): void;
}
