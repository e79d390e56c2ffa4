// The process that writes rows: `node timeline.child.ts ADDRESS SLICE_MS SLICES`. Prints what it measured as its last line.
//
// The ways to write take turns in short slices: what else the machine does meets all of them alike, and the medians of one
// process on one server are compared. The first turns warm the server up. A row counts when it is known as durable; at the end
// the server counts them too.

import { setTimeout as pause } from 'node:timers/promises';
import type { Measured } from '../bench/arm.ts';
import { processorMs } from '../bench-runtime/subject.ts';
import { openWays, type Way, type Ways } from './timeline-work.ts';

const WARM_UP_TURNS = 2;

/** Milliseconds between two slices, in which the server clears up. */
const REST_MS = 200;

/** Milliseconds between the first calls of two callers: those that begin at once wait for each other for ever. */
const APART_MS = 2;

interface Slice {
  readonly rows: number;
  /** Rows of calls that failed: some may be there. */
  readonly unsure: number;
  readonly ms: number;
  readonly processorMs: number;
  readonly requests: number;
}

const [, , address = '', sliceMs, slices] = process.argv;
const ways = await openWays(address);
const measured = await measureAll(ways, Number(sliceMs), Number(slices));
await ways.close();
console.log(JSON.stringify(measured));

async function measureAll(
  { single, batches, driver }: Ways,
  forMs: number,
  turns: number,
): Promise<Measured[]> {
  const all = [single, ...batches, driver];
  const taken = new Map<Way, Slice[]>(all.map((way) => [way, []]));
  for (let turn = -WARM_UP_TURNS; turn < turns; turn += 1) {
    for (const way of all) {
      taken.get(way)?.push(await slice(way, forMs));
      await pause(REST_MS);
    }
  }
  const rates = new Map<Way, number>();
  for (const [way, all] of taken) {
    const written = all.reduce((sum, { rows }) => sum + rows, 0);
    const unsure = all.reduce((sum, slice) => sum + slice.unsure, 0);
    const found = await way.count();
    if (found < written || found > written + unsure) {
      throw new Error(`${way.name}: ${written} rows acknowledged, ${unsure} unsure, ${found} found`);
    }
    rates.set(way, median(all.slice(WARM_UP_TURNS).map(({ rows, ms }) => (rows / ms) * 1_000)));
  }
  const rate = (way: Way): number => rates.get(way) ?? Number.NaN;
  const best = batches.reduce((one, other) => (rate(other) > rate(one) ? other : one));
  const cost = (way: Way): number =>
    median(
      (taken.get(way) ?? [])
        .slice(WARM_UP_TURNS)
        .map(({ rows, processorMs }) => (processorMs * 1_000) / rows),
    );
  const each = median((taken.get(driver) ?? []).map(({ rows, requests }) => rows / requests));
  return [
    ...[single, ...batches].map((way) => ({ name: way.name, value: rate(way), unit: 'rows/s' })),
    { name: 'limit.cassandra_batch', value: rate(best), unit: 'rows/s' },
    { name: 'limit.cassandra_batch.node_cpu_us', value: cost(best), unit: 'us' },
    { name: driver.name, value: rate(driver), unit: 'rows/s' },
    { name: 'timeline.rows.of_single', value: rate(driver) / rate(single), unit: 'x' },
    { name: 'timeline.rows.of_batch', value: rate(driver) / rate(best), unit: 'x' },
    { name: 'timeline.rows.node_cpu_us', value: cost(driver), unit: 'us' },
    { name: 'timeline.rows.per_request', value: each, unit: 'rows' },
  ];
}

/** Waits for what it began: the last calls count with the time they took. */
async function slice({ callers, size, call, requests = () => 0 }: Way, forMs: number): Promise<Slice> {
  const [begun, spent, sent] = [performance.now(), processorMs(), requests()];
  let rows = 0;
  let unsure = 0;
  const caller = async (at: number): Promise<void> => {
    await pause(at * APART_MS);
    while (performance.now() < begun + forMs) {
      try {
        await call();
        rows += size;
      } catch {
        // On a starved machine the server's own limit of 2 s is met. What it left is not counted as written.
        unsure += size;
      }
    }
  };
  await Promise.all(Array.from({ length: callers }, (_, at) => caller(at)));
  return {
    rows,
    unsure,
    ms: performance.now() - begun,
    processorMs: processorMs() - spent,
    requests: requests() - sent,
  };
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((one, other) => one - other);
  return sorted[sorted.length >> 1] ?? Number.NaN;
}
