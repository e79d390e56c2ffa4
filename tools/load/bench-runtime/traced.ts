// Calls where a collector is configured: with spans, or without because the sampler chose none. Owns: that each call is
// traced as the gateway traces it, by the node's own exporter. Does not own: the collector (collector.ts).

import { setImmediate as turnOfLoop } from 'node:timers/promises';
import { startTraces } from '../../node/telemetry/index.ts';
import type { Measured } from '../bench/arm.ts';
import { Counter } from './actors.ts';
import { BenchNode, withDirectory } from './starling.ts';
import { expectTotal, inLanes, LANES, perCoreSecond } from './subject.ts';

/** Of a million calls so many have spans: all, or none though traces are on. */
const PER_MILLION = { traced: 1_000_000, unsampled: 0 } as const;

export type Tracing = keyof typeof PER_MILLION;

/** Whether a word names a way to trace. */
export function isTracing(word: string | undefined): word is Tracing {
  return word !== undefined && word in PER_MILLION;
}

/**
 * The work of `local.call.rate`, each call within a trace of its own: a span of the request, and one of the turn it asks
 * for. Spans are ended, sent to the collector in batches, and dropped where they come faster than batches leave.
 */
export function tracedCalls(tracing: Tracing, collector: string, forMs: number): Promise<Measured[]> {
  return withDirectory(async (directory) => {
    const config = {
      'node.name': 'bench',
      'telemetry.otlp_endpoint': collector,
      'telemetry.traces_per_million': PER_MILLION[tracing],
    };
    const { telemetry, close } = startTraces(config, '0.0.0');
    if (telemetry === undefined) throw new Error('nothing is traced');
    const node = await BenchNode.open(directory, telemetry);
    const value = await perCoreSecond(forMs, async () => {
      await inLanes(LANES, async (lane) => {
        const client = node.runtime.client(Counter, `main/u${lane}`);
        const before = (await client.add({ amount: 0 })).total;
        for (let n = 1; n <= 200; n += 1) {
          const span = telemetry.startRoot('bench.Call', undefined);
          const { total } = await client.add({ amount: 1 }, { traceparent: span.traceparent });
          span.end();
          expectTotal(total, before + n);
        }
      });
      // A node's sockets let the exporter have its turn; here this does.
      await turnOfLoop();
      return LANES * 200;
    });
    await node.close();
    await close();
    return [{ name: `local.call.rate.${tracing}`, value, unit: '1/s' }];
  });
}
