// What one process knows of its actors, as its reads and writes show it.

import type { ActorAddress, Row } from '../../../runtime/index.ts';
import { notOpen, type Opening } from './opening.ts';
import { sayingOfRow } from './rows.ts';

export interface Fact {
  readonly actor: string;
  readonly seq: number;
  readonly saying: string;
  readonly ts: bigint;
  readonly value: Uint8Array;
}

/** What one process knows of one actor. */
export interface Known {
  /** Rows read since the head was. */
  readonly read: Map<number, Fact>;
  /** Rows up to here are durable as far as the process can know. */
  durableSeq: number;
  /** Highest floor that is durable and fence-checked. */
  floor: number;
  /** How far the activation of now has opened (rules 5 and 6), by the clock of its process's events. */
  opening: Opening;
}

export interface Acked {
  readonly actor: string;
  readonly facts: readonly Fact[];
  readonly floor: number;
  /** Notes left beside the actor. */
  readonly notes: readonly string[];
  /** Shard and epoch in which it was written; absent for notes, which are the node's. */
  readonly server: string | undefined;
}

export interface ProcessView {
  readonly actors: Map<string, Known>;
  /** Acknowledged and not yet fence-checked. */
  waiting: Acked[];
  /** Write times of rows that are durable and fence-checked, or were read. */
  readonly times: Set<bigint>;
  /** Counts events, so that two can be put in order. */
  events: number;
  /** When the last fence read began that said `live`. */
  liveFrom: number;
}

export const idOf = ({ kind, key }: { readonly kind: string; readonly key: string }): string =>
  `${kind}/${key}`;

/** What a process knows of an actor, from now on at least nothing. */
export function knownOf(view: ProcessView, actor: string): Known {
  let known = view.actors.get(actor);
  if (known === undefined) {
    known = { read: new Map(), durableSeq: 0, floor: 1, opening: notOpen() };
    view.actors.set(actor, known);
  }
  return known;
}

export function factOf(actor: ActorAddress, { seq, ts, value }: Row): Fact {
  return { actor: idOf(actor), seq, saying: sayingOfRow(actor.kind, value), ts, value };
}
