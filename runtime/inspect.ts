// What the node knows of one actor, for operators. Opens nothing and writes nothing: of an actor that is not in memory it
// says what the checkpoint says.

import type { Activation } from './activation.ts';
import type { ActorAddress, Head, Store } from './ports/store.ts';
import { ReminderBook } from './reminder-book.ts';
import type { ReminderInfo } from './reminders.ts';
import { decodeState } from './stored.ts';

export interface ActorView {
  readonly shard: number;
  /** Epoch in which this node serves the shard; 0 = it does not. */
  readonly epoch: number;
  /** The node that serves the shard, as far as this one has heard; undefined = it has not. */
  readonly servedBy: string | undefined;
  /** The actor has a head in the store. */
  readonly stored: boolean;
  /** Its activation on this node. */
  readonly activation: 'none' | 'activating' | 'active';
  /** Milliseconds since the activation last did something; 0 without one. */
  readonly idleMs: number;
  /** Calls that wait for a turn, how long the oldest has, and answers that wait for the store. */
  readonly waiting: number;
  readonly oldestMs: number;
  readonly gated: number;
  /** Last row and first kept row of the timeline; without an activation as of the checkpoint. */
  readonly tail: number;
  readonly floor: number;
  /** The checkpoint holds the rows up to here, in this version of the state. */
  readonly asOf: number;
  readonly version: number;
  /** Tells that are not known to be taken. */
  readonly pendingTells: number;
  readonly reminders: readonly ReminderInfo[];
}

export interface InspectOptions {
  readonly address: ActorAddress;
  readonly epoch: number;
  readonly servedBy: string | undefined;
  readonly resident: Activation | undefined;
  readonly store: Store;
  /** The monotonic clock. */
  readonly now: number;
}

export async function inspectActor(options: InspectOptions): Promise<ActorView> {
  const { address, epoch, servedBy, resident, now } = options;
  const head = await options.store.readHead(address);
  return {
    shard: address.shard,
    epoch,
    servedBy,
    stored: head !== undefined,
    ...activationPart(resident, now),
    ...storedPart(head),
    ...(resident?.openLog?.view() ?? {}),
  };
}

function activationPart(resident: Activation | undefined, now: number) {
  if (resident === undefined)
    return { activation: 'none' as const, idleMs: 0, waiting: 0, oldestMs: 0, gated: 0 };
  const activation = resident.active ? ('active' as const) : ('activating' as const);
  return { activation, idleMs: Math.max(0, now - resident.lastUsed), ...resident.depth };
}

function storedPart(head: Head | undefined) {
  const { floor = 1, asOf = 0, sealSeq = 0, state } = head ?? {};
  const kept = decodeState(state ?? new Uint8Array(0));
  const book = new ReminderBook();
  book.restore(kept.reminders);
  return {
    tail: Math.max(asOf, sealSeq),
    floor,
    asOf,
    version: kept.version,
    pendingTells: kept.tells.length,
    reminders: [...book.all()].map(({ name, dueMs, everyMs, method }) => ({ name, dueMs, everyMs, method })),
  };
}
