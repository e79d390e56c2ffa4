// Child process of one arm: `node run.child.ts SUBJECT WORKLOAD MILLISECONDS [COLLECTOR]`. Prints what it measured as its last line.
// A library is loaded only by the process that measures it.

import type { Measured } from '../bench/arm.ts';
import { Counter } from './actors.ts';
import { PromiseQueues } from './promise-queue.ts';
import { BenchNode, StarlingSubject, withDirectory } from './starling.ts';
import type { Subject } from './subject.ts';
import { isTracing, tracedCalls } from './traced.ts';
import * as work from './workloads.ts';

const [name = '', workload = '', duration, collector = ''] = process.argv.slice(2);
const forMs = Number(duration);
const quick = forMs < 1_000;

/** Figures of Starling's own are named for what they are; those of others, for whose they are. */
const PREFIX = { starling: 'local', queue: 'limit.promise_queue' }[name] ?? name;

async function run(): Promise<Measured[]> {
  if (workload === 'one_actor.durable') return work.oneActorDurable(forMs);
  const tracing = /^call\.(.*)$/.exec(workload)?.[1];
  if (isTracing(tracing)) return tracedCalls(tracing, collector, forMs);
  if (name === 'queue') return runQueue(new PromiseQueues());
  if (name === 'starling') {
    return withDirectory(async (directory) => {
      const subject = new StarlingSubject(await BenchNode.open(directory));
      const measured = await runStarling(subject);
      await subject.close();
      return measured;
    });
  }
  const subject = await library();
  const measured = await runCommon(subject);
  await subject.close();
  return measured;
}

async function library(): Promise<Subject> {
  switch (name) {
    case 'nact':
      return new (await import('./nact.ts')).NactSubject();
    case 'xstate':
      return new (await import('./xstate.ts')).XstateSubject();
    case 'effect':
      return new (await import('./effect.ts')).EffectSubject();
    default:
      throw new Error(`there is no ${name}`);
  }
}

async function runCommon(subject: Subject): Promise<Measured[]> {
  switch (workload) {
    case 'call':
      return work.calls(subject, `${PREFIX}.call`, forMs);
    case 'oneway':
      return work.oneWays(subject, `${PREFIX}.oneway`, forMs);
    case 'activation':
      return work.activations(subject, name === 'starling' ? 'activation' : `${PREFIX}.activation`, forMs);
    default:
      throw new Error(`${name} has no ${workload}`);
  }
}

async function runQueue(queues: PromiseQueues): Promise<Measured[]> {
  const queue = queues.queue('main/u0');
  if (workload === 'latency') return work.latency(() => queue.add(1), `${PREFIX}.call`, forMs);
  if (workload === 'fanout') return work.fanOutOfQueues(queues, forMs);
  return runCommon(queues);
}

async function runStarling(subject: StarlingSubject): Promise<Measured[]> {
  const client = subject.runtime.client(Counter, 'main/u0');
  switch (workload) {
    case 'latency':
      return work.latency(() => client.add({ amount: 1 }), `${PREFIX}.call`, forMs);
    case 'call.of_actor':
      return work.callsOfActor(subject, forMs);
    case 'one_actor.memory':
      return work.oneActorInMemory(subject, forMs);
    case 'fanout':
      return work.fanOut(subject, forMs);
    case 'idle.actor':
      return work.idleBytes(subject, 'memory', quick ? 20_000 : 100_000);
    case 'idle.durable':
      return work.idleBytes(subject, 'durable', quick ? 5_000 : 20_000);
    default:
      return runCommon(subject);
  }
}

// Neither the clock's timers nor the store keep a process alive: a node's sockets do, and here this.
const alive = setInterval(() => undefined, 60_000);
try {
  console.log(JSON.stringify(await run()));
} finally {
  clearInterval(alive);
}
