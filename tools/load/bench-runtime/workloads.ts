// The work itself. Owns: sizes, and that its completion is verified. Every workload runs alone in a process.

import { type Measured, quantile } from '../bench/arm.ts';
import { Counter, Driver, DurableCounter } from './actors.ts';
import type { PromiseQueues } from './promise-queue.ts';
import { BenchNode, type StarlingSubject, withDirectory } from './starling.ts';
import { expectTotal, inLanes, LANES, perCoreSecond, perSecond, type Subject } from './subject.ts';

/** Callers of the one actor. */
const CALLERS = 256;
/** Receivers of a fan-out. */
const RECEIVERS = 10_000;

/** Calls of LANES callers to an actor each; one batch is LANES * 200. */
export async function calls(subject: Subject, prefix: string, forMs: number): Promise<Measured[]> {
  const value = await perCoreSecond(forMs, async () => {
    await subject.calls(LANES, 200);
    return LANES * 200;
  });
  return [{ name: `${prefix}.rate`, value, unit: '1/s' }];
}

/** Messages that nobody waits for, to LANES actors, 200 each a batch. */
export async function oneWays(subject: Subject, prefix: string, forMs: number): Promise<Measured[]> {
  const value = await perCoreSecond(forMs, async () => {
    await subject.oneWays(LANES, 200);
    return LANES * 200;
  });
  return [{ name: `${prefix}.rate`, value, unit: '1/s' }];
}

/** First calls of new actors; everything is forgotten after each 10,000, which does not count. */
export async function activations(subject: Subject, prefix: string, forMs: number): Promise<Measured[]> {
  const batch = async (): Promise<number> => {
    await subject.activations(10_000);
    return 10_000;
  };
  const value = await perCoreSecond(forMs, batch, () => subject.reset());
  return [{ name: `${prefix}.rate`, value, unit: '1/s' }];
}

/** Time of one call after the other, with nothing else under way. */
export async function latency(
  call: () => Promise<unknown>,
  prefix: string,
  forMs: number,
): Promise<Measured[]> {
  const times = new Float64Array(200_000);
  for (let n = 0; n < 50_000; n += 1) await call();
  const until = performance.now() + forMs;
  let count = 0;
  while (performance.now() < until && count < times.length) {
    const begun = performance.now();
    await call();
    times[count++] = (performance.now() - begun) * 1_000;
  }
  const taken = times.subarray(0, count);
  return [
    { name: `${prefix}.p50_us`, value: quantile(taken, 0.5), unit: 'us' },
    { name: `${prefix}.p99_us`, value: quantile(taken, 0.99), unit: 'us' },
  ];
}

/** Calls that an actor makes in its turn, one after the other; a client is made for each. */
export async function callsOfActor({ runtime }: StarlingSubject, forMs: number): Promise<Measured[]> {
  const driver = runtime.client(Driver, `call/${LANES}`);
  const value = await perCoreSecond(forMs, async () => {
    const { done } = await driver.drive({ each: 100 }, { timeoutMs: 60_000 });
    expectTotal(done, LANES * 100);
    return done;
  });
  return [{ name: 'local.call.of_actor.rate', value, unit: '1/s' }];
}

/** One actor in memory and many callers. */
export async function oneActorInMemory({ runtime }: StarlingSubject, forMs: number): Promise<Measured[]> {
  const one = runtime.client(Counter, 'main/one');
  let calls = 0;
  const value = await perCoreSecond(forMs, async () => {
    await inLanes(CALLERS, async () => {
      for (let n = 0; n < 50; n += 1) await one.add({ amount: 1 });
    });
    calls += CALLERS * 50;
    return CALLERS * 50;
  });
  expectTotal((await one.add({ amount: 0 })).total, calls);
  return [{ name: 'one_actor.memory.rate', value, unit: '1/s' }];
}

/** One durable actor and many callers: each call appends a record and is answered when it is flushed. */
export function oneActorDurable(forMs: number): Promise<Measured[]> {
  return withDirectory(async (directory) => {
    let calls = 0;
    const first = await BenchNode.open(directory);
    const one = first.runtime.client(DurableCounter, 'main/one');
    const value = await perSecond(forMs, async () => {
      await inLanes(CALLERS, async () => {
        for (let n = 0; n < 8; n += 1) await one.add({ amount: 1 });
      });
      calls += CALLERS * 8;
      return CALLERS * 8;
    });
    await first.close();
    // What was acknowledged is there for the next process.
    const second = await BenchNode.open(directory);
    expectTotal((await second.runtime.client(DurableCounter, 'main/one').add({ amount: 0 })).total, calls);
    await second.close();
    return [{ name: 'one_actor.durable.rate', value, unit: '1/s' }];
  });
}

/** One message of 200 bytes to 10,000 actors, until all have acknowledged. */
export async function fanOut({ runtime }: StarlingSubject, forMs: number): Promise<Measured[]> {
  const driver = runtime.client(Driver, `fanout/${RECEIVERS}`);
  let rounds = 0;
  const value = await medianMs(forMs, async () => {
    rounds += 1;
    expectTotal((await driver.drive({ each: 1 })).done, RECEIVERS);
  });
  await inLanes(RECEIVERS, async (n) => {
    expectTotal((await runtime.client(Counter, `main/u${n}`).add({ amount: 0 })).total, rounds);
  });
  return [{ name: 'fanout.local_10k.ms', value, unit: 'ms' }];
}

/** The limit of a fan-out: a promise of each of 10,000 queues. */
export async function fanOutOfQueues(queues: PromiseQueues, forMs: number): Promise<Measured[]> {
  const keys = Array.from({ length: RECEIVERS }, (_, n) => `main/u${n}`);
  let rounds = 0;
  const value = await medianMs(forMs, async () => {
    rounds += 1;
    await Promise.all(keys.map((key) => queues.queue(key).add(1)));
  });
  for (const key of keys) expectTotal(queues.queue(key).total, rounds);
  return [{ name: 'limit.promise_queue.fanout_10k.ms', value, unit: 'ms' }];
}

async function medianMs(forMs: number, round: () => Promise<void>): Promise<number> {
  for (let n = 0; n < 20; n += 1) await round();
  const times: number[] = [];
  const until = performance.now() + forMs;
  while (performance.now() < until) {
    const begun = performance.now();
    await round();
    times.push(performance.now() - begun);
  }
  return quantile(Float64Array.from(times), 0.5);
}

/** Memory of an actor that has answered one call and waits; its key and its state included. */
export async function idleBytes(
  { runtime }: StarlingSubject,
  kind: 'memory' | 'durable',
  count: number,
): Promise<Measured[]> {
  const type = kind === 'memory' ? Counter : DurableCounter;
  const call = async (n: number): Promise<void> => {
    // Cut from a longer string, a key would keep that alive.
    const key = Buffer.from(`main/user-${n}`).toString('latin1');
    expectTotal((await runtime.client(type, key).add({ amount: 1 })).total, 1);
  };
  // What is made once is made before.
  for (let n = 0; n < 100; n += 1) await call(n);
  const before = await heapBytes();
  await inLanes(LANES, async (lane) => {
    for (let n = lane; n < count; n += LANES) await call(100 + n);
  });
  const { activations: resident } = runtime.stats();
  expectTotal(resident, count + 100);
  const value = ((await heapBytes()) - before) / count;
  const name = kind === 'memory' ? 'idle.actor.bytes' : 'idle.durable.bytes';
  return [{ name, value, unit: 'B' }];
}

/** Bytes that live on the heap, and beside it for its buffers, when all that was under way has ended. */
async function heapBytes(): Promise<number> {
  const collect = globalThis.gc;
  if (collect === undefined) throw new Error('run with --expose-gc');
  // Timers of deadlines and of the store let go of what they watch.
  await new Promise((resolve) => setTimeout(resolve, 500));
  for (let n = 0; n < 3; n += 1) {
    await new Promise((resolve) => setImmediate(resolve));
    collect();
  }
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
