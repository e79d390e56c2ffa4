// Longer than 300 lines because all that a row carries beside its record passes through here, in one order.
// The durable half of an activation: recovery, appends with their fold, tables, tells and reads. Knows nothing of turns.
//
// L1  What is appended is folded at once, by the same `apply` that folds it when it is read back, so state is always the
//     fold of the records.
// L2  A turn that takes a tell or a reminder says so in the row of its first record, and appends no second one: so effect
//     and receipt are durable together or not at all.

import { create, type Message } from '@bufbuild/protobuf';
import { TellReceiptSchema } from '../proto/gen/starling/actor/v1/stored_pb.ts';
import { ActorReminders } from './actor-reminders.ts';
import type { ActorType } from './actor-type.ts';
import type { Call, CallSink } from './call.ts';
import type { Durable, Effects, RecordCodec } from './definition.ts';
import { InvariantViolation, invariant, type StarlingError } from './errors.ts';
import type { Host } from './host.ts';
import { Journal } from './journal.ts';
import type { Origin } from './origin.ts';
import { mergeCells, mergeRows } from './own-reads.ts';
import type { ShardClaim } from './ports/ownership.ts';
import type { ActorAddress, CellRange, Row, RowRange, StoredCell } from './ports/store.ts';
import { recover } from './recovery.ts';
import type { ReminderInfo } from './reminders.ts';
import { encodeRow, encodeState, type RowExtras } from './stored.ts';
import { Tells } from './tells.ts';
import type { AppendOptions, TimelineReader } from './turn.ts';

export interface ActorLogOptions {
  readonly host: Host;
  readonly address: ActorAddress;
  readonly type: ActorType;
  readonly claim: ShardClaim;
  readonly codec: RecordCodec<unknown>;
  readonly instance: Durable<unknown>;
  /** Steps from one version of the stored state to the next. */
  readonly migrations: readonly ((state: Uint8Array) => Uint8Array)[];
  /** All writes up to this number are durable and fence-checked. */
  readonly onSettled: (settled: number) => void;
  readonly onFailed: (error: StarlingError) => void;
  /** Lets an output leave through the gate. */
  readonly output: (release: () => void) => void;
  /** Keeps the activation in memory while tells wait or reminders are near; returns how to let go. */
  readonly keepAwake: () => () => void;
  /** Runs a call of the actor to itself as a turn; it has room beyond the bound. */
  readonly run: (call: Call) => void;
}

export class ActorLog {
  readonly #options: ActorLogOptions;
  readonly #tells: Tells;
  readonly #reminders: ActorReminders;
  #journal: Journal | undefined;
  #effectsRow: { readonly seq: number; readonly ts: bigint } | undefined;
  #release: (() => void) | undefined;

  constructor(options: ActorLogOptions) {
    this.#options = options;
    this.#tells = this.#makeTells();
    this.#reminders = new ActorReminders({ ...options, journal: () => this.journal });
  }

  get journal(): Journal {
    invariant(this.#journal !== undefined, 'the log is used once it is open');
    return this.#journal;
  }

  /** Opens the log: rules 4 to 6. */
  async open(): Promise<void> {
    const { host, address, claim, codec, instance, migrations } = this.#options;
    const { start, cells } = await recover({
      address,
      store: host.store,
      claim,
      fence: host.fence,
      limits: host.limits,
      codec,
      instance,
      migrations,
      kept: {
        restore: (stored) => {
          this.#tells.restore(stored);
          this.#reminders.restore(stored.reminders);
        },
        fold: (extras) => {
          this.#tells.fold(extras);
          this.#reminders.fold(extras.reminders);
        },
      },
      snapshot: () => this.#snapshot(),
      uncleanBefore: host.endedUnclean(address),
    });
    this.#journal = new Journal(
      {
        address,
        store: host.store,
        claim,
        fence: host.fence,
        clock: host.clock,
        limits: host.limits,
        metrics: host.metrics,
        snapshot: () => this.#snapshot(),
        onSettled: (settled) => {
          this.#reminders.settled(settled);
          this.#options.onSettled(settled);
        },
        onDueDurable: (minutesMs) => {
          for (const minuteMs of minutesMs) this.#reminders.markDurable(minuteMs);
        },
        onFailed: this.#options.onFailed,
      },
      start,
    );
    for (const cell of cells) this.#journal.cell(cell.row, cell.table, cell.key, cell.value);
  }

  #snapshot(): Uint8Array {
    const { instance, migrations } = this.#options;
    return encodeState({
      state: instance.snapshot(),
      version: migrations.length,
      ...this.#tells.snapshot(),
      reminders: this.#reminders.snapshot(),
    });
  }

  /** Appends a record, with the tells and reminders it causes and the word whose effect it is. */
  append(
    record: unknown,
    options: AppendOptions | undefined,
    origin: Origin | undefined,
    traceparent: string | undefined,
  ): number {
    const { codec, instance } = this.#options;
    invariant(
      origin === undefined || !this.seen(origin),
      'a turn that takes a tell or a reminder appends one record',
    );
    const extras = this.#extras(options, origin, traceparent);
    const wake =
      options?.wake === true ||
      (extras !== undefined && (extras.tells.length > 0 || this.#reminders.anyDue(extras.reminders)));
    const row = this.journal.append(encodeRow(codec.encode(record), extras), wake);
    this.#fold(instance, row, record);
    if (extras === undefined) return row.seq;
    this.#tells.fold(extras);
    this.#reminders.appended(extras.reminders);
    if (extras.tells.length > 0) this.#releaseTells();
    return row.seq;
  }

  /** What the row carries besides; undefined = nothing. Changes nothing yet. */
  #extras(
    options: AppendOptions | undefined,
    origin: Origin | undefined,
    traceparent: string | undefined,
  ): RowExtras | undefined {
    if (origin === undefined && options?.tells === undefined && options?.reminders === undefined)
      return undefined;
    const { tells = [], reminders = [] } = options ?? {};
    if (origin === undefined && tells.length === 0 && reminders.length === 0) return undefined;
    return {
      tells: this.#tells.number(tells, traceparent),
      receipt:
        origin?.type === 'tell'
          ? create(TellReceiptSchema, { sender: origin.sender, n: BigInt(origin.n) })
          : undefined,
      reminders: this.#reminders.changes(
        reminders,
        origin?.type === 'reminder' ? origin : undefined,
        traceparent,
      ),
    };
  }

  /** An error of the fold is never an answer: the state would be half changed and the row gone out. */
  #fold(instance: Durable<unknown>, row: Row, record: unknown): void {
    this.#effectsRow = row;
    try {
      instance.apply(row.seq, record, this.#effects);
    } catch (error) {
      throw new InvariantViolation(`the fold of a record does not fail, but: ${String(error)}`);
    } finally {
      this.#effectsRow = undefined;
    }
  }

  /** Nothing is written or sent any more. */
  end(): void {
    this.#journal?.end();
    this.#tells.end();
    this.#reminders.end();
  }

  readonly #effects: Effects = {
    put: (table, key, value) => this.#cell(table, key, value),
    remove: (table, key) => this.#cell(table, key, undefined),
  };

  #cell(table: string, key: string, value: Uint8Array | undefined): void {
    invariant(this.#effectsRow !== undefined, 'tables change only in the fold of a record');
    this.journal.cell(this.#effectsRow, table, key, value);
  }

  /** For operators. */
  view() {
    const { tail, floor } = this.journal;
    return { tail, floor, pendingTells: this.#tells.pending, reminders: this.#reminders.list() };
  }

  // ---- tells ------------------------------------------------------------------------------------------------------

  /** Goes on with what a former activation left. */
  resume(): void {
    this.#releaseTells();
    this.#reminders.open();
  }

  /** T1. */
  #releaseTells(): void {
    const { last } = this.#tells;
    this.#options.output(() => this.#tells.release(last));
  }

  /** What a call hands over has had its effect. */
  seen(origin: Origin): boolean {
    return origin.type === 'tell' ? this.#tells.seen(origin) : this.#reminders.seen(origin);
  }

  /** A tell was taken, perhaps without a record: then remembered with the next checkpoint. A reminder has more to say: it is done when its call is answered. */
  took(origin: Origin): void {
    if (origin.type === 'tell') this.#tells.note(origin.sender, origin.n);
  }

  // ---- reminders --------------------------------------------------------------------------------------------------

  reminders(): readonly ReminderInfo[] {
    return this.#reminders.list();
  }

  /** Looks at the wall clock again. */
  lookAtReminders(): void {
    this.#reminders.look();
  }

  /** Whether the due mark of a minute may go (N2). */
  releaseDueMark(minuteMs: number): boolean {
    return this.#reminders.releaseMark(minuteMs);
  }

  #makeTells(): Tells {
    const { host, address } = this.#options;
    const sender = `${address.kind}/${address.key}`;
    return new Tells({
      pendingMax: host.limits.tellsPendingMax,
      sendersMax: host.limits.tellSendersMax,
      retryMsMin: host.limits.tellRetryMsMin,
      retryMsMax: host.limits.tellRetryMsMax,
      send: (
        kind: string,
        key: string,
        method: string,
        decode: (type: ActorType) => Message,
        n: number,
        sink: CallSink,
        traceparent: string,
      ) => host.startTell(kind, key, method, decode, { type: 'tell', sender, n }, sink, traceparent),
      after: (delayMs, task) => host.clock.after(delayMs, task),
      refused: ({ kind, key, method }, error) => {
        host.log('warn', 'a message to another actor was refused for good', {
          sender,
          kind,
          key,
          method,
          code: error.code,
        });
      },
      pendingChanged: (pending) => {
        this.#release?.();
        this.#release = pending ? this.#options.keepAwake() : undefined;
      },
    });
  }

  /** What turns see of the timeline; its bounds are those of the moment at which they are asked for. */
  readonly timeline: TimelineReader = new Timeline(this);

  // ---- reads ------------------------------------------------------------------------------------------------------

  readRows(range: RowRange): Promise<Row[]> {
    return mergeRows(this.#options.host.store, this.#options.address, this.journal, range);
  }

  async readCell(table: string, key: string): Promise<Uint8Array | undefined> {
    const pending = this.journal.pendingCells(table)?.get(key);
    if (pending !== undefined) return pending.value;
    return (await this.#options.host.store.readCell(this.#options.address, table, key))?.value;
  }

  readCells(table: string, range: CellRange): Promise<StoredCell[]> {
    return mergeCells(this.#options.host.store, this.#options.address, this.journal, table, range);
  }
}

class Timeline implements TimelineReader {
  readonly #log: ActorLog;

  constructor(log: ActorLog) {
    this.#log = log;
  }

  get tail(): number {
    return this.#log.journal.tail;
  }

  get floor(): number {
    return this.#log.journal.floor;
  }

  read(range: RowRange): Promise<Row[]> {
    return this.#log.readRows(range);
  }
}
