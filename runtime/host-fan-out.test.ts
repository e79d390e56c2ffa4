import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import {
  NodeFanOutSchema,
  NodeReplySchema,
  NodeRequestSchema,
} from '../proto/gen/starling/actor/v1/envelope_pb.ts';
import { StarlingError } from './errors.ts';
import type { FanOutPart } from './fan-out.ts';
import { answerForHost, byHost, type FanOutReply } from './host-fan-out.ts';
import { createRuntime } from './index.ts';
import { encodeError } from './outcome.ts';
import { shardOf } from './placement.ts';
import { SimClock, SimStore, scripted, settle } from './testing/index.ts';
import { SimNetwork } from './testing/sim-network.ts';
import { SimOwnership } from './testing/sim-ownership.ts';
import { SimRandom } from './testing/sim-random.ts';

const partsOf = (count: number, name: string): FanOutPart[] =>
  Array.from({ length: count }, (_, at) => ({ key: `${name}${at}`, own: {} }));

const directoryOf = (hosts: Readonly<Record<string, string>>) => ({
  nodeOf: () => undefined,
  hostOf: (node: string) => hosts[node],
});

describe('the envelopes of a fan-out to hosts', () => {
  it('are one for each other host, to the node with most receivers, and one for each other node', () => {
    const elsewhere = new Map([
      ['b1', partsOf(1, 'b1-')],
      ['b2', partsOf(3, 'b2-')],
      ['c1', partsOf(2, 'c1-')],
      ['alone', partsOf(2, 'alone-')],
      ['a2', partsOf(1, 'a2-')],
    ]);
    const hosts = { a1: 'a', a2: 'a', b1: 'b', b2: 'b', c1: 'c', c2: 'c' };
    const found = byHost(elsewhere, 'a1', directoryOf(hosts));
    assert.deepEqual(
      found
        .map(({ node, receivers, forHost }) => `${node} ${receivers.length} ${forHost}`)
        .sort((a, b) => (a < b ? -1 : 1)),
      ['a2 1 false', 'alone 2 false', 'b2 4 true', 'c1 2 false'],
    );
    const keys = found.flatMap(({ receivers }) => receivers.map(({ key }) => key));
    assert.equal(new Set(keys).size, 9);
    assert.equal(keys.length, 9);
  });

  it('are one for each node where nobody shares a host', () => {
    const elsewhere = new Map([
      ['b', partsOf(1, 'b')],
      ['c', partsOf(2, 'c')],
    ]);
    const found = byHost(elsewhere, 'a', { nodeOf: () => undefined });
    assert.deepEqual(
      found.map(({ node, forHost }) => [node, forHost]),
      [
        ['b', false],
        ['c', false],
      ],
    );
  });
});

describe('an envelope for a host', () => {
  const fanOut = create(NodeFanOutSchema, {
    kind: 'user',
    method: 'deliver',
    forHost: true,
    receivers: ['own', 'one', 'two', 'three'].map((key) => ({ key })),
  });
  const siblings: Readonly<Record<string, string>> = { one: 'w2', two: 'w3', three: 'w2' };
  const overloaded = encodeError(new StarlingError('OVERLOADED'));

  const answered = (reply: FanOutReply): Uint8Array =>
    toBinary(NodeReplySchema, create(NodeReplySchema, { reply: { case: 'fanOut', value: reply } }));

  it('is split by node, passed on once, and answered with all answers together', async () => {
    const passed: string[] = [];
    const reply = await answerForHost(fanOut, 1_000, {
      siblingOf: (key) => siblings[key],
      here: async ({ receivers, forHost }) => {
        assert.equal(forHost, false);
        return { refused: [], marked: receivers.map(({ key }) => key) };
      },
      ask: async (node, envelope, timeoutMs) => {
        const { request } = fromBinary(NodeRequestSchema, envelope);
        assert.ok(request.case === 'fanOut' && timeoutMs < 1_000);
        assert.equal(request.value.forHost, false);
        const keys = request.value.receivers.map(({ key }) => key);
        passed.push(`${node} ${keys}`);
        return answered({ refused: keys.map((key) => ({ key, outcome: overloaded })), marked: [] });
      },
    });
    assert.deepEqual(passed, ['w2 one,three', 'w3 two']);
    assert.deepEqual(reply.marked, ['own']);
    assert.deepEqual(
      reply.refused.map(({ key }) => key),
      ['one', 'three', 'two'],
    );
  });

  it('is not answered before every part is', async () => {
    const late = Promise.withResolvers<void>();
    let isAnswered = false;
    const reply = answerForHost(fanOut, 1_000, {
      siblingOf: (key) => siblings[key],
      here: async () => ({ refused: [], marked: [] }),
      ask: async (node) => {
        if (node === 'w3') await late.promise;
        return answered({ refused: [], marked: [] });
      },
    }).then((value) => {
      isAnswered = true;
      return value;
    });
    await settle();
    assert.equal(isAnswered, false);
    late.resolve();
    assert.deepEqual(await reply, { refused: [], marked: [] });
  });

  it('refuses by name those whose node can not be asked, and whatever it answers that is no answer', async () => {
    const reply = await answerForHost(fanOut, 1_000, {
      siblingOf: (key) => siblings[key],
      here: async () => ({ refused: [], marked: [] }),
      ask: async (node) => {
        if (node === 'w2') throw new StarlingError('NOT_OWNER');
        return Uint8Array.of(255);
      },
    });
    const codes = reply.refused.map(
      ({ key, outcome }) =>
        `${key} ${outcome.outcome.case === 'error' ? outcome.outcome.value.code : 'reply'}`,
    );
    assert.deepEqual(codes, ['one NOT_OWNER', 'three NOT_OWNER', 'two OUTCOME_UNKNOWN']);
  });
});

describe('a fan-out over hosts', () => {
  const NODES = ['a1', 'a2', 'b1', 'b2', 'b3', 'c1'];
  const SHARDS = NODES.length;

  function setUp() {
    const target = scripted({ kind: 'target', rank: 20 });
    const refused: string[] = [];
    const { run } = target.type.contract.method;
    const keys = NODES.map((_, shard) => {
      for (let i = 0; ; i++) if (shardOf(target.type.placementKey(`k${i}`), SHARDS) === shard) return `k${i}`;
    });
    const source = scripted({
      kind: 'source',
      run: (text, turn) => {
        const receivers = keys.map((key) => ({ key, own: { text: `for ${key}` } }));
        turn.fanOut(target.type, run, create(run.input, { text }), receivers, (found) => {
          refused.push(`${found.map(({ key, outcome }) => `${key} ${outcome.ok || outcome.error.code}`)}.`);
        });
        return text;
      },
    });
    const network = new SimNetwork(NODES);
    const directory = {
      nodeOf: (shard: number) => network.nodeOf(shard),
      hostOf: (node: string) => node.slice(0, 1),
    };
    const [clock, store] = [new SimClock(), new SimStore({ type: 'immediate' })];
    const nodes = NODES.map((node, at) => {
      const ownership = new SimOwnership();
      for (let shard = 0; shard < SHARDS; shard++) if (shard !== at) ownership.lose(shard);
      const peers = { transport: network.transportOf(node), directory };
      const random = new SimRandom(at + 1);
      const runtime = createRuntime({ node, store, ownership, clock, random, shards: SHARDS, peers });
      runtime.register(target.definition, source.definition);
      return runtime;
    });
    const start = async (): Promise<void> => {
      const [first] = nodes;
      assert.ok(first !== undefined);
      for (let i = 0; ; i++) {
        if (shardOf(source.type.placementKey(`s${i}`), SHARDS) !== 0) continue;
        await first.client(source.type, `s${i}`).run({ text: 'x' });
        break;
      }
      await clock.advance(100);
    };
    return { network, nodes, refused, start, keys };
  }

  it('leaves one envelope for each other host, which is split there', async () => {
    const { network, refused, start, nodes } = setUp();
    await start();
    const sent = network.sent.map(({ from, to }) => `${from} ${to}`);
    assert.deepEqual(sent.sort(), ['a1 a2', 'a1 b1', 'a1 c1', 'b1 b2', 'b1 b3']);
    assert.equal(refused.length, 1);
    // Each receiver has had its own part: what it answers says so, and so it counts as no plain acknowledgement.
    for (const runtime of nodes) assert.equal(runtime.stats().activations >= 1, true);
    assert.equal(nodes[0]?.metrics.fanOutEnvelopes, 3);
    assert.equal(nodes[0]?.metrics.fanOutReceivers, 5);
  });

  it('refuses the receivers of a sibling that is gone, and of no other', async () => {
    const { network, refused, start, keys } = setUp();
    network.transportOf('b2').serve(() => Promise.reject(new StarlingError('NOT_OWNER')));
    await start();
    assert.ok(refused[0]?.includes(`${keys[3]} NOT_OWNER`), refused[0]);
    for (const at of [0, 1, 2, 4, 5]) assert.ok(!refused[0]?.includes(`${keys[at]} NOT_OWNER`), refused[0]);
  });
});
