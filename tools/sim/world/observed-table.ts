// The table of owners as one process uses it, watched for I4: every epoch has one owner, nobody claims from an owner whose
// fence is not known, and who has sent a move writes no more at that epoch.

import type { ShardOwner, ShardTable } from '../../../runtime/index.ts';
import type { Recorder } from '../check/recorder.ts';
import type { Trace } from './trace.ts';

/** What all processes together know of the table. */
export class TableWatch {
  readonly #recorder: Recorder;
  readonly #trace: Trace;
  readonly #fenced = new Set<string>();
  readonly #owners = new Map<string, string>();
  /** Fences asked for. */
  fences = 0;

  constructor(recorder: Recorder, trace: Trace) {
    this.#recorder = recorder;
    this.#trace = trace;
  }

  /** The table for an incarnation. */
  tableOf(incarnation: string, table: ShardTable): ShardTable {
    return {
      markLive: (other) => table.markLive(other),
      fence: async (other) => {
        this.fences += 1;
        this.#trace.note(incarnation, `fences ${other}`);
        await table.fence(other);
        if (!this.#fenced.has(other)) this.#trace.count('fenced');
        this.#fenced.add(other);
      },
      readLife: async (other) => {
        const fencedBefore = this.#fenced.has(other);
        const life = await table.readLife(other);
        if (fencedBefore && life === 'live')
          this.#recorder.fail('I5', `${incarnation} reads that ${other} lives, after its fence was known`);
        return life;
      },
      readOwner: async (shard) => {
        const found = await table.readOwner(shard);
        this.#seen(incarnation, shard, found);
        return found;
      },
      swap: async (shard, from, to) => {
        this.#swapBegins(incarnation, shard, from, to);
        try {
          const result = await table.swap(shard, from, to);
          this.#seen(incarnation, shard, result.applied ? to : result.found);
          if (result.applied) this.#swapped(incarnation, shard, from, to);
          else this.#trace.count('swap lost');
          return result;
        } catch (error) {
          this.#trace.count('swap of unknown outcome');
          throw error;
        }
      },
    };
  }

  #swapBegins(incarnation: string, shard: number, from: ShardOwner | undefined, to: ShardOwner): void {
    const was = from === undefined ? 'nobody' : `${from.owner} at ${from.epoch}`;
    this.#trace.note(incarnation, `swaps shard ${shard}: ${was} to ${to.owner} at ${to.epoch}`);
    if (from === undefined) return;
    if (from.owner === incarnation) this.#recorder.leaves(incarnation, shard, from.epoch);
    else if (!this.#fenced.has(from.owner))
      this.#recorder.fail(
        'I4',
        `${incarnation} claims shard ${shard} from ${from.owner}, whose fence is not known`,
      );
    if (to.epoch <= from.epoch)
      this.#recorder.fail(
        'I4',
        `${incarnation} swaps shard ${shard} from epoch ${from.epoch} to ${to.epoch}`,
      );
  }

  #swapped(incarnation: string, shard: number, from: ShardOwner | undefined, to: ShardOwner): void {
    for (let epoch = (from?.epoch ?? to.epoch) + 1; epoch < to.epoch; epoch++) {
      const between = this.#owners.get(`${shard}/${epoch}`);
      if (between !== undefined)
        this.#recorder.fail(
          'I4',
          `${incarnation} takes shard ${shard} at ${to.epoch} past ${between} at ${epoch}`,
        );
    }
    if (from === undefined) this.#trace.count('first claim');
    else if (from.owner !== incarnation) this.#trace.count('takeover');
    else this.#trace.count(to.owner === incarnation ? 'new epoch for itself' : 'move');
  }

  #seen(incarnation: string, shard: number, found: ShardOwner | undefined): void {
    if (found === undefined) return;
    const place = `${shard}/${found.epoch}`;
    const known = this.#owners.get(place) ?? found.owner;
    this.#owners.set(place, known);
    if (known !== found.owner)
      this.#recorder.fail('I4', `${incarnation} finds ${found.owner} at shard ${place}, it was ${known}`);
  }
}
