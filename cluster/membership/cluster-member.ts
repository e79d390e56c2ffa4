// One node in the cluster: ties what it sees (view.ts) and its shards (cluster/ownership) together. Owns: renewing the
// lease, the loop, and what it asks of its ownership. Does not own: safety, which rests on the ownership's table alone.
//
// Invariants:
// C1  Whatever the board does, shards that are served stay served: without a lease of its own this node asks its ownership
//     to keep what it has, condemns nobody and plans nothing.
// C2  One round of the loop is under way at a time; each ends, since every call of the ports does.
// C3  The store is asked beside that loop: a board that is slow to answer never makes it look as if the store were away.

import { type Directory, type ShardHost, StarlingError, type Timer } from '../../runtime/index.ts';
import { ShardOwnership, type Want } from '../ownership/index.ts';
import { ownersInTheWay } from './in-the-way.ts';
import { checkJoin, type JoinRefusal, stillRunning } from './join.ts';
import { MEMBERSHIP_LIMITS, type MembershipLimits } from './limits.ts';
import { fenceRead, isPlanner, mayRenew, peersOf, readyIncarnations, standing } from './members.ts';
import type { ClusterMemberOptions, ClusterMemberStatus } from './options.ts';
import { ownRecord } from './own-record.ts';
import type { ProbeAnswer } from './ports.ts';
import { encodeMember, type MemberRecord, memberKey } from './record.ts';
import { ClusterView } from './view.ts';
import { Where } from './where.ts';

const KEEP: Want = { kind: 'keep' };
const HOLD: Want = { kind: 'hold' };

/** Made before the runtime, which takes `ownership` and `directory`; started with it. */
export class ClusterMember {
  readonly ownership: ShardOwnership;
  readonly #where: Where;
  readonly #options: ClusterMemberOptions;
  readonly #limits: MembershipLimits;
  readonly #role: string;
  readonly #view: ClusterView;
  readonly #drained: (() => void)[] = [];
  #state: MemberRecord['state'] = 'ready';
  #running = false;
  #beats = 0;
  #sweptTo = 0;
  #timer: Timer | undefined;
  #storeTimer: Timer | undefined;
  #round: Promise<void> | undefined;

  constructor(options: ClusterMemberOptions) {
    this.#options = options;
    this.#limits = { ...MEMBERSHIP_LIMITS, ...options.limits };
    this.#role = options.role ?? 'core';
    this.#view = new ClusterView(options, this.#limits, this.#role, {
      onChange: () => this.#changed(),
      onLost: () => this.#running && void this.#view.plan(this.#record()),
      onGone: (incarnation) => options.onGone?.(incarnation),
      onCondemned: (condemned) => this.ownership.condemn(condemned),
    });
    const { incarnation, shards, table, clock, random, onFenced } = options;
    this.ownership = new ShardOwnership({
      ...options.ownership,
      ...{ incarnation, shards, table, clock, random },
      onFenced: () => {
        this.#halt();
        onFenced?.();
      },
      onGiven: (shard, to) => this.#given(shard, to.owner),
    });
    this.#where = new Where({
      node: options.node,
      host: options.host,
      servesHere: (shard) => this.ownership.claim(shard) !== undefined,
      desired: (shard) => this.#view.placement?.owners[shard],
    });
  }

  /** Where shards are served, for the runtime's calls. */
  get directory(): Directory {
    return this.#where;
  }

  /**
   * Joins: looks at the board, checks that this node fits, marks the incarnation live, announces itself. Waits while board
   * or store can't be reached. A refusal is final for these settings.
   * @throws StarlingError NOT_OWNER if the incarnation was fenced before, SHUTTING_DOWN if stopped meanwhile
   */
  async start(host: ShardHost): Promise<JoinRefusal | undefined> {
    this.#running = true;
    this.#view.watch();
    while (!(await this.#view.list())) await this.#pause();
    const { probe } = this.#options;
    const others = await stillRunning(standing(this.#view.members), probe, this.#limits.probeMs);
    const refusal = checkJoin(this.#record(), others);
    if (refusal !== undefined) {
      this.#halt();
      return refusal;
    }
    await this.ownership.start(host);
    this.#view.changed();
    await this.#lookAtStore();
    await this.#beat();
    this.#arm();
    return undefined;
  }

  /** The address that a node announces; undefined for one that is not known. */
  addressOf(node: string): string | undefined {
    return standing(this.#view.members).find((each) => each.node === node)?.address;
  }

  /** Gives every shard away and takes none, from now on. Resolves when the others may know. */
  cordon(): Promise<void> {
    this.#state = 'draining';
    return this.#announce();
  }

  /**
   * Gives every shard away; resolves when none is served, when nobody is there to take them, or after `timeoutMs`, with the
   * number still served.
   */
  async drain(timeoutMs: number): Promise<number> {
    await this.cordon();
    const { clock } = this.#options;
    if (this.ownership.served().length > 0 && readyIncarnations(this.#view.members).size > 0) {
      await new Promise<void>((resolve) => {
        const timer = clock.after(timeoutMs, resolve);
        this.#drained.push(() => {
          timer.cancel();
          resolve();
        });
      });
    }
    return this.ownership.served().length;
  }

  /** Takes shards again after a drain. */
  undrain(): Promise<void> {
    this.#state = 'ready';
    return this.#announce();
  }

  /** An operator had another incarnation fenced, and that is known to be at a quorum: its shards may be had at once. */
  dismiss(incarnation: string): void {
    if (this.#running && incarnation !== this.#options.incarnation) this.#view.dismiss(incarnation);
  }

  /** The same of a process that has surely ended. Everybody who sees the board learns of it; resolves when it has that. */
  async bury(incarnation: string): Promise<void> {
    if (!this.#running || incarnation === this.#options.incarnation) return;
    const told = this.#view.withdraw(incarnation);
    this.#view.dismiss(incarnation);
    await told;
  }

  /** Ends everything: claims first, then the own fence, so that others need not wait; then the key on the board. */
  async stop(): Promise<void> {
    if (!this.#running) return;
    this.#state = 'leaving';
    this.#halt();
    await this.#round;
    const { table, board, incarnation } = this.#options;
    // Each is a courtesy: others find out by themselves.
    await table.fence(incarnation).catch(() => {});
    await board
      .put(memberKey(incarnation), encodeMember(this.#record()), { ttlMs: this.#limits.leaseMs })
      .catch(() => {});
    await board.remove(memberKey(incarnation)).catch(() => {});
  }

  /** Answers a direct question of another node (port Probe). */
  answerProbe(incarnation: string): ProbeAnswer {
    if (incarnation !== this.#options.incarnation || !this.#running) return 'replaced';
    return mayRenew(this.#view.members, this.#options.clock.monotonic()) ? 'well' : 'unwell';
  }

  /** Another node says that rows of these shards name this one (port Probe). */
  handed(shards: readonly number[]): void {
    for (const shard of shards) this.ownership.look(shard);
  }

  /** `node` answered that it does not serve a shard; `owner`: whom it named, if anybody. */
  notOwner(shard: number, node: string, owner?: string): void {
    this.#where.notOwner(shard, node, owner);
  }

  status(): ClusterMemberStatus {
    const now = this.#options.clock.monotonic();
    return {
      state: this.#state,
      lease: this.#view.stands,
      store: mayRenew(this.#view.members, now),
      planner: isPlanner(this.#view.members, this.#options.incarnation, now),
      alarm: this.#view.members.alarm,
      placement: this.#view.placement?.version ?? 0,
      owners: this.#view.placement?.owners ?? [],
      members: [this.#record(), ...standing(this.#view.members)],
      peers: peersOf(this.#view.members, now),
      shards: this.ownership.status(),
    };
  }

  #record(): MemberRecord {
    return ownRecord(this.#options, {
      roles: [this.#role],
      state: this.#state,
      placementOf: this.#view.placement?.version ?? 0,
      serving: new Set(this.ownership.served()),
    });
  }

  #halt(): void {
    this.#running = false;
    this.#timer?.cancel();
    this.#storeTimer?.cancel();
    this.#view.unwatch();
    for (const resolve of this.#drained.splice(0)) resolve();
    this.ownership.stop();
  }

  #arm(): void {
    if (!this.#running) return;
    this.#timer = this.#options.clock.after(this.#limits.beatMs, () => {
      this.#round = this.#beat().finally(() => this.#arm());
    });
  }

  #pause(): Promise<void> {
    if (!this.#running) throw new StarlingError('SHUTTING_DOWN');
    return new Promise((resolve) => {
      this.#options.clock.after(this.#limits.beatMs, resolve);
    });
  }

  /** C3. Resolves after the first look; further ones follow. */
  async #lookAtStore(): Promise<void> {
    const { clock, reachStore } = this.#options;
    const startMs = clock.monotonic();
    try {
      const [life] = await Promise.all([this.ownership.readFence(), reachStore?.()]);
      if (life === 'live') this.#view.members = fenceRead(this.#view.members, startMs);
    } catch {
      // The store can't be reached: when that lasts, the lease is not renewed (N1).
    }
    if (this.#running) this.#storeTimer = clock.after(this.#limits.beatMs, () => void this.#lookAtStore());
  }

  /** C2. */
  async #beat(): Promise<void> {
    if (!this.#running) return;
    await this.#view.renew(this.#record());
    this.#beats++;
    if (this.#view.missed || this.#beats % this.#limits.listBeats === 0) await this.#view.list();
    this.#view.meet(ownersInTheWay(this.#view.placement?.owners ?? [], this.#options, this.ownership));
    await this.#view.askSilent();
    await this.#view.plan(this.#record());
    if (!this.#running) return;
    this.#steer();
    this.#sweep();
    if (this.ownership.served().length === 0 || readyIncarnations(this.#view.members).size === 0)
      for (const resolve of this.#drained.splice(0)) resolve();
  }

  /** The node's own state changed. */
  async #announce(): Promise<void> {
    this.#view.changed();
    await this.#view.renew(this.#record());
  }

  #changed(): void {
    if (!this.#running) return;
    this.#where.update(standing(this.#view.members));
    this.#steer();
  }

  /** C1. Tells the ownership what the placement asks of this node. */
  #steer(): void {
    const { placement } = this.#view;
    const follows = placement !== undefined && this.#view.stands;
    const ready = readyIncarnations(this.#view.members);
    this.ownership.want((shard) => {
      const node = follows ? placement.owners[shard] : undefined;
      if (node === undefined) return KEEP;
      if (node === this.#options.node) return this.#state === 'ready' ? HOLD : KEEP;
      const to = ready.get(node);
      return to === undefined ? KEEP : { kind: 'give', to };
    });
  }

  /** Finds, in turn, rows that name this node though nobody said so, and who has the others. */
  #sweep(): void {
    const { shards } = this.#options;
    for (let step = 0; step < Math.min(this.#limits.sweepShards, shards); step++) {
      if (this.ownership.claim(this.#sweptTo) === undefined) this.ownership.look(this.#sweptTo);
      this.#sweptTo = (this.#sweptTo + 1) % shards;
    }
  }

  #given(shard: number, incarnation: string): void {
    const to = standing(this.#view.members).find((each) => each.incarnation === incarnation);
    if (to === undefined) return;
    this.#where.given(shard, to.node);
    this.#options.probe.nudge(to.node, [shard]);
  }
}
