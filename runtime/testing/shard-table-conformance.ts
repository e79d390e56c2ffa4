// The suite that every driver of the shard table port passes. Owns: a test for each promise O1 … O4 that can be seen from
// outside. Does not own: faults: a driver that has some on demand runs the suite again with them.

import { deepEqual, equal, ok } from 'node:assert/strict';
import { describe, test } from 'node:test';
import { StarlingError } from '../errors.ts';
import type { ShardOwner, ShardTable } from '../ports/shard-table.ts';
import { FIRST_EPOCH } from '../timestamp.ts';
import { ShardHistory } from './shard-history.ts';

/** One table under test, empty, seen by two nodes. */
export interface OpenedShards {
  readonly first: ShardTable;
  readonly second: ShardTable;
  readonly dispose: () => Promise<void>;
}

/** Repeats of a call that a fault hit. */
const REPEATS_MAX = 100;

const rowOf = (step: number, owner: string): ShardOwner => ({ epoch: FIRST_EPOCH + step, owner });

/** Repeats what may be repeated until its outcome is known. */
async function sure<T>(call: () => Promise<T>): Promise<T> {
  for (let repeat = 0; ; repeat += 1) {
    try {
      return await call();
    } catch (error) {
      const passing =
        error instanceof StarlingError && (error.code === 'OVERLOADED' || error.code === 'OUTCOME_UNKNOWN');
      if (!passing || repeat >= REPEATS_MAX) throw error;
    }
  }
}

/** `overtaken`: of unknown outcome, and the row found has moved on, perhaps from it. */
type Settled = 'applied' | 'not_applied' | 'overtaken';

/** Swaps until the outcome is known, an unknown one settled by a read (O3). */
async function swapped(
  table: ShardTable,
  shard: number,
  from: ShardOwner | undefined,
  to: ShardOwner,
): Promise<Settled> {
  for (let repeat = 0; repeat < REPEATS_MAX; repeat += 1) {
    try {
      return (await table.swap(shard, from, to)).applied ? 'applied' : 'not_applied';
    } catch (error) {
      if (!(error instanceof StarlingError)) throw error;
      if (error.code === 'OVERLOADED') continue;
      equal(error.code, 'OUTCOME_UNKNOWN');
      const found = await sure(() => table.readOwner(shard));
      if (same(found, to)) return 'applied';
      if (!same(found, from)) return 'overtaken';
    }
  }
  throw new Error('a swap never got an outcome');
}

function same(a: ShardOwner | undefined, b: ShardOwner | undefined): boolean {
  return a?.epoch === b?.epoch && a?.owner === b?.owner;
}

/** Registers the suite with node:test under `name`; `open` opens an empty table for one test. */
export function shardTableConformance(name: string, open: () => Promise<OpenedShards>): void {
  const withTable = (title: string, body: (first: ShardTable, second: ShardTable) => Promise<void>): void => {
    test(title, async () => {
      const { first, second, dispose } = await open();
      try {
        await body(first, second);
      } finally {
        await dispose();
      }
    });
  };
  describe(`shard table conformance of ${name}`, () => {
    registerMarks(withTable);
    registerRows(withTable);
    registerRaces(withTable);
  });
}

type WithTable = (title: string, body: (first: ShardTable, second: ShardTable) => Promise<void>) => void;

function registerMarks(withTable: WithTable): void {
  withTable('O2: an incarnation that was never marked reads as fenced', async (first) => {
    equal(await sure(() => first.readLife('nobody')), 'fenced');
  });
  withTable('O1, O2: every node sees a mark once its write resolved', async (first, second) => {
    await sure(() => first.markLive('n1'));
    equal(await sure(() => second.readLife('n1')), 'live');
    await sure(() => second.fence('n1'));
    equal(await sure(() => first.readLife('n1')), 'fenced');
    equal(await sure(() => second.readLife('n1')), 'fenced');
  });
  withTable('O1: a mark only rises: live after fenced changes nothing', async (first, second) => {
    await sure(() => first.fence('n1'));
    await sure(() => second.markLive('n1'));
    equal(await sure(() => first.readLife('n1')), 'fenced');
    await sure(() => first.fence('n1'));
    equal(await sure(() => second.readLife('n1')), 'fenced');
  });
  withTable('marks of incarnations whose names begin alike are apart', async (first, second) => {
    await sure(() => first.markLive('n1'));
    await sure(() => first.markLive('n11'));
    await sure(() => first.fence('n1'));
    equal(await sure(() => second.readLife('n11')), 'live');
    equal(await sure(() => second.readLife('n')), 'fenced');
  });
}

function registerRows(withTable: WithTable): void {
  withTable('a shard that never had an owner has no row', async (first) => {
    equal(await sure(() => first.readOwner(1)), undefined);
  });
  withTable(
    'O3, O4: a row is as the last swap left it, for every node, and for that shard alone',
    async (a, b) => {
      equal(await swapped(a, 1, undefined, rowOf(0, 'a')), 'applied');
      deepEqual(await sure(() => b.readOwner(1)), rowOf(0, 'a'));
      equal(await swapped(b, 1, rowOf(0, 'a'), rowOf(1, 'b')), 'applied');
      deepEqual(await sure(() => a.readOwner(1)), rowOf(1, 'b'));
      equal(await sure(() => a.readOwner(2)), undefined);
      equal(await sure(() => a.readOwner(11)), undefined);
    },
  );
  withTable(
    'O3: a swap from any other row than the one there answers what it found',
    async (first, second) => {
      const missing = await sure(() => first.swap(1, rowOf(0, 'a'), rowOf(1, 'a')));
      deepEqual(missing, { applied: false, found: undefined });
      equal(await swapped(first, 1, undefined, rowOf(5, 'a')), 'applied');
      for (const from of [undefined, rowOf(4, 'a'), rowOf(5, 'b'), rowOf(6, 'a')]) {
        const result = await sure(() => second.swap(1, from, rowOf(9, 'b')));
        deepEqual(result, { applied: false, found: rowOf(5, 'a') });
      }
      deepEqual(await sure(() => second.readOwner(1)), rowOf(5, 'a'));
    },
  );
}

function registerRaces(withTable: WithTable): void {
  withTable('O3: of swaps from one row at one time at most one is applied, and all see it', async (a, b) => {
    for (let round = 0; round < 10; round += 1) {
      const results = await Promise.all(
        [a, b, a, b].map((table, at) => swapped(table, round, undefined, rowOf(0, `n${at}`))),
      );
      const winners = results.flatMap((result, at) => (result === 'applied' ? [`n${at}`] : []));
      const found = await sure(() => a.readOwner(round));
      deepEqual(found, await sure(() => b.readOwner(round)));
      deepEqual(winners, found === undefined ? [] : [found.owner]);
    }
  });
  withTable('O3: two nodes that count a row up together miss no step', async (first, second) => {
    const ends: Record<Settled, number> = { applied: 0, not_applied: 0, overtaken: 0 };
    const count = async (table: ShardTable, owner: string): Promise<void> => {
      for (let turn = 0; turn < 10; turn += 1) {
        const row = await sure(() => table.readOwner(7));
        const to = rowOf((row?.epoch ?? FIRST_EPOCH - 1) + 1 - FIRST_EPOCH, `${owner}${turn}`);
        ends[await swapped(table, 7, row, to)] += 1;
      }
    };
    await Promise.all([count(first, 'a'), count(second, 'b')]);
    const steps = ((await sure(() => first.readOwner(7)))?.epoch ?? 0) - FIRST_EPOCH + 1;
    ok(ends.applied > 0 && steps >= ends.applied, `${steps} steps, ${ends.applied} applied`);
    ok(steps <= ends.applied + ends.overtaken, `${steps} steps, ${ends.applied} and ${ends.overtaken}`);
  });
  withTable('O3: swaps and reads of several nodes could have happened at single moments', async (a, b) => {
    for (let shard = 0; shard < 10; shard += 1) {
      const history = new ShardHistory(shard);
      const node = async (table: ShardTable, owner: string): Promise<void> => {
        for (let turn = 0; turn < 3; turn += 1) {
          const row = (await history.read(table))?.row;
          const to = rowOf((row?.epoch ?? FIRST_EPOCH - 1) + 1 - FIRST_EPOCH, `${owner}${turn}`);
          await history.swap(table, row, to);
        }
      };
      await Promise.all([node(a, 'a'), node(b, 'b'), node(a, 'c')]);
      equal(history.contradiction(), undefined);
    }
  });
}
