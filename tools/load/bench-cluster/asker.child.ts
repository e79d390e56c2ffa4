// The process that asks: `node asker.child.ts ORDER`. Prints what it measured as its last line.

import { connect } from '@nats-io/transport-node';
import { type Measured, quantile } from '../bench/arm.ts';
import { Counter } from '../bench-runtime/actors.ts';
import { withDirectory } from '../bench-runtime/starling.ts';
import { expectTotal, inLanes, perSecond } from '../bench-runtime/subject.ts';
import { cpuSeconds } from '../node-process.ts';
import { ECHO_SUBJECT, openNode, REQUEST_BYTES } from './node.ts';
import type { Order } from './order.ts';

/** Calls under way. */
const IN_FLIGHT = 256;
/** Calls of each caller in a batch. */
const EACH = 50;

const { subject, work, url, forMs, answererPid, serverPid }: Order = JSON.parse(process.argv[2] ?? '');
const content = Buffer.alloc(REQUEST_BYTES, 'x');

async function ofNats(): Promise<Measured[]> {
  const nats = await connect({ servers: [url] });
  const value = await perSecond(forMs, async () => {
    await inLanes(IN_FLIGHT, async () => {
      for (let n = 0; n < EACH; n += 1) {
        const { data } = await nats.request(ECHO_SUBJECT, content, { timeout: 10_000 });
        expectTotal(data.length, REQUEST_BYTES);
      }
    });
    return IN_FLIGHT * EACH;
  });
  await nats.close();
  return [{ name: 'limit.nats_request_reply', value, unit: '1/s' }];
}

async function ofStarling(): Promise<Measured[]> {
  return withDirectory(async (directory) => {
    const node = await openNode(url, 'asker', directory);
    const clients = Array.from({ length: IN_FLIGHT }, (_, lane) => clientOf(node, lane));
    const measured = work === 'rate' ? await rate(node, clients) : await latency(clients);
    await node.close();
    return measured;
  });
}

type Node = Awaited<ReturnType<typeof openNode>>;
type Client = ReturnType<typeof clientOf>;

function clientOf(node: Node, lane: number) {
  return node.runtime.client(Counter, `main/u${lane}`);
}

/** Each caller has an actor of its own, which counts: what was answered was done, and once. */
async function rate({ nats }: Node, clients: readonly Client[]): Promise<Measured[]> {
  let done = 0;
  const before = nats.transport.sent.calls;
  const begun = spentUs();
  const value = await perSecond(forMs, async () => {
    await Promise.all(
      clients.map(async (client) => {
        for (let n = 0; n < EACH; n += 1) await client.note({ content });
      }),
    );
    done += EACH;
    return IN_FLIGHT * EACH;
  });
  const spent = spentUs();
  const totals = await Promise.all(clients.map((client) => client.add({ amount: 0 })));
  for (const { total } of totals) expectTotal(total, done);
  const { envelopes, messages } = nats.transport.sent.calls;
  const each = (envelopes - before.envelopes) / (messages - before.messages);
  return [
    { name: 'remote.call.rate', value, unit: '1/s' },
    ...begun.map(({ who, us }, at) => {
      const value = ((spent[at]?.us ?? Number.NaN) - us) / (done * IN_FLIGHT);
      return { name: `remote.call.${who}_cpu_us`, value, unit: 'us' };
    }),
    { name: 'remote.call.per_message', value: each, unit: 'calls' },
  ];
}

/** Processor time of each process so far, microseconds. */
function spentUs(): { readonly who: string; readonly us: number }[] {
  const pids = { asker: process.pid, answerer: answererPid, nats_server: serverPid };
  return Object.entries(pids).map(([who, pid]) => ({
    who,
    us: pid === undefined ? Number.NaN : cpuSeconds(pid) * 1e6,
  }));
}

/** One call after the other, with nothing else under way. */
async function latency([client]: readonly Client[]): Promise<Measured[]> {
  if (client === undefined) throw new Error('there is no client');
  for (let n = 0; n < 2_000; n += 1) await client.note({ content });
  const times = new Float64Array(100_000);
  const until = performance.now() + forMs;
  let count = 0;
  while (performance.now() < until && count < times.length) {
    const begun = performance.now();
    await client.note({ content });
    times[count++] = performance.now() - begun;
  }
  const taken = times.subarray(0, count);
  return [
    { name: 'remote.call.p50_ms', value: quantile(taken, 0.5), unit: 'ms' },
    { name: 'remote.call.p99_ms', value: quantile(taken, 0.99), unit: 'ms' },
  ];
}

// Neither the clock's timers nor the store keep a process alive: a node's sockets do, and here this.
const alive = setInterval(() => undefined, 60_000);
try {
  console.log(JSON.stringify(subject === 'nats' ? await ofNats() : await ofStarling()));
} finally {
  clearInterval(alive);
}
