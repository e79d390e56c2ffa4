// What a node sees on the board and does there. Owns: reading and writing the board, asking the silent, writing a plan when
// it is this node's turn. Does not own: what the node does with its shards (cluster-member.ts).
//
// Invariant: V1 every call settles, and a failure of the board changes no belief about anybody else.

import {
  BURST_LIMITS,
  type BurstState,
  burstDue,
  memberLost,
  membersChanged,
  type PlanMember,
  planShards,
  QUIET,
} from '../placement/index.ts';
import type { MembershipLimits } from './limits.ts';
import {
  answered,
  dismissed,
  gone,
  initialMembers,
  isPlanner,
  leaseStands,
  type Members,
  mayRenew,
  metInRows,
  renewed,
  seen,
  standing,
  suspects,
} from './members.ts';
import type { ClusterMemberOptions } from './options.ts';
import type { BoardEntry, BoardEvent } from './ports.ts';
import {
  decodeMember,
  decodePlacement,
  encodeMember,
  encodePlacement,
  MEMBER_PREFIX,
  type MemberRecord,
  memberKey,
  namesNobody,
  type PlacementDocument,
  placementKey,
} from './record.ts';

/** Who hears of what was seen. */
export interface ViewListener {
  /** Members or the placement changed. */
  readonly onChange: () => void;
  /** A member has surely ended: a plan is due. */
  readonly onLost: () => void;
  /** A process answers nobody any more: it is fenced, and did not end in order. */
  readonly onGone: (incarnation: string) => void;
  /** The fence of a member may be written. */
  readonly onCondemned: (incarnation: string) => void;
}

export class ClusterView {
  members: Members;
  placement: PlacementDocument | undefined;
  readonly #options: ClusterMemberOptions;
  readonly #limits: MembershipLimits;
  readonly #listener: ViewListener;
  readonly #planKey: string;
  readonly #unwatch: (() => void)[] = [];
  #burst: BurstState = QUIET;
  #missed = false;
  #planning = false;

  constructor(options: ClusterMemberOptions, limits: MembershipLimits, role: string, listener: ViewListener) {
    this.#options = options;
    this.#limits = limits;
    this.#listener = listener;
    this.#planKey = placementKey(role);
    this.members = initialMembers(limits);
  }

  watch(): void {
    for (const prefix of [MEMBER_PREFIX, this.#planKey]) {
      this.#unwatch.push(this.#options.board.watch(prefix, (event) => this.#onBoard(event)));
    }
  }

  unwatch(): void {
    for (const stop of this.#unwatch.splice(0)) stop();
  }

  /** Whether events were missed since the last list. */
  get missed(): boolean {
    return this.#missed;
  }

  /** Whether this node's own lease stands. */
  get stands(): boolean {
    return leaseStands(this.members, this.#now());
  }

  /** Renews the lease with this record, if the store answered lately (N1). */
  async renew(record: MemberRecord): Promise<void> {
    const startMs = this.#now();
    if (!mayRenew(this.members, startMs)) return;
    try {
      await this.#options.board.put(memberKey(record.incarnation), encodeMember(record), {
        ttlMs: this.#limits.leaseMs,
      });
      this.members = renewed(this.members, startMs, this.#now());
    } catch {
      this.#options.onEvent?.({ kind: 'board-failed', call: 'renew' });
    }
  }

  /** Reads the whole board; false where it did not answer. */
  async list(): Promise<boolean> {
    const { board, onEvent } = this.#options;
    try {
      this.#missed = false;
      const [entries, plans] = await Promise.all([board.list(MEMBER_PREFIX), board.list(this.#planKey)]);
      for (const entry of [...entries, ...plans]) this.#onEntry(entry);
      const listed = new Set(entries.map(({ key }) => key));
      for (const incarnation of this.members.others.keys()) {
        if (!listed.has(memberKey(incarnation))) this.#gone(incarnation);
      }
      // A board that lost the plan is given it again.
      if (!plans.some(({ key }) => key === this.#planKey)) this.#changed();
      return true;
    } catch {
      this.#missed = true;
      onEvent?.({ kind: 'board-failed', call: 'list' });
      return false;
    }
  }

  /** Owners of shards that this node should have, as their rows say. */
  meet(owners: ReadonlySet<string>): void {
    this.members = metInRows(this.members, owners, this.#now());
  }

  /** Asks whoever was silent too long, and condemns who does not answer well (N3, N4). */
  async askSilent(): Promise<void> {
    const { probe, onEvent } = this.#options;
    const found = suspects(this.members, this.#now());
    this.members = found.state;
    const asks = found.ask.map(async ({ record }) => {
      const { node, incarnation } = record;
      const answer = await probe.ask(node, incarnation, this.#limits.probeMs);
      onEvent?.({ kind: 'asked', node, answer });
      const wasAlarmed = this.members.alarm;
      const { state, condemn } = answered(this.members, incarnation, answer, this.#now());
      this.members = state;
      if (state.alarm && !wasAlarmed) onEvent?.({ kind: 'alarm' });
      if (!condemn) return;
      onEvent?.({ kind: 'condemned', node, incarnation });
      this.#changed();
      this.#listener.onCondemned(incarnation);
      this.#listener.onGone(incarnation);
    });
    await Promise.all(asks);
  }

  /** Somebody is fenced, and that is known to be at a quorum. */
  dismiss(incarnation: string): void {
    this.members = dismissed(this.members, incarnation, this.#now());
    this.#listener.onCondemned(incarnation);
    this.#listener.onGone(incarnation);
    this.#listener.onChange();
    this.#lost();
  }

  /** The last record of a process that has ended without a word, as it would have written it itself. Best effort. */
  async withdraw(incarnation: string): Promise<void> {
    const found = this.members.others.get(incarnation)?.record;
    if (found === undefined) return;
    const { board, onEvent } = this.#options;
    const record: MemberRecord = { ...found, state: 'leaving', serving: new Set() };
    try {
      await board.put(memberKey(incarnation), encodeMember(record), { ttlMs: this.#limits.leaseMs });
      await board.remove(memberKey(incarnation));
    } catch {
      onEvent?.({ kind: 'board-failed', call: 'withdraw' });
    }
  }

  /** Writes a plan if members changed, it has been quiet (Q1, Q2), and it is this node's turn. One at a time. */
  async plan(me: MemberRecord): Promise<void> {
    if (this.#planning) return;
    this.#planning = true;
    try {
      // What changed while the board took one plan may be due at once.
      while (this.#planDue(me)) await this.#plan(me);
    } finally {
      this.#planning = false;
    }
  }

  #planDue(me: MemberRecord): boolean {
    const now = this.#now();
    if (this.#burst.kind === 'quiet' && namesNobody(this.placement, [me, ...standing(this.members)]))
      this.#changed();
    return isPlanner(this.members, me.incarnation, now) && burstDue(this.#burst, now, BURST_LIMITS);
  }

  async #plan(me: MemberRecord): Promise<void> {
    const others = standing(this.members);
    const former = this.#former([me, ...others]);
    const [role = ''] = me.roles;
    const owners = planShards({ role, members: oneEach([me, ...others]), shards: me.shards, former });
    const before = this.placement;
    this.#burst = QUIET;
    const moves = owners.filter((owner, shard) => owner !== before?.owners[shard]).length;
    const next = {
      version: Math.max(before?.version ?? 0, ...others.map((each) => each.placementOf)) + 1,
      role,
      owners,
    };
    try {
      await this.#options.board.put(this.#planKey, encodePlacement(next));
      this.placement = next;
      this.#options.onEvent?.({ kind: 'planned', version: next.version, moves });
      this.#listener.onChange();
    } catch {
      this.#changed();
      this.#options.onEvent?.({ kind: 'board-failed', call: 'plan' });
    }
  }

  /** This node's own state changed. */
  changed(): void {
    this.#changed();
  }

  /** Where shards were meant to be; where no plan is known, where they are. */
  #former(records: readonly MemberRecord[]): (string | undefined)[] {
    const former: (string | undefined)[] = [...(this.placement?.owners ?? [])];
    for (const { node, serving } of records) for (const shard of serving) former[shard] ??= node;
    return former;
  }

  #now(): number {
    return this.#options.clock.monotonic();
  }

  #changed(): void {
    this.#burst = membersChanged(this.#burst, this.#now());
  }

  #lost(): void {
    this.#burst = memberLost(this.#now());
    this.#listener.onLost();
  }

  #onBoard(event: BoardEvent): void {
    if (event.kind === 'put') this.#onEntry(event.entry);
    else if (event.kind === 'reset') this.#missed = true;
    else this.#gone(event.key.slice(MEMBER_PREFIX.length));
  }

  #gone(incarnation: string): void {
    const before = this.members.others.size;
    this.members = gone(this.members, incarnation);
    if (this.members.others.size !== before) this.#changed();
  }

  #onEntry({ key, value, revision }: BoardEntry): void {
    if (key === this.#planKey) {
      const found = decodePlacement(value, this.#options.shards);
      if (found === undefined || found.version === this.placement?.version) return;
      this.placement = found;
      this.#listener.onChange();
      return;
    }
    const record = decodeMember(value);
    if (record === undefined || key !== memberKey(record.incarnation)) return;
    if (record.incarnation === this.#options.incarnation) return;
    const known = this.members.others.get(record.incarnation);
    // Nothing that it says counts any more.
    if (known?.standing === 'condemned') return;
    const before = known?.record;
    this.members = seen(this.members, record, revision, this.#now());
    if (before?.state !== record.state || before.weight !== record.weight) this.#changed();
    this.#listener.onChange();
    // Whoever ends in order gives its shards away first, and still answers what it was asked.
    if (record.state === 'leaving' && before?.state === 'ready') this.#listener.onGone(record.incarnation);
    // It is fenced, and what it had not given away is served by nobody.
    if (record.state === 'leaving' && before?.state !== 'leaving') this.#lost();
  }
}

/** A node that was restarted may be on the board twice until its former run is condemned: whichever is ready counts. */
function oneEach(records: readonly MemberRecord[]): PlanMember[] {
  const byNode = new Map<string, MemberRecord>();
  for (const record of records) {
    const known = byNode.get(record.node);
    if (known === undefined || (known.state !== 'ready' && record.state === 'ready'))
      byNode.set(record.node, record);
  }
  return [...byNode.values()];
}
