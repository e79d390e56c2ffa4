// Wakes the actors of this node that have reminders due and are not in memory, by the due marks of the shards it serves.
//
// D1  Every mark that is in the store before a shard is taken, or becomes durable here later, is read in its minute: `fromMs`
//     of a shard is at most the minute of any mark of it that has not been dropped.
// D2  A mark goes only after its actor has said that it may (N2), with a write time drawn in that very moment, and after a
//     fence read.
// D3  Actors that are not in memory are woken at a bounded rate. A pass reads one page of each shard in turn, so that what
//     a long stop has left in one shard does not hold up the others.
// D4  Safety needs no clock: a jump makes reminders early or late, and loses none.

import type { ActorLog } from './actor-log.ts';
import { MINUTE_MS } from './actor-reminders.ts';
import type { FenceReader } from './fence.ts';
import type { LogLevel } from './host.ts';
import type { RuntimeLimits } from './limits.ts';
import { Pacer } from './pacer.ts';
import type { Clock, Timer } from './ports/clock.ts';
import type { Ownership } from './ports/ownership.ts';
import type { ActorAddress, DueMark, Store } from './ports/store.ts';
import { Trials } from './reminder-trials.ts';

/** The wall clock is looked at no less often. */
const LOOK_MS_MAX = 60_000;
const FAR_MS = Number.MAX_SAFE_INTEGER;
/** Reminders begun and not ended well that a node remembers. */
const TRIALS_MAX = 100_000;

export interface DueOptions {
  readonly store: Store;
  readonly ownership: Ownership;
  readonly fence: FenceReader;
  readonly clock: Clock;
  readonly limits: RuntimeLimits;
  readonly shards: number;
  /** Whether calls of a shard are served: false while it is given away. */
  readonly serves: (shard: number) => boolean;
  /** Whether an activation of the actor is in memory. */
  readonly resident: (actor: ActorAddress) => boolean;
  /** Opens the actor; resolves after the first try. */
  readonly wake: (actor: ActorAddress) => Promise<void>;
  /** The log of an actor that is open; undefined where it is not. */
  readonly logOf: (actor: ActorAddress) => ActorLog | undefined;
  readonly log: (level: LogLevel, message: string, fields: Record<string, unknown>) => void;
}

interface Shard {
  readonly epoch: number;
  /** D1. */
  fromMs: number;
  /** The first minute that no pass has looked at. */
  nextMs: number;
  /** When marks that were left are looked at again, on the monotonic clock. */
  againMs: number;
  rescanMs: number;
  pass: Pass | undefined;
}

/** One reading of the marks of a shard up to now, page by page. */
interface Pass {
  readonly untilMs: number;
  after: DueMark;
  leftMs: number;
  dropped: number;
}

export class Due {
  /** What is known of reminders that were begun on this node. */
  readonly trials: Trials;
  readonly #options: DueOptions;
  readonly #late: Pacer;
  readonly #wakes: Pacer;
  readonly #shards = new Map<number, Shard>();
  #state: 'new' | 'started' | 'stopped' = 'new';
  #passing = false;
  #timer: Timer | undefined;
  #timerMs = Number.POSITIVE_INFINITY;

  constructor(options: DueOptions) {
    this.#options = options;
    const { clock, limits } = options;
    this.#late = new Pacer(clock, limits.lateRemindersPerSecondMax);
    this.#wakes = new Pacer(clock, limits.lateRemindersPerSecondMax);
    this.trials = new Trials({
      clock,
      retryMsMin: limits.reminderRetryMsMin,
      retryMsMax: limits.reminderRetryMsMax,
      trialsMax: TRIALS_MAX,
    });
  }

  /** Begins to look for marks, in every shard that is served. */
  start(): void {
    this.#state = 'started';
    for (let shard = 0; shard < this.#options.shards; shard++) this.taken(shard);
    this.#schedule(0);
  }

  /** A claim has begun: its marks are not known. */
  taken(shard: number): void {
    const claim = this.#options.ownership.claim(shard);
    if (claim === undefined || this.#shards.get(shard)?.epoch === claim.epoch) return;
    const rescanMs = this.#options.limits.dueRescanMsMin;
    const fresh = { fromMs: 0, nextMs: 0, againMs: Number.POSITIVE_INFINITY, rescanMs, pass: undefined };
    this.#shards.set(shard, { epoch: claim.epoch, ...fresh });
    this.#schedule(0);
  }

  /** A due mark of this shard and minute is in the store. */
  marked(shard: number, minuteMs: number): void {
    if (this.#state !== 'started') return;
    this.taken(shard);
    const known = this.#shards.get(shard);
    if (known === undefined) return;
    known.fromMs = Math.min(known.fromMs, minuteMs);
    const { clock, limits } = this.#options;
    if (minuteMs > clock.now()) known.nextMs = Math.min(known.nextMs, minuteMs);
    // Its actor is in memory and stays there until the reminder has run: the mark only has to go some time after.
    else known.againMs = Math.min(known.againMs, clock.monotonic() + limits.dueRescanMsMin);
    this.#schedule(this.#waitMs(known));
  }

  /** How long a reminder that is late has to wait for its turn, milliseconds. */
  lateDelayMs(): number {
    return this.#late.take();
  }

  stop(): void {
    this.#state = 'stopped';
    this.#timer?.cancel();
  }

  // ---- when -------------------------------------------------------------------------------------------------------

  #waitMs({ pass, nextMs, againMs }: Shard): number {
    if (pass !== undefined) return 0;
    const { clock } = this.#options;
    const nextWaitMs = nextMs === FAR_MS ? Number.POSITIVE_INFINITY : nextMs - clock.now();
    return Math.max(0, Math.min(nextWaitMs, againMs - clock.monotonic()));
  }

  #schedule(waitMs: number): void {
    if (this.#state !== 'started' || this.#passing || waitMs === Number.POSITIVE_INFINITY) return;
    const { clock } = this.#options;
    const delayMs = Math.min(waitMs, LOOK_MS_MAX);
    if (clock.monotonic() + delayMs >= this.#timerMs) return;
    this.#timer?.cancel();
    this.#timerMs = clock.monotonic() + delayMs;
    this.#timer = clock.after(delayMs, () => {
      this.#timerMs = Number.POSITIVE_INFINITY;
      void this.#look();
    });
  }

  /** D3. */
  async #look(): Promise<void> {
    if (this.#passing) return;
    this.#passing = true;
    for (;;) {
      const ready = [...this.#shards].filter(([, state]) => this.#waitMs(state) === 0);
      if (ready.length === 0 || this.#state !== 'started') break;
      for (let i = 0; i < ready.length; i += this.#options.limits.dueShardsMax) {
        const some = ready.slice(i, i + this.#options.limits.dueShardsMax);
        await Promise.all(some.map(([shard, state]) => this.#page(shard, state)));
      }
    }
    this.#passing = false;
    for (const state of this.#shards.values()) this.#schedule(this.#waitMs(state));
  }

  // ---- passes -----------------------------------------------------------------------------------------------------

  async #page(shard: number, state: Shard): Promise<void> {
    const claim = this.#options.ownership.claim(shard);
    if (claim === undefined || claim.epoch !== state.epoch) {
      this.#shards.delete(shard);
      this.taken(shard);
      return;
    }
    if (!this.#options.serves(shard)) {
      this.#again(state);
      return;
    }
    state.pass ??= this.#begin(shard, state);
    try {
      await this.#readPage(shard, state, state.pass, () => claim.nextTimestamp());
    } catch (error) {
      this.#again(state);
      this.#options.log('warn', 'due marks could not be read or dropped', { shard, reason: String(error) });
    }
  }

  /** Reads everything from the start, after a while. */
  #again(state: Shard): void {
    state.pass = undefined;
    state.fromMs = 0;
    state.nextMs = FAR_MS;
    this.#lookAgain(state, false);
  }

  /** What is marked from now on lowers these again. */
  #begin(shard: number, state: Shard): Pass {
    const pass = {
      untilMs: this.#options.clock.now(),
      after: beginning(shard, state.fromMs),
      leftMs: FAR_MS,
      dropped: 0,
    };
    state.fromMs = FAR_MS;
    state.nextMs = FAR_MS;
    state.againMs = Number.POSITIVE_INFINITY;
    return pass;
  }

  async #readPage(shard: number, state: Shard, pass: Pass, nextTs: () => bigint): Promise<void> {
    const { store, limits, logOf } = this.#options;
    const { untilMs, after } = pass;
    const page = await store.readDue(shard, { untilMs, after, marksMax: limits.dueMarksPageMax });
    for (let i = 0; i < page.length; i += limits.wakeConcurrencyMax) {
      await Promise.all(page.slice(i, i + limits.wakeConcurrencyMax).map((mark) => this.#wake(mark)));
    }
    const free = page.filter((mark) => logOf(mark)?.releaseDueMark(mark.dueMs) === true);
    await this.#drop(free, nextTs);
    pass.dropped += free.length;
    for (const mark of page) if (!free.includes(mark)) pass.leftMs = Math.min(pass.leftMs, mark.dueMs);
    const last = page.at(-1);
    if (last !== undefined) pass.after = last;
    if (page.length < limits.dueMarksPageMax) await this.#finish(shard, state, pass);
  }

  async #wake(mark: DueMark): Promise<void> {
    const { clock, resident, wake, logOf } = this.#options;
    const delayMs = resident(mark) ? 0 : this.#wakes.take();
    if (delayMs > 0) await new Promise<void>((resolve) => clock.after(delayMs, resolve));
    if (this.#state !== 'started') return;
    await wake(mark);
    // One that was open already may not know that the wall clock was set.
    logOf(mark)?.lookAtReminders();
  }

  /** D2. */
  async #drop(marks: readonly DueMark[], nextTs: () => bigint): Promise<void> {
    if (marks.length === 0) return;
    const ts = nextTs();
    const fence = this.#options.fence.read();
    if (fence !== 'live') await fence;
    await this.#options.store.dropDue(marks, ts);
  }

  async #finish(shard: number, state: Shard, pass: Pass): Promise<void> {
    const after = beginning(shard, pass.untilMs - (pass.untilMs % MINUTE_MS) + MINUTE_MS);
    const [next] = await this.#options.store.readDue(shard, { untilMs: FAR_MS, after, marksMax: 1 });
    const nextMs = next?.dueMs ?? FAR_MS;
    state.nextMs = Math.min(state.nextMs, nextMs);
    state.fromMs = Math.min(state.fromMs, nextMs, pass.leftMs);
    state.pass = undefined;
    if (pass.leftMs < FAR_MS) this.#lookAgain(state, pass.dropped > 0);
    else state.rescanMs = this.#options.limits.dueRescanMsMin;
  }

  /** Marks were left: looks again, less and less often while none of them may go. */
  #lookAgain(state: Shard, progress: boolean): void {
    const { dueRescanMsMin, dueRescanMsMax } = this.#options.limits;
    if (progress) state.rescanMs = dueRescanMsMin;
    state.againMs = this.#options.clock.monotonic() + state.rescanMs;
    state.rescanMs = Math.min(2 * state.rescanMs, dueRescanMsMax);
  }
}

/** A place before every mark of a minute and after every one of the minute before: kinds begin with a letter. */
function beginning(shard: number, minuteMs: number): DueMark {
  return { shard, dueMs: minuteMs, kind: '-', key: '-', ts: 0n };
}
