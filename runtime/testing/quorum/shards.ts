// The shard table port over the simulated cluster. Owns: life marks as plain writes, shard rows as conditional ones.

import type { ShardOwner, ShardTable, SwapResult } from '../../ports/shard-table.ts';
import { lifePartition, ONLY } from './layout.ts';
import { FENCE_READ, FENCE_WRITE } from './levels.ts';
import type { Page } from './merge.ts';
import type { NodeCalls } from './node-calls.ts';
import { versionOf } from './version.ts';

/** Write times of the life marks: the later state has the later time, so the mark only rises (O1). */
const LIVE_TS = 1n;
const FENCED_TS = 2n;

export class QuorumShards implements ShardTable {
  readonly #calls: NodeCalls;

  constructor(calls: NodeCalls) {
    this.#calls = calls;
  }

  markLive(incarnation: string): Promise<void> {
    return this.#mark(incarnation, LIVE_TS);
  }

  fence(incarnation: string): Promise<void> {
    return this.#mark(incarnation, FENCED_TS);
  }

  async readLife(incarnation: string): Promise<'live' | 'fenced'> {
    const slice = { partition: lifePartition(incarnation), cellsMax: 1 };
    const page = await this.#calls.run<Page>((coordinator, outcome) =>
      coordinator.read(slice, FENCE_READ, outcome),
    );
    // O2: a mark that was never written reads as fenced.
    return page.versions[0]?.ts === LIVE_TS ? 'live' : 'fenced';
  }

  async readOwner(shard: number): Promise<ShardOwner | undefined> {
    const result = await this.#calls.run<SwapResult>((coordinator, outcome) =>
      coordinator.decide({ shard, reads: true, decide: () => undefined }, outcome),
    );
    return result.applied ? undefined : copyOf(result.found);
  }

  async swap(shard: number, from: ShardOwner | undefined, to: ShardOwner): Promise<SwapResult> {
    const row = { epoch: to.epoch, owner: to.owner };
    const wanted = copyOf(from);
    const decide = (current: ShardOwner | undefined) => (same(current, wanted) ? row : undefined);
    const result = await this.#calls.run<SwapResult>((coordinator, outcome) =>
      coordinator.decide({ shard, reads: false, decide }, outcome),
    );
    return result.applied ? result : { applied: false, found: copyOf(result.found) };
  }

  #mark(incarnation: string, ts: bigint): Promise<void> {
    const cells = [[ONLY, versionOf(ts, new Uint8Array(0))] as const];
    const mutation = { partition: lifePartition(incarnation), cells, ranges: [] };
    return this.#calls.run<void>((coordinator, outcome) =>
      coordinator.write([mutation], { consistency: FENCE_WRITE }, outcome),
    );
  }
}

function same(a: ShardOwner | undefined, b: ShardOwner | undefined): boolean {
  return a?.epoch === b?.epoch && a?.owner === b?.owner;
}

function copyOf(row: ShardOwner | undefined): ShardOwner | undefined {
  return row && { epoch: row.epoch, owner: row.owner };
}
