import { deepEqual, equal, ok } from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { describe, type TestContext, test } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { createRuntime, type Runtime, StarlingError } from '../../runtime/index.ts';
import { codeOf, SimStore, scripted } from '../../runtime/testing/index.ts';
import { startNatsServer } from '../../tools/dev/nats-server.ts';
import { systemClock, systemRandom } from '../clock/index.ts';
import { ClusterMember } from '../membership/index.ts';
import { ModelTable } from '../ownership/testing/model-table.ts';
import type { Nats } from './index.ts';
import { eventually } from './testing/eventually.ts';
import { natsNode } from './testing/node.ts';

const SHARDS = 24;
const KEYS = Array.from({ length: 60 }, (_, index) => `k${index}`);

/** Answers who it is and where it runs; what it says is durable. */
const target = scripted({
  kind: 'target',
  rank: 20,
  run: (text, turn) => {
    turn.append(text);
    return '';
  },
});

/** Sends one message to all targets. */
const source = scripted({
  kind: 'source',
  rank: 10,
  run: (text, turn) => {
    const receivers = KEYS.map((key) => ({ key, own: {} }));
    const { run } = target.type.contract.method;
    turn.fanOut(target.type, run, create(run.input, { text }), receivers, (refused) => {
      fanOuts.push(refused.length);
    });
    return '';
  },
});

const fanOuts: number[] = [];

interface Node {
  readonly nats: Nats;
  readonly member: ClusterMember;
  readonly runtime: Runtime;
}

/** A node of a cluster: runtime, membership and transport are real; table and store are of this process. */
async function startNode(
  t: TestContext,
  { name, url, table, store }: { name: string; url: string; table: ModelTable; store: SimStore },
): Promise<Node> {
  const incarnation = `${name}-${randomUUID()}`;
  const clock = systemClock();
  const random = systemRandom();
  const nats = await natsNode(t, url, name, { process: incarnation });
  const member = new ClusterMember({
    ...{ node: name, incarnation, table, clock, random, shards: SHARDS },
    address: name,
    board: nats.board,
    probe: nats.probe,
    limits: { leaseMs: 1_000, beatMs: 150, silenceMs: 1_200, probeMs: 300, listBeats: 10 },
  });
  nats.probe.serve(member);
  const runtime = createRuntime({
    ...{ node: name, store, clock, random, shards: SHARDS },
    ownership: member.ownership,
    peers: { transport: nats.transport, directory: member.directory },
  });
  runtime.register(target.definition, source.definition);
  await nats.listening();
  await runtime.start();
  equal(await member.start(runtime), undefined);
  t.after(async () => {
    await member.stop();
    await runtime.stop(100);
  });
  return { nats, member, runtime };
}

function served(nodes: readonly Node[]): number[] {
  return nodes.map(({ member }) => member.ownership.served().length);
}

function haveShares(nodes: readonly Node[]): boolean {
  const each = served(nodes);
  return each.every((count) => count > 0) && each.reduce((sum, count) => sum + count, 0) === SHARDS;
}

/** Calls every target from every node. */
async function callAll(nodes: readonly Node[], text: string): Promise<void> {
  const calls = nodes.flatMap(({ runtime }) =>
    KEYS.map((key) => runtime.client(target.type, key).run({ text })),
  );
  await Promise.all(calls);
}

describe('three nodes that meet over NATS', () => {
  test('share the shards, reach every actor with calls and fan-outs, and outlive the server and its data', async (t) => {
    const server = await startNatsServer(t);
    const shared = { url: server.url, table: new ModelTable(), store: new SimStore({ type: 'immediate' }) };
    const nodes: Node[] = [];
    for (const name of ['a', 'b', 'c']) nodes.push(await startNode(t, { name, ...shared }));
    await eventually('each has a share', () => haveShares(nodes));

    await callAll(nodes, 'hello');
    const [first] = nodes;
    ok(first !== undefined);
    const words = await first.runtime.client(target.type, 'k7').look({ text: '' });
    equal(words.text, 'hello,hello,hello');

    const bulk = nodes.map(({ nats }) => nats.transport.sent.bulk.envelopes);
    await first.runtime.client(source.type, 'source').run({ text: 'to all' });
    await eventually('it is over', () => fanOuts.length === 1);
    deepEqual(fanOuts, [0]);
    // One envelope to each of the other two nodes, and one answer from each.
    const envelopes = nodes.map(({ nats }, index) => nats.transport.sent.bulk.envelopes - (bulk[index] ?? 0));
    deepEqual(envelopes.toSorted(), [1, 1, 2]);

    const before = served(nodes);
    await server.signal('SIGKILL');
    await eventually('no lease stands', () => nodes.every(({ member }) => !member.status().lease));
    deepEqual(served(nodes), before);
    const own = KEYS.filter((key) =>
      first.member.ownership.claim(first.runtime.place(target.type, key).shard),
    );
    for (const key of own)
      equal(await codeOf(first.runtime.client(target.type, key).run({ text: 'alone' })), 'OK');

    await server.restart({ forget: true });
    await eventually('leases stand again', () => nodes.every(({ member }) => member.status().lease));
    await eventually('all see all', () => nodes.every(({ member }) => member.status().members.length === 3));
    await callAll(nodes, 'again');
    equal(shared.table.calls.filter((call) => call.startsWith('fence')).length, 0);
  });

  test('a node that ends without a word is fenced, and its actors answer elsewhere', async (t) => {
    const server = await startNatsServer(t);
    const shared = { url: server.url, table: new ModelTable(), store: new SimStore({ type: 'immediate' }) };
    const nodes: Node[] = [];
    for (const name of ['a', 'b', 'c']) nodes.push(await startNode(t, { name, ...shared }));
    await eventually('each has a share', () => haveShares(nodes));
    const [a, b, c] = nodes;
    ok(a !== undefined && b !== undefined && c !== undefined);
    // Cut off from NATS for good, as a process that stands still: it neither renews nor answers.
    await c.nats.close();
    await eventually(
      'the others serve all',
      () => served([a, b]).reduce((sum, each) => sum + each, 0) === SHARDS,
    );
    await callAll([a, b], 'after');
    const fences = shared.table.calls.filter((call) => call.startsWith('fence'));
    equal(new Set(fences).size, 1);
    const remote = c.runtime.client(target.type, 'k0').run({ text: 'x' }, { timeoutMs: 100 });
    const error = await remote.then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    ok(error instanceof StarlingError);
  });
});
