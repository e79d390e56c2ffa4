// From runs to figures. Owns: medians, which limit stands beside which figure, and the aims.

import type { Figure } from '../report.ts';
import type { Measured } from './arm.ts';

/** The limit of the same run that bounds a figure. */
const LIMITS: Readonly<Record<string, string>> = {
  'embedded.send.rate.50': 'limit.lmdb.put_fsync',
  'embedded.send.rate.400': 'limit.lmdb.put_fsync',
  'fanout.paced.deliveries_per_cpu_s': 'limit.http1_write',
  'fanout.closed.deliveries_per_cpu_s': 'limit.http1_write',
  'limit.http1_write': 'limit.tcp_write',
  'local.call.rate': 'limit.promise_queue.call.rate',
  'local.call.rate.traced': 'local.call.rate',
  'local.call.rate.unsampled': 'local.call.rate',
  'local.call.of_actor.rate': 'limit.promise_queue.call.rate',
  'local.call.p50_us': 'limit.promise_queue.call.p50_us',
  'local.call.p99_us': 'limit.promise_queue.call.p99_us',
  'local.oneway.rate': 'limit.promise_queue.oneway.rate',
  'activation.rate': 'limit.promise_queue.activation.rate',
  'one_actor.memory.rate': 'limit.promise_queue.call.rate',
  'one_actor.durable.rate': 'limit.lmdb.put_fsync',
  'fanout.local_10k.ms': 'limit.promise_queue.fanout_10k.ms',
  'remote.call.rate': 'limit.nats_request_reply',
  'timeline.rows.rate': 'limit.cassandra_batch',
  ...others('nact'),
  ...others('xstate'),
  ...others('effect'),
};

/** Other libraries stand beside the same limit. */
function others(library: string): Record<string, string> {
  return Object.fromEntries(
    ['call', 'oneway', 'activation'].map((work) => [
      `${library}.${work}.rate`,
      `limit.promise_queue.${work}.rate`,
    ]),
  );
}

/** What was aimed at. */
const AIMS: Readonly<Record<string, { readonly atLeast?: number; readonly atMost?: number }>> = {
  'embedded.send.rate.50': { atLeast: 3_000 },
  'embedded.send.rate.50.p99_ms': { atMost: 50 },
  'embedded.send.cpu_us': { atMost: 300 },
  'edge.unary.cpu_us.http1': { atMost: 60 },
  'fanout.paced.deliveries_per_cpu_s': { atLeast: 45_000 },
  'fanout.closed.deliveries_per_cpu_s': { atLeast: 100_000 },
  'idle.bytes_per_connection': { atMost: 16_384 },
  'sync.pull.messages_per_s': { atLeast: 100_000 },
  'start.ready_ms': { atMost: 1_000 },
  'local.call.rate': { atLeast: 300_000 },
  'local.call.p50_us': { atMost: 3 },
  'local.oneway.rate': { atLeast: 1_000_000 },
  'activation.rate': { atLeast: 100_000 },
  'idle.actor.bytes': { atMost: 1_024 },
  'one_actor.durable.rate': { atLeast: 5_000 },
  'one_actor.memory.rate': { atLeast: 50_000 },
  'fanout.local_10k.ms': { atMost: 10 },
  'kill.first_ack_ms': { atMost: 8_000 },
  'kill.supervised.first_ack_ms': { atMost: 1_000 },
  'move.gap_p99_ms': { atMost: 250 },
  'roll.failed_calls': { atMost: 0 },
  'roll.send_p99_ms': { atMost: 1_000 },
  'remote.call.rate': { atLeast: 100_000 },
  'remote.call.p50_ms': { atMost: 0.5 },
  'remote.call.p99_ms': { atMost: 5 },
  'timeline.rows.of_single': { atLeast: 2 },
  'timeline.rows.of_batch': { atLeast: 0.8 },
};

/** The median of each figure over all runs, in the order in which they came first. */
export function figuresOf(runs: readonly Measured[]): Figure[] {
  const values = new Map<string, { unit: string; values: number[] }>();
  for (const { name, value, unit } of runs) {
    const figure = values.get(name) ?? { unit, values: [] };
    figure.values.push(value);
    values.set(name, figure);
  }
  return [...values].map(([name, { unit, values: all }]) => ({ name, value: median(all), unit }));
}

/** Puts beside each figure what bounds it, where that was measured too. */
export function withLimits(figures: readonly Figure[]): Figure[] {
  return figures.map((figure) => {
    const limit = figures.find(({ name }) => name === LIMITS[figure.name])?.value;
    return limit === undefined ? figure : { ...figure, limit, ratio: figure.value / limit };
  });
}

/** Whether the aim of a figure is met, in words; empty = it has none. */
export function holds({ name, value }: Figure): string {
  const aim = AIMS[name];
  if (aim === undefined) return '';
  const { atLeast, atMost } = aim;
  const met = value >= (atLeast ?? Number.NEGATIVE_INFINITY) && value <= (atMost ?? Number.POSITIVE_INFINITY);
  return `${met ? 'met' : 'NOT MET'}: ${atLeast === undefined ? `<= ${atMost}` : `>= ${atLeast}`}`;
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((one, other) => one - other);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}
