// Longer than 300 lines because frontier, laggards and marks of one fan-out change one state together.
// Brings every entry of a conversation's log to every membership it belongs to (rule 13).
//
// D1  One fan-out of fresh entries under way at a time; each covers the entries after the frontier, in order.
// D2  A membership that has not taken a fan-out becomes a laggard and is brought up from the log by itself; until then it
//     is left out of further fan-outs, so its entries stay in order.
// D3  The frontier that is checkpointed is the lower bound over all memberships, so that a later activation resends
//     whatever may be missing; receivers drop repeats.
// D4  Of one user an earlier membership is completed before a later one begins: the user drops what is left of the earlier
//     one from then on.
// D5  A user who is absent is marked in place of a delivery and left out from then on, with all its memberships, until it
//     attaches: it has then brought itself up to the last entry (rule 20).

import { create } from '@bufbuild/protobuf';
import {
  type DeliverRequest,
  DeliverRequestSchema,
  type DeliverResponse,
  type LogEntry,
  UserActor as UserContract,
} from '../../proto/gen/starling/actor/v1/user_pb.ts';
import type { CallOutcome, FanOutReceiver, FanOutRefusal, Turn } from '../../runtime/index.ts';
import type { ImLimits } from '../limits.ts';
import { UserActor } from '../types.ts';
import { Absent } from './absent.ts';
import { logCodec, logEntry } from './record.ts';
import type { GroupState, Membership } from './state.ts';

interface Laggard {
  readonly membership: Membership;
  /** Has everything up to here, as far as known. */
  cursor: number;
  delayMs: number;
}

export interface DeliveriesOptions {
  readonly tenant: string;
  readonly conversationId: string;
  readonly state: GroupState;
  readonly limits: ImLimits;
}

export class Deliveries {
  readonly #options: DeliveriesOptions;
  readonly #absent = new Absent();
  /** Everybody but the laggards and those marked has everything up to here. */
  #delivered = 0;
  /** Last entry of the fan-out under way, else `#delivered`. */
  #sent = 0;
  #underWay = false;
  #release: (() => void) | undefined;
  readonly #laggards = new Map<string, Laggard>();
  /** Entries appended by this activation that are not delivered yet: contiguous. */
  #fresh: LogEntry[] = [];
  #freshBytes = 0;

  constructor(options: DeliveriesOptions) {
    this.#options = options;
  }

  /** D3. */
  get frontier(): number {
    let lowest = this.#delivered;
    for (const { cursor } of this.#laggards.values()) lowest = Math.min(lowest, cursor);
    return lowest;
  }

  restore({ deliveredSeq, marked }: { deliveredSeq: number; marked: ReadonlySet<string> }): void {
    this.#delivered = deliveredSeq;
    this.#sent = deliveredSeq;
    this.#absent.restore(marked);
  }

  /** For a checkpoint that is made now. */
  snapshot(): { readonly frontier: number; readonly marked: ReadonlySet<string> } {
    this.#prune();
    return { frontier: this.frontier, marked: this.#absent.snapshot() };
  }

  /** The user is absent: it gets what it lacks when it comes back. */
  marked(userId: string): boolean {
    return this.#absent.has(userId);
  }

  /** D5: a user has every entry so far. Returns whether a checkpoint must be durable before it is told so. */
  attached(userId: string): boolean {
    for (const laggard of this.#laggards.values()) {
      if (laggard.membership.userId === userId) laggard.cursor = Math.max(laggard.cursor, this.#end(laggard));
    }
    return this.#absent.attach(userId);
  }

  /** How far one member has got. */
  progress(member: Membership): number {
    return this.#laggards.get(nameOf(member))?.cursor ?? this.#delivered;
  }

  /** Takes up an entry that was just appended, so that it need not be read back. */
  add(entry: LogEntry): void {
    const last = this.#fresh.at(-1);
    const follows = last === undefined ? Number(entry.conversationSeq) === this.#sent + 1 : true;
    const { fanOutEntriesMax, fanOutBytesMax } = this.#options.limits;
    // Far behind: what waits is read from the log instead of held in memory.
    if (!follows || this.#fresh.length >= 8 * fanOutEntriesMax || this.#freshBytes >= 8 * fanOutBytesMax) {
      this.#fresh = [];
      this.#freshBytes = 0;
      return;
    }
    this.#fresh.push(entry);
    this.#freshBytes += entry.row.length;
  }

  /** Starts the next fan-out if there is something to deliver and none under way (D1). */
  pump(turn: Turn): void {
    if (this.#underWay || this.#delivered >= this.#options.state.lastSeq) {
      if (!this.#underWay && this.#laggards.size === 0) this.#rest();
      return;
    }
    this.#underWay = true;
    this.#release ??= turn.keepAwake();
    const fresh = this.#takeFresh();
    if (fresh.length > 0) this.#fanOut(fresh, turn);
    else
      this.#read(
        turn,
        this.#delivered + 1,
        this.#options.state.lastSeq,
        (entries, later) => this.#fanOut(entries, later),
        (later) => {
          this.#underWay = false;
          later.after(this.#options.limits.redeliverMsMax, (again) => this.pump(again));
        },
      );
  }

  #rest(): void {
    this.#release?.();
    this.#release = undefined;
  }

  #takeFresh(): LogEntry[] {
    const first = this.#fresh[0];
    if (first === undefined || Number(first.conversationSeq) !== this.#delivered + 1) return [];
    const { fanOutEntriesMax, fanOutBytesMax } = this.#options.limits;
    let bytes = 0;
    let count = 0;
    for (const entry of this.#fresh) {
      if (count > 0 && (count >= fanOutEntriesMax || bytes + entry.row.length > fanOutBytesMax)) break;
      bytes += entry.row.length;
      count++;
    }
    this.#freshBytes -= bytes;
    return this.#fresh.splice(0, count);
  }

  /** Reads entries back from the log; `then` gets at least one. */
  #read(
    turn: Turn,
    from: number,
    to: number,
    then: (entries: LogEntry[], turn: Turn) => void,
    failed: (turn: Turn) => void,
  ): void {
    const { fanOutEntriesMax, fanOutBytesMax } = this.#options.limits;
    const { tenant } = this.#options;
    turn.when(
      turn.timeline.read({ from, to, rowsMax: fanOutEntriesMax, bytesMax: fanOutBytesMax }),
      (outcome, later) => {
        if (outcome.ok && outcome.value.length > 0) {
          then(
            outcome.value.map((row) => logEntry(tenant, logCodec.decode(row.value))),
            later,
          );
          return;
        }
        failed(later);
      },
    );
  }

  #fanOut(entries: LogEntry[], turn: Turn): void {
    const first = Number(entries[0]?.conversationSeq);
    const last = Number(entries.at(-1)?.conversationSeq);
    this.#sent = last;
    const seen = new Set<string>();
    const receivers: Membership[] = [];
    for (const membership of this.#options.state.receivers(first, last)) {
      if (this.#laggards.has(nameOf(membership)) || this.#absent.has(membership.userId)) continue;
      // A user who left and came back within these entries gets the later membership after the earlier one.
      if (seen.has(membership.userId) || this.#waitsBehind(membership))
        this.#lag(membership, membership.joinSeq - 1);
      else receivers.push(membership);
      seen.add(membership.userId);
    }
    this.#send(entries, receivers, turn, (refused, later) => {
      this.#underWay = false;
      this.#delivered = last;
      for (const [membership, outcome] of refused) this.#refused(membership, outcome, first - 1);
      this.#prune();
      for (const laggard of this.#laggards.values()) this.#bringUp(laggard, later);
      this.pump(later);
    });
  }

  #send(
    entries: LogEntry[],
    receivers: readonly Membership[],
    turn: Turn,
    then: (refused: [Membership, CallOutcome<DeliverResponse>][], turn: Turn) => void,
  ): void {
    const { conversationId } = this.#options;
    const prev = Number(entries[0]?.conversationSeq) - 1;
    const parts: FanOutReceiver<DeliverRequest>[] = receivers.map(({ key, joinSeq, leftSeq }) => ({
      key,
      own: {
        joinSeq: BigInt(joinSeq),
        prevSeq: BigInt(Math.max(prev, joinSeq - 1)),
        untilSeq: BigInt(leftSeq),
      },
    }));
    const shared = create(DeliverRequestSchema, { conversationId, entries });
    const fanOut = this.#absent.begin();
    turn.fanOut(
      UserActor,
      UserContract.method.deliver,
      shared,
      parts,
      (refused, later, marked) => {
        if (marked.length > 0) this.#mark(receivers, new Set(marked), fanOut);
        this.#absent.end();
        then(refusedMemberships(receivers, refused), later);
      },
      { absentNote: conversationId },
    );
  }

  /** D5. Whoever has attached meanwhile had everything then, so it has taken the fan-out. */
  #mark(receivers: readonly Membership[], keys: ReadonlySet<string>, fanOut: number): void {
    for (const { userId, key } of receivers) {
      if (!keys.has(key) || !this.#absent.mark(userId, fanOut)) continue;
      for (const [name, { membership }] of this.#laggards) {
        if (membership.userId === userId) this.#laggards.delete(name);
      }
    }
  }

  /** Memberships that are over and have every entry need not be known any more, but for the last one of each user. */
  #prune(): void {
    const { state } = this.#options;
    if (state.earlier.length === 0) return;
    state.earlier = state.earlier.filter(
      (one) =>
        one.leftSeq > this.#delivered || this.#absent.has(one.userId) || this.#laggards.has(nameOf(one)),
    );
  }

  #refused(membership: Membership, outcome: CallOutcome<DeliverResponse>, before: number): void {
    const known = Math.max(before, membership.joinSeq - 1);
    this.#lag(membership, outcome.ok ? Number(outcome.value.cursor) : known);
  }

  #lag(membership: Membership, cursor: number): void {
    const delayMs = this.#options.limits.redeliverMsMin;
    this.#laggards.set(nameOf(membership), { membership, cursor, delayMs });
  }

  readonly #busy = new Set<Laggard>();

  /** D2. */
  #bringUp(laggard: Laggard, turn: Turn): void {
    const { membership } = laggard;
    if (this.#laggards.get(nameOf(membership)) !== laggard) return;
    if (this.#busy.has(laggard) || this.#waitsBehind(membership)) return;
    const end = this.#end(laggard);
    if (laggard.cursor >= end) {
      this.#laggards.delete(nameOf(membership));
      for (const other of this.#laggards.values()) {
        if (other.membership.userId === membership.userId) this.#bringUp(other, turn);
      }
      return;
    }
    this.#busy.add(laggard);
    const again = (later: Turn): void => {
      later.after(laggard.delayMs, (next) => {
        this.#busy.delete(laggard);
        this.#bringUp(laggard, next);
        this.pump(next);
      });
      laggard.delayMs = Math.min(2 * laggard.delayMs, this.#options.limits.redeliverMsMax);
    };
    const send = (entries: LogEntry[], later: Turn): void => {
      this.#send(entries, [membership], later, (refused, next) => {
        const outcome = refused[0]?.[1];
        const known = outcome?.ok === true ? Number(outcome.value.cursor) : laggard.cursor;
        // An error, or a refusal that brings nothing new: not at once again.
        if (outcome !== undefined && known <= laggard.cursor) {
          again(next);
          return;
        }
        const reached = outcome === undefined ? Number(entries.at(-1)?.conversationSeq) : known;
        laggard.cursor = Math.max(laggard.cursor, reached);
        laggard.delayMs = this.#options.limits.redeliverMsMin;
        this.#busy.delete(laggard);
        this.#bringUp(laggard, next);
        this.pump(next);
      });
    };
    this.#read(turn, laggard.cursor + 1, end, send, again);
  }

  /** The last entry that a laggard is to be brought up to. */
  #end({ membership }: Laggard): number {
    return membership.leftSeq === 0 ? this.#sent : membership.leftSeq;
  }

  /** D4: an earlier membership of the same user is not complete yet. */
  #waitsBehind({ userId, joinSeq }: Membership): boolean {
    if (this.#laggards.size === 0) return false;
    for (const { membership } of this.#laggards.values()) {
      if (membership.userId === userId && membership.joinSeq < joinSeq) return true;
    }
    return false;
  }
}

/** A user can have an ended membership and an open one. */
function nameOf({ userId, joinSeq }: Membership): string {
  return `${userId}/${joinSeq}`;
}

function refusedMemberships(
  receivers: readonly Membership[],
  refused: readonly FanOutRefusal<DeliverResponse>[],
): [Membership, CallOutcome<DeliverResponse>][] {
  if (refused.length === 0) return [];
  const byKey = new Map(receivers.map((membership) => [membership.key, membership]));
  return refused.flatMap(({ key, outcome }) => {
    const membership = byKey.get(key);
    return membership === undefined
      ? []
      : [[membership, outcome] satisfies [Membership, CallOutcome<DeliverResponse>]];
  });
}
