// The one in-memory run of an actor: its mailbox, its turns, its journal and its gate. Owns the life cycle
// activating -> active -> gone. Correctness never depends on an activation being dropped in an orderly way.
//
// A1  One turn at a time. A handler that returns a promise holds the mailbox until it settles, unless its method has
//     NO_SIDE_EFFECTS: then it interleaves.
// A2  A turn runs only while the activation is open (rule 6), which for a durable actor means recovered and sealed.
// A3  Expected failures (StarlingError) are answers. Anything else that a handler throws ends the activation: its state
//     may be half changed, the next one rebuilds it from the store.
// A4  Every call taken in is answered: by its handler, or with an error when the activation ends.

import type { Message } from '@bufbuild/protobuf';
import type { Call, CallSink } from './call.ts';
import type { ActorDefinition, Durable, Effects, Instance } from './definition.ts';
import { invariant, StarlingError } from './errors.ts';
import { Gate, outcomeUnknown } from './gate.ts';
import type { Host } from './host.ts';
import { Journal } from './journal.ts';
import { Mailbox, type Work } from './mailbox.ts';
import { mergeCells, mergeRows } from './own-reads.ts';
import type { ShardClaim } from './ports/ownership.ts';
import type { ActorAddress, CellRange, Row, RowRange, StoredCell } from './ports/store.ts';
import { recover } from './recovery.ts';
import type { ServerStream } from './service.ts';
import { Later, type Turn } from './turn.ts';
import { TurnContext } from './turn-context.ts';

interface CallWork extends Work {
  readonly kind: 'call';
  readonly call: Call;
}
interface StreamWork extends Work {
  readonly kind: 'stream';
  readonly method: string;
  readonly request: Message;
  readonly stream: ServerStream;
}
interface TaskWork extends Work {
  readonly kind: 'task';
  readonly task: (turn: Turn) => void;
}
type AnyWork = CallWork | StreamWork | TaskWork;

type Handler = (request: Message, ...rest: unknown[]) => unknown;

const NO_DEADLINE = Number.POSITIVE_INFINITY;

export class Activation {
  readonly host: Host;
  readonly definition: ActorDefinition;
  readonly address: ActorAddress;
  readonly #claim: ShardClaim;
  readonly #mailbox: Mailbox<AnyWork>;
  readonly #gate: Gate;
  readonly #instance: Instance;
  readonly #deferred = new Set<Call>();
  #journal: Journal | undefined;
  #state: 'activating' | 'active' | 'gone' = 'activating';
  #busy = false;
  #scheduled = false;
  #awake = 0;
  #interleaved = 0;
  #dropWhenIdle = false;
  #effectsRow: { seq: number; ts: bigint } | undefined;
  /** Monotonic milliseconds of the last work. */
  lastUsed: number;

  constructor(host: Host, definition: ActorDefinition, address: ActorAddress, claim: ShardClaim) {
    this.host = host;
    this.definition = definition;
    this.address = address;
    this.#claim = claim;
    this.#mailbox = new Mailbox(host.limits.mailboxTurnsMax);
    this.#gate = new Gate(host.fence, host.limits.gateOutputsMax);
    this.lastUsed = host.clock.monotonic();
    const { kind, key, shard } = address;
    this.#instance = definition.create({ kind, key, shard, epoch: claim.epoch, node: host.node });
    if (definition.codec === undefined) this.#opened();
    else void this.#recover();
  }

  get type() {
    return this.definition.type;
  }

  get gone(): boolean {
    return this.#state === 'gone';
  }

  get journal(): Journal {
    invariant(this.#journal !== undefined, `${this.address.kind} lives in memory and has no timeline`);
    return this.#journal;
  }

  // ---- work in ----------------------------------------------------------------------------------------------------

  accept(call: Call): void {
    if (this.#gate.full || !this.#push({ kind: 'call', call, reserved: false, deadline: call.deadline })) {
      call.reject(new StarlingError('OVERLOADED', `${this.address.kind}/${this.address.key}`));
    }
  }

  acceptStream(method: string, request: Message, stream: ServerStream, deadline: number): void {
    if (!this.#push({ kind: 'stream', method, request, stream, reserved: false, deadline })) {
      stream.end(new StarlingError('OVERLOADED', `${this.address.kind}/${this.address.key}`));
    }
  }

  /** Runs `task` as a turn; has room beyond the bound, since it belongs to work that was accepted. */
  continueWith(task: (turn: Turn) => void): void {
    if (this.#state === 'gone') return;
    this.#push({ kind: 'task', task, reserved: true, deadline: NO_DEADLINE });
  }

  timer(delayMs: number, task: (turn: Turn) => void): () => void {
    const timer = this.host.clock.after(delayMs, () => this.continueWith(task));
    return () => timer.cancel();
  }

  #push(work: AnyWork): boolean {
    if (this.#state === 'gone') {
      this.#refuse(work, new StarlingError('NOT_OWNER'));
      return true;
    }
    if (!this.#mailbox.push(work)) return false;
    this.#schedule();
    return true;
  }

  #schedule(): void {
    if (this.#scheduled || this.#state !== 'active' || this.#busy) return;
    this.#scheduled = true;
    this.host.ready(this);
  }

  // ---- turns ------------------------------------------------------------------------------------------------------

  /** Runs the turns that wait. Called by the host. */
  run(): void {
    this.#scheduled = false;
    this.lastUsed = this.host.clock.monotonic();
    while (this.#state === 'active' && !this.#busy) {
      const work = this.#mailbox.shift();
      if (work === undefined) break;
      this.#turn(work);
    }
    this.#journal?.issue();
    if (this.#dropWhenIdle) this.tryPassivate();
  }

  #turn(work: AnyWork): void {
    if (work.kind === 'call' && !work.call.pending) return;
    if (work.deadline <= this.lastUsed) {
      this.#refuse(work, new StarlingError('DEADLINE_EXCEEDED', 'It waited too long and was not run.'));
      return;
    }
    const readOnly = work.kind === 'call' && this.host.isReadOnly(this.definition.type, work.call.method);
    const deadline = work.deadline === NO_DEADLINE ? this.host.deadlineAfter(undefined) : work.deadline;
    const signal = work.kind === 'call' ? work.call.signal : undefined;
    const turn = new TurnContext(this, deadline, signal, readOnly);
    try {
      const result = this.#invoke(work, turn);
      if (result instanceof Promise) this.#await(work, turn, result, readOnly);
      else this.#finish(work, turn, result);
    } catch (error) {
      this.#failedTurn(work, turn, error);
    }
  }

  #invoke(work: AnyWork, turn: Turn): unknown {
    switch (work.kind) {
      case 'task':
        return work.task(turn);
      case 'call':
        return (this.#instance[work.call.method] as Handler)(work.call.request, turn);
      case 'stream':
        return (this.#instance[work.method] as Handler)(work.request, work.stream, turn);
    }
  }

  #await(work: AnyWork, turn: TurnContext, result: Promise<unknown>, readOnly: boolean): void {
    if (readOnly) this.#interleaved++;
    else this.#busy = true;
    const over = (): void => {
      if (readOnly) this.#interleaved--;
      else this.#busy = false;
      this.#schedule();
      if (!readOnly) this.#journal?.issue();
    };
    result.then(
      (value) => {
        if (this.#state !== 'gone') this.#finish(work, turn, value);
        over();
      },
      (error: unknown) => {
        if (this.#state !== 'gone') this.#failedTurn(work, turn, error);
        over();
      },
    );
  }

  #finish(work: AnyWork, turn: TurnContext, result: unknown): void {
    turn.close();
    if (work.kind !== 'call') return;
    if (result instanceof Later) {
      this.#adopt(result, work.call);
      return;
    }
    this.#reply(work.call, result as Message, false);
  }

  #failedTurn(work: AnyWork, turn: TurnContext, error: unknown): void {
    turn.close();
    if (error instanceof StarlingError && work.kind !== 'task') {
      if (work.kind === 'call') this.#replyError(work.call, error);
      else work.stream.end(error);
      return;
    }
    const method = work.kind === 'call' ? work.call.method : work.kind;
    const { kind, key } = this.address;
    this.host.log('error', 'a turn failed: the activation ends', {
      kind,
      key,
      method,
      error: describe(error),
    });
    const internal = new StarlingError('INTERNAL', undefined, { cause: error });
    this.#refuse(work, internal);
    this.end(outcomeUnknown(error));
  }

  // ---- answers ----------------------------------------------------------------------------------------------------

  #reply(call: Call, value: Message, passing: boolean): void {
    if (passing) call.resolve(value);
    else
      this.output(
        () => call.resolve(value),
        (error) => call.reject(error),
      );
  }

  #replyError(call: Call, error: StarlingError): void {
    this.output(
      () => call.reject(error),
      (ended) => call.reject(ended),
    );
  }

  readonly #laters = new WeakMap<Later<Message>, { call?: Call; early?: (call: Call) => void }>();

  defer<T extends Message>(): Later<T> {
    const entry: { call?: Call; early?: (call: Call) => void } = {};
    const settle = (act: (call: Call) => void): void => {
      if (entry.call === undefined) entry.early ??= act;
      else {
        this.#deferred.delete(entry.call);
        act(entry.call);
      }
    };
    const later = new Later<T>(
      (value, passing) => settle((call) => this.#reply(call, value, passing)),
      (error) => settle((call) => this.#replyError(call, error)),
    );
    this.#laters.set(later as unknown as Later<Message>, entry);
    return later;
  }

  #adopt(later: Later<Message>, call: Call): void {
    const entry = this.#laters.get(later);
    invariant(entry !== undefined, 'a handler returns a Later of its own turn');
    entry.call = call;
    if (entry.early === undefined) this.#deferred.add(call);
    else entry.early(call);
  }

  /** Lets an output leave once the writes before it have settled. */
  output(release: () => void, fail: (error: StarlingError) => void = () => {}): void {
    if (this.#journal === undefined) release();
    else this.#gate.output(this.#journal.issued, release, fail);
  }

  // ---- log --------------------------------------------------------------------------------------------------------

  readonly #effects: Effects = {
    put: (table, key, value) => this.#cell(table, key, value),
    remove: (table, key) => this.#cell(table, key, undefined),
  };

  #cell(table: string, key: string, value: Uint8Array | undefined): void {
    invariant(this.#effectsRow !== undefined, 'tables change only in the fold of a record');
    this.journal.cell(this.#effectsRow, table, key, value);
  }

  append(record: unknown, wake: boolean): number {
    const { codec } = this.definition;
    invariant(codec !== undefined, 'a memory actor has no timeline');
    const row = this.journal.append(codec.encode(record), wake);
    this.#effectsRow = row;
    (this.#instance as unknown as Durable<unknown>).apply(row.seq, record, this.#effects);
    this.#effectsRow = undefined;
    return row.seq;
  }

  readRows(range: RowRange): Promise<Row[]> {
    return mergeRows(this.host.store, this.address, this.journal, range);
  }

  async readCell(table: string, key: string): Promise<Uint8Array | undefined> {
    const pending = this.journal.pendingCells(table)?.get(key);
    if (pending !== undefined) return pending.value;
    return (await this.host.store.readCell(this.address, table, key))?.value;
  }

  readCells(table: string, range: CellRange): Promise<StoredCell[]> {
    return mergeCells(this.host.store, this.address, this.journal, table, range);
  }

  // ---- life cycle -------------------------------------------------------------------------------------------------

  async #recover(): Promise<void> {
    const { host, definition, address } = this;
    try {
      invariant(definition.codec !== undefined, 'only durable actors are recovered');
      const { start, cells } = await recover({
        address,
        store: host.store,
        claim: this.#claim,
        fence: host.fence,
        limits: host.limits,
        codec: definition.codec,
        instance: this.#instance as unknown as Durable<unknown>,
        uncleanBefore: host.endedUnclean(address),
      });
      if (this.#state === 'gone') return;
      const journal = this.#openJournal(start);
      for (const cell of cells) journal.cell(cell.row, cell.table, cell.key, cell.value);
      this.#opened();
    } catch (error) {
      this.end(error instanceof StarlingError ? error : outcomeUnknown(error));
    }
  }

  #openJournal(start: ConstructorParameters<typeof Journal>[1]): Journal {
    const { host } = this;
    this.#journal = new Journal(
      {
        address: this.address,
        store: host.store,
        claim: this.#claim,
        fence: host.fence,
        clock: host.clock,
        limits: host.limits,
        snapshot: () => (this.#instance as unknown as Durable<unknown>).snapshot(),
        onSettled: (settled) => this.#gate.settle(settled),
        onFailed: (error) => this.#journalFailed(error),
      },
      start,
    );
    return this.#journal;
  }

  #journalFailed(error: StarlingError): void {
    if (error.entry.outcome === 'unknown') this.host.noteUnclean(this.address);
    this.end(error);
  }

  #opened(): void {
    this.#state = 'active';
    const { opened } = this.#instance;
    if (opened !== undefined) this.continueWith((turn) => opened.call(this.#instance, turn));
    this.#schedule();
  }

  /** Ends the activation now. What waits is answered with `error`. */
  end(error: StarlingError): void {
    if (this.#state === 'gone') return;
    const wasBusy = this.#journal !== undefined && !this.#journal.quiet;
    this.#state = 'gone';
    // A commit under way lands or not after this: the next activation of this epoch must write a seal of its own.
    if (wasBusy) this.host.noteUnclean(this.address);
    this.#journal?.end();
    this.#gate.end(error);
    for (const call of this.#deferred) call.reject(error);
    this.#deferred.clear();
    for (const work of this.#mailbox.drain()) this.#refuse(work, error);
    this.#instance.closed?.();
    this.host.dropped(this);
  }

  #refuse(work: AnyWork, error: StarlingError): void {
    if (work.kind === 'call') work.call.reject(error);
    else if (work.kind === 'stream') work.stream.end(error);
  }

  keepAwake(): () => void {
    this.#awake++;
    let held = true;
    return () => {
      if (held) this.#awake--;
      held = false;
    };
  }

  passivateWhenIdle(): void {
    this.#dropWhenIdle = true;
  }

  /** Drops the activation if nothing would be lost; writes a checkpoint first where that spares the next one work. */
  tryPassivate(): boolean {
    if (this.#state !== 'active' || this.#busy || this.#awake > 0 || this.#interleaved > 0) return false;
    if (this.#mailbox.size > 0 || this.#deferred.size > 0 || this.#gate.waiting > 0) return false;
    const journal = this.#journal;
    if (journal !== undefined) {
      if (!journal.quiet) return false;
      if (journal.rowsSinceCheckpoint > 0) {
        journal.requestCheckpoint();
        journal.issue();
        return false;
      }
    }
    this.end(new StarlingError('NOT_OWNER'));
    return true;
  }

  /** Writes what is still unwritten; used when the node stops. */
  flush(): void {
    if (this.#state !== 'active' || this.#journal === undefined) return;
    if (this.#journal.rowsSinceCheckpoint > 0) this.#journal.requestCheckpoint();
    this.#journal.issue();
  }

  /** Nothing is running, waiting or being written. */
  get quiet(): boolean {
    if (this.#state === 'gone') return true;
    return (
      this.#mailbox.size === 0 && !this.#busy && this.#gate.waiting === 0 && (this.#journal?.quiet ?? true)
    );
  }
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

export type { CallSink };
