// Watches the rims of every process while a run goes on: what it writes, when its fence reads begin and end, and what
// anybody is shown. Owns: the invariants that are seen there. Does not own: those that only the end shows (final.ts).
//
// A fact (a row at its place) is *established* once some process has had it acknowledged, as a row or under a seal, and a
// fence read of that process begun after that has said `live`. Nothing else may be shown to anybody (I5), and what is
// established never changes (I2, I3).

import type { ActorAddress, Commit, Head, Row } from '../../../runtime/index.ts';
import type { SimClock } from '../../../runtime/testing/index.ts';
import type { SimProcess } from '../world/process.ts';
import type { Trace } from '../world/trace.ts';
import { type Fact, factOf, idOf, knownOf, type ProcessView } from './knowledge.ts';
import { isOpen, notOpen } from './opening.ts';
import { Receipts } from './receipts.ts';

/** A broken invariant. */
export interface Finding {
  /** `I1` … `I18`. */
  readonly invariant: string;
  readonly text: string;
  readonly atMs: number;
}

/** Findings kept of one run: the first ones say why. */
const FINDINGS_MAX = 20;
const EPOCH_BITS = 36n;
const FIRST_TIME = 1n << 52n;

export class Recorder {
  readonly findings: Finding[] = [];
  /** What users have been given. */
  readonly receipts: Receipts;
  readonly #clock: SimClock;
  readonly #trace: Trace;
  readonly #established = new Map<string, Map<number, string>>();
  readonly #views = new Map<string, ProcessView>();
  readonly #lastTime = new Map<string, bigint>();
  readonly #written = new Map<string, string>();
  /** Rows that a checkpoint rests on, by actor and write time of the head. */
  readonly #checkpoints = new Map<string, readonly Fact[]>();
  readonly #left = new Set<string>();
  readonly #servers = new Map<string, string>();
  /** Actors whose last activation ended with a write of unknown outcome. */
  readonly #unclean = new Set<string>();
  readonly #activations = new Map<string, number>();

  constructor(clock: SimClock, trace: Trace) {
    this.#clock = clock;
    this.#trace = trace;
    this.receipts = new Receipts(this, trace);
  }

  fail(invariant: string, text: string): void {
    if (this.findings.length >= FINDINGS_MAX) return;
    this.findings.push({ invariant, text, atMs: this.#clock.monotonic() });
    this.#trace.note('checker', `${invariant} ${text}`);
  }

  /** Everything established of an actor, by position. */
  established(actor: string): ReadonlyMap<number, string> {
    return this.#established.get(actor) ?? new Map();
  }

  establishedActors(): string[] {
    return [...this.#established.keys()];
  }

  /** An activation of an actor begins. */
  activated(process: SimProcess, actor: string): void {
    this.#activations.set(actor, (this.#activations.get(actor) ?? 0) + 1);
    knownOf(this.#view(process), actor).opening = notOpen();
    if (this.#unclean.delete(actor)) this.#trace.count('unclean activation');
    this.#trace.note(process.name, `activates ${actor}`);
  }

  /** Activations of the actor that was activated most often. */
  get activationsMax(): number {
    return Math.max(0, ...this.#activations.values());
  }

  // ---- reads ------------------------------------------------------------------------------------------------------

  headRead(process: SimProcess, actor: ActorAddress, head: Head | undefined): void {
    const view = this.#view(process);
    const known = knownOf(view, idOf(actor));
    known.opening.readAt ??= ++view.events;
    known.durableSeq = Math.max(known.durableSeq, head?.asOf ?? 0);
    known.floor = Math.max(known.floor, head?.floor ?? 1);
    // Rows under a checkpoint are not read again: they are what its writer knew.
    const under = head === undefined ? undefined : this.#checkpoints.get(`${idOf(actor)} ${head.ts}`);
    for (const fact of under ?? []) known.read.set(fact.seq, fact);
  }

  rowsRead(process: SimProcess, actor: ActorAddress, rows: readonly Row[], under?: Head): void {
    const view = this.#view(process);
    const known = knownOf(view, idOf(actor));
    // One that is given a head may be of an activation that has ended since.
    if (under === undefined && known.opening.readAt === undefined)
      this.fail('rule 5', `${process.name} reads rows of ${idOf(actor)} before its head`);
    for (const row of rows) {
      const fact = factOf(actor, row);
      known.read.set(row.seq, fact);
      known.durableSeq = Math.max(known.durableSeq, row.seq);
      view.times.add(row.ts);
    }
  }

  // ---- writes -----------------------------------------------------------------------------------------------------

  commitBegins(process: SimProcess, commit: Commit): void {
    const { actor, rows = [], head, cells = [] } = commit;
    const view = this.#view(process);
    const known = knownOf(view, idOf(actor));
    if (head !== undefined) known.opening.sealing = true;
    else if (rows.length > 0 && !isOpen(known.opening, view.liveFrom))
      this.fail('rule 6', `${process.name} writes rows of ${idOf(actor)} before it is open`);
    for (const row of rows) known.read.set(row.seq, factOf(actor, row));
    for (const row of rows)
      this.#drawn(process, actor, row.ts, `row ${row.seq} ${Buffer.from(row.value).toString('base64')}`);
    if (head !== undefined) {
      const under = [...known.read.values()].filter(({ seq }) => seq <= head.asOf);
      this.#checkpoints.set(`${idOf(actor)} ${head.ts}`, under);
      this.#drawn(process, actor, head.ts, `head ${head.asOf} ${head.sealSeq} ${head.sealTs} ${head.floor}`);
      if (head.asOf > known.durableSeq)
        this.fail(
          'I8',
          `${process.name} checkpoints ${idOf(actor)} at ${head.asOf}, its rows are durable up to ${known.durableSeq}`,
        );
    }
    for (const cell of cells) {
      if (!view.times.has(cell.ts))
        this.fail(
          'I8',
          `${process.name} writes a cell of ${idOf(actor)} (${cell.table}) before its record is durable and fence-checked`,
        );
    }
  }

  commitFailed({ actor }: Commit): void {
    this.#unclean.add(idOf(actor));
  }

  commitAcked(process: SimProcess, commit: Commit): void {
    const { actor, rows = [], head, notes = [] } = commit;
    const view = this.#view(process);
    const known = knownOf(view, idOf(actor));
    const facts = rows.map((row) => factOf(actor, row));
    if (head !== undefined) {
      known.opening.sealedAt = ++view.events;
      for (const fact of known.read.values()) if (fact.seq <= head.sealSeq) facts.push(fact);
    }
    const left = notes.flatMap(({ note, present }) => (present ? [`${actor.key} ${note}`] : []));
    const ts = rows[0]?.ts ?? head?.ts;
    const server = ts === undefined ? undefined : `${actor.shard}/${ts >> EPOCH_BITS}`;
    view.waiting.push({ facts, floor: head?.floor ?? 0, actor: idOf(actor), notes: left, server });
  }

  trimBegins(process: SimProcess, actor: ActorAddress, below: number): void {
    const floor = knownOf(this.#view(process), idOf(actor)).floor;
    if (below > floor)
      this.fail(
        'I15',
        `${process.name} deletes rows of ${idOf(actor)} below ${below}; a floor of ${floor} is durable and fence-checked`,
      );
    this.#trace.count('trim');
  }

  /** I14: rising per actor within an epoch; the same write may be repeated. I4: one process writes in an epoch. */
  #drawn(process: SimProcess, actor: ActorAddress, ts: bigint, what: string): void {
    if (typeof ts !== 'bigint' || ts < FIRST_TIME) {
      this.fail('I14', `${process.name} writes ${idOf(actor)} with the time ${String(ts)}`);
      return;
    }
    const epoch = ts >> EPOCH_BITS;
    const server = `${actor.shard}/${epoch}`;
    const owner = this.#servers.get(server) ?? process.name;
    this.#servers.set(server, owner);
    if (owner !== process.name)
      this.fail('I4', `${process.name} writes shard ${actor.shard} in epoch ${epoch}, as ${owner} did`);
    if (this.#left.has(`${process.name} ${server}`))
      this.fail('I4', `${process.name} writes ${idOf(actor)} in epoch ${epoch}, which it has given away`);
    const written = `${idOf(actor)} ${ts}`;
    const before = this.#written.get(written);
    if (before === what) return;
    // A checkpoint may go before rows that were drawn earlier: they are other cells.
    const series = `${idOf(actor)} ${epoch} ${what.slice(0, 3)}`;
    const last = this.#lastTime.get(series) ?? 0n;
    if (ts <= last)
      this.fail('I14', `${process.name} writes ${idOf(actor)} with the time ${ts} after ${last}`);
    this.#written.set(written, what);
    this.#lastTime.set(series, ts > last ? ts : last);
  }

  /** A process hands its claim over: it writes no more in that epoch. */
  leaves(process: string, shard: number, epoch: number): void {
    this.#left.add(`${process} ${shard}/${epoch}`);
  }

  // ---- the fence --------------------------------------------------------------------------------------------------

  /** A fence read begins; the result is to be called with its answer. */
  fenceBegins(process: SimProcess): (state: 'live' | 'fenced' | 'unknown') => void {
    const view = this.#view(process);
    const covered = view.waiting;
    view.waiting = [];
    const began = ++view.events;
    return (state) => {
      if (state !== 'live') {
        // A later read of the same process covers them as well.
        view.waiting.unshift(...covered);
        return;
      }
      view.liveFrom = Math.max(view.liveFrom, began);
      for (const { facts, floor, actor, notes, server } of covered) {
        // What a process has given away it serves no more: a write that was under way shows nobody anything.
        if (server !== undefined && this.#left.has(`${process.name} ${server}`)) continue;
        for (const note of notes) this.receipts.noted(note);
        const known = knownOf(view, actor);
        known.floor = Math.max(known.floor, floor);
        for (const fact of facts) this.#establish(process, view, fact);
      }
    };
  }

  #establish(process: SimProcess, view: ProcessView, fact: Fact): void {
    view.times.add(fact.ts);
    const known = knownOf(view, fact.actor);
    known.durableSeq = Math.max(known.durableSeq, fact.seq);
    let rows = this.#established.get(fact.actor);
    if (rows === undefined) {
      rows = new Map();
      this.#established.set(fact.actor, rows);
    }
    const before = rows.get(fact.seq);
    if (before === undefined) {
      rows.set(fact.seq, fact.saying);
      if (fact.actor.startsWith('user/'))
        this.receipts.established(fact.actor.slice('user/'.length), fact.value);
    } else if (before !== fact.saying)
      this.fail(
        'I2',
        `${process.name} establishes ${fact.actor} ${fact.seq} as "${fact.saying}", it was "${before}"`,
      );
  }

  // ---- what is shown ----------------------------------------------------------------------------------------------

  /** Somebody is shown a row. */
  shown(to: string, actor: string, seq: number, saying: string): void {
    const known = this.#established.get(actor)?.get(seq);
    if (known === undefined)
      this.fail('I5', `${to} is shown ${actor} ${seq} "${saying}" before it is durable and fence-checked`);
    else if (known !== saying)
      this.fail('I3', `${to} is shown ${actor} ${seq} "${saying}", it was "${known}"`);
  }

  #view(process: SimProcess): ProcessView {
    let view = this.#views.get(process.name);
    if (view === undefined) {
      view = { actors: new Map(), waiting: [], times: new Set(), events: 0, liveFrom: 0 };
      this.#views.set(process.name, view);
    }
    return view;
  }
}
