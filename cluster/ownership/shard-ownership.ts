// The shards of one incarnation, driven against the real table: the rim of the machine. Owns: calls to the table, to the
// runtime and to the clock, how many shards are busy at once, pauses after failures. Does not own: which step may follow
// which (machine.ts), nor which shards this node should have (membership).
//
// Invariants:
// W1  Nothing is claimed before this incarnation's `live` mark is known to be written (rule 1 of the safety protocol).
// W2  A claim object exists exactly while the machine serves or drains the shard (M2).
// W3  At most claimsMax shards are looked at and movesMax given away at once; what waits is named once, and what somebody
//     waits for goes first.
// W4  Once fenced or stopped, every claim has ended and none begins.

import {
  type Ownership,
  type ShardClaim,
  type ShardHost,
  type ShardOwner,
  StarlingError,
} from '../../runtime/index.ts';
import { HeldClaim } from './claim.ts';
import { type Entry, freshEntry, sameOwner, sameWant, statusOf } from './entry.ts';
import { OWNERSHIP_LIMITS, type OwnershipLimits, retryMs } from './limits.ts';
import { isBusy, step } from './machine.ts';
import type { OwnershipStatus, ShardOwnershipOptions } from './options.ts';
import type { ShardAction, ShardEvent, Want } from './state.ts';
import { TableCalls } from './table-calls.ts';
import { untilDone } from './until-done.ts';

/** Implements the runtime's port `Ownership` over a `ShardTable`. */
export class ShardOwnership implements Ownership {
  readonly #options: ShardOwnershipOptions;
  readonly #limits: OwnershipLimits;
  readonly #calls: TableCalls;
  readonly #machine: typeof step;
  readonly #entries = new Map<number, Entry>();
  readonly #looks = new Set<number>();
  /** Those of #looks that somebody waits for. */
  readonly #urgent = new Set<number>();
  readonly #looking = new Set<number>();
  readonly #moves = new Set<number>();
  readonly #moving = new Set<number>();
  #host: ShardHost | undefined;
  #phase: 'new' | 'live' | 'ended' = 'new';
  #fenced = false;

  constructor(options: ShardOwnershipOptions) {
    this.#options = options;
    this.#limits = { ...OWNERSHIP_LIMITS, ...options.limits };
    this.#calls = new TableCalls(options.table, this.#limits.fencesMax);
    this.#machine = options.machine ?? step;
  }

  get incarnation(): string {
    return this.#options.incarnation;
  }

  /**
   * Marks the incarnation live (W1), repeating while the store can't be reached, then looks at what it was asked for.
   * `host`: what is told of shards taken and lost.
   * @throws StarlingError NOT_OWNER if the incarnation was used and fenced before, SHUTTING_DOWN if stopped meanwhile
   */
  async start(host: ShardHost): Promise<void> {
    this.#host = host;
    const { table, incarnation } = this.#options;
    const again = { ...this.#options, limits: this.#limits, ended: () => this.#phase === 'ended' };
    await untilDone(again, () => table.markLive(incarnation));
    if ((await untilDone(again, () => this.readFence())) === 'fenced') {
      throw new StarlingError('NOT_OWNER', `The incarnation ${incarnation} was fenced: take a new one.`);
    }
    this.#phase = 'live';
    this.#pump();
  }

  claim(shard: number): ShardClaim | undefined {
    return this.#entries.get(shard)?.claim;
  }

  async readFence(): Promise<'live' | 'fenced'> {
    if (this.#phase === 'ended') return 'fenced';
    const life = await this.#options.table.readLife(this.#options.incarnation);
    if (life === 'fenced') this.#fence();
    return life;
  }

  /** What the placement asks for, for every shard. Repeating it changes nothing. */
  want(of: (shard: number) => Want): void {
    if (this.#phase === 'ended') return;
    for (let shard = 0; shard < this.#options.shards; shard++) this.#ask(shard, of(shard));
    this.#pump();
  }

  /** Reads the row of a shard that is not served here, soon: somebody says that it names this node. */
  look(shard: number): void {
    if (this.#phase === 'ended' || !(shard >= 0 && shard < this.#options.shards)) return;
    const entry = this.#entry(shard);
    if (isBusy(entry.state)) entry.lookAgain = true;
    else this.#looks.add(shard);
    this.#pump();
  }

  /** Somebody asks for an actor of a shard that is not served here: where it waits for its turn, it comes first. */
  wanted(shard: number): void {
    if (!this.#looks.has(shard) || this.#urgent.has(shard)) return;
    this.#urgent.add(shard);
    this.#pump();
  }

  /** Fences an incarnation (never this one), and lets claims do so from now on. Shards that waited for it are looked at. */
  condemn(incarnation: string): void {
    if (incarnation === this.#options.incarnation || !this.#calls.condemn(incarnation)) return;
    // Best effort, for others who wait to see it: every claim makes sure of it itself (M4).
    void this.#calls.fence(incarnation);
    for (const [shard, { state }] of this.#entries) {
      if (state.seen?.owner === incarnation && state.want.kind === 'hold') this.look(shard);
    }
  }

  /** The row of a shard as last read or written here: a hint. */
  seen(shard: number): ShardOwner | undefined {
    return this.#entries.get(shard)?.state.seen;
  }

  /** Shards served now, ascending. */
  served(): number[] {
    return [...this.#entries]
      .flatMap(([shard, { claim }]) => (claim === undefined ? [] : [shard]))
      .sort((a, b) => a - b);
  }

  /** Ends everything (W4). Nothing is written: drain first where that is wanted. */
  stop(): void {
    if (this.#phase === 'ended') return;
    this.#phase = 'ended';
    this.#looks.clear();
    this.#urgent.clear();
    this.#moves.clear();
    for (const [shard, entry] of this.#entries) {
      entry.retry?.cancel();
      this.#run(shard, entry, { kind: 'fenced' });
    }
  }

  status(): OwnershipStatus {
    return statusOf(this.#entries, this.#fenced);
  }

  #fence(): void {
    if (this.#phase === 'ended') return;
    this.#fenced = true;
    this.stop();
    this.#options.onFenced?.();
  }

  #entry(shard: number): Entry {
    const known = this.#entries.get(shard);
    if (known !== undefined) return known;
    const fresh = freshEntry(this.#options.incarnation);
    this.#entries.set(shard, fresh);
    return fresh;
  }

  #ask(shard: number, want: Want): void {
    if (want.kind === 'keep' && !this.#entries.has(shard)) return;
    const entry = this.#entry(shard);
    if (sameWant(entry.asked, want)) return;
    entry.asked = want;
    this.#moves.delete(shard);
    if (want.kind === 'give' && entry.state.phase.kind === 'serving') {
      this.#moves.add(shard);
      return;
    }
    this.#run(shard, entry, { kind: 'want', want });
    if (want.kind !== 'keep' && !isBusy(entry.state) && entry.claim === undefined) this.#looks.add(shard);
  }

  /** W3. */
  #pump(): void {
    if (this.#phase !== 'live') return;
    for (const shard of this.#moves) {
      if (this.#moving.size >= this.#limits.movesMax) break;
      this.#moves.delete(shard);
      const entry = this.#entry(shard);
      this.#moving.add(shard);
      this.#run(shard, entry, { kind: 'want', want: entry.asked });
    }
    for (const shards of [this.#urgent, this.#looks]) {
      for (const shard of shards) {
        if (this.#looking.size >= this.#limits.claimsMax) return;
        this.#look(shard);
      }
    }
  }

  #look(shard: number): void {
    this.#looks.delete(shard);
    this.#urgent.delete(shard);
    const entry = this.#entry(shard);
    entry.retry?.cancel();
    entry.retry = undefined;
    this.#looking.add(shard);
    const { seen } = entry.state;
    this.#run(shard, entry, { kind: 'look', claims: !seen || this.#calls.mayFence(seen.owner) });
  }

  #run(shard: number, entry: Entry, event: ShardEvent): void {
    const { state, actions } = this.#machine(entry.state, event);
    entry.state = state;
    this.#options.onStep?.(shard, event, state);
    for (const action of actions) this.#perform(shard, entry, action);
    if (!isBusy(state)) this.#rested(shard, entry, event);
  }

  /** Nothing is under way for the shard any more. */
  #rested(shard: number, entry: Entry, event: ShardEvent): void {
    const { phase, seen } = entry.state;
    const moving = this.#moving.has(shard);
    this.#looking.delete(shard);
    if (phase.kind !== 'waiting') this.#moving.delete(shard);
    if (phase.kind === 'waiting' || phase.kind === 'refused') this.#retryLater(shard, entry);
    else entry.failures = 0;
    const { givenTo } = entry;
    if (phase.kind === 'idle' && givenTo !== undefined && sameOwner(givenTo, seen)) {
      entry.givenTo = undefined;
      this.#options.onGiven?.(shard, givenTo);
    }
    if (phase.kind === 'serving' && entry.asked.kind === 'give' && event.kind !== 'want')
      this.#moves.add(shard);
    if (entry.lookAgain) {
      entry.lookAgain = false;
      if (phase.kind !== 'serving' && phase.kind !== 'ended') this.#looks.add(shard);
    }
    if (moving || event.kind !== 'want') this.#pump();
  }

  #retryLater(shard: number, entry: Entry): void {
    const { clock, random } = this.#options;
    if (entry.retry !== undefined) return;
    entry.failures++;
    entry.retry = clock.after(retryMs(entry.failures, random.float(), this.#limits), () => {
      entry.retry = undefined;
      if (this.#phase !== 'live') return;
      this.#looks.add(shard);
      this.#pump();
    });
  }

  #perform(shard: number, entry: Entry, action: ShardAction): void {
    const then = (event: ShardEvent): void => this.#run(shard, entry, event);
    switch (action.kind) {
      case 'read':
        void this.#calls.read(shard).then(then);
        return;
      case 'judge':
        void this.#calls.judge(action.owner).then(then);
        return;
      case 'fence':
        void this.#calls.fence(action.owner).then(then);
        return;
      case 'swap':
        if (action.from?.owner === this.incarnation && action.to.owner !== this.incarnation)
          entry.givenTo = action.to;
        void this.#calls.swap(shard, action.from, action.to).then(then);
        return;
      case 'begin':
        this.#begin(shard, entry, action.epoch);
        return;
      case 'end':
        entry.claim?.end();
        entry.claim = undefined;
        return;
      case 'drain':
        void this.#drain(shard).then(() => then({ kind: 'drained', drain: action.drain }));
        return;
      case 'undrain':
        this.#host?.undrainShard(shard);
        return;
      case 'lose':
        this.#host?.shardLost(shard);
    }
  }

  /** W2. */
  #begin(shard: number, entry: Entry, epoch: number): void {
    const { timesMax } = this.#options;
    entry.claim = new HeldClaim({
      shard,
      epoch,
      ...(timesMax === undefined ? {} : { timesMax }),
      // In a later task: whoever drew the last time is in the middle of a turn.
      onExhausted: () => queueMicrotask(() => this.#run(shard, entry, { kind: 'exhausted', epoch })),
    });
    this.#host?.shardTaken(shard).catch(() => {
      // The runtime opens again what it could not wake; what it knows of it is in its own log.
    });
  }

  async #drain(shard: number): Promise<void> {
    // Where it can't be drained in an orderly way, everything ends, as after a crash.
    await this.#host?.drainShard(shard, this.#limits.drainMsMax).catch(() => this.#host?.shardLost(shard));
  }
}
