import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  LookResponseSchema,
  RunRequestSchema,
  ScriptService,
} from '../../../proto/gen/starling/test/v1/script_pb.ts';
import { actorType, bindService, defineActor, remind, tell } from '../../index.ts';
import { type ActorKit, serviceClient, testActors } from './index.ts';

const Words = actorType({ kind: 'words', contract: ScriptService, rank: 10 });

/** Keeps words; `later MS` says the word `late` by a reminder, `tell KEY` tells another one. */
const words = defineActor(Words, {
  state: LookResponseSchema,
  record: RunRequestSchema,
  apply(state, { text }) {
    state.text += `${text};`;
  },
  handlers: {
    run({ text }, turn) {
      const [verb, rest] = text.split(' ');
      const reminders =
        verb === 'later'
          ? [remind(Words, { name: 'x', atMs: turn.now() + Number(rest) }).run({ text: 'late' })]
          : [];
      const tells = verb === 'tell' ? [tell(Words, rest ?? '').run({ text: 'told' })] : [];
      turn.append({ text }, { reminders, tells });
      return { text: turn.state.text };
    },
    watch() {},
  },
  reads: { look: (_request, turn) => ({ text: turn.state.text }) },
});

const run = (kit: ActorKit, key: string, text: string) => kit.client(Words, key).run({ text });
const look = async (kit: ActorKit, key: string) => (await kit.client(Words, key).look({})).text;
const codeOf = (promise: Promise<unknown>) =>
  promise.then(
    () => 'OK',
    (error: { code?: string }) => error.code ?? String(error),
  );
const KEYS = Array.from({ length: 20 }, (_, i) => `k${i}`);

describe('a kit of one node', () => {
  it('K1: lets time pass in advance alone, and shows it to actors', async () => {
    const kit = await testActors([words], { startMs: 5_000 });
    await run(kit, 'a', 'later 1000');
    assert.equal(kit.now, 5_000);
    await kit.advance(999);
    assert.equal(await look(kit, 'a'), 'later 1000;');
    await kit.advance(1);
    assert.equal(await look(kit, 'a'), 'later 1000;late;');
  });

  it('K2: keeps over a crash what was acknowledged, and loses what was not durable', async () => {
    const kit = await testActors([words]);
    await run(kit, 'a', 'kept');
    const release = kit.holdWrites();
    const lost = codeOf(run(kit, 'a', 'lost'));
    await kit.settle();
    const crashed = kit.crash();
    assert.equal(await lost, 'OUTCOME_UNKNOWN');
    release();
    await crashed;
    assert.equal(await look(kit, 'a'), 'kept;');
  });

  it('finishes after a crash what a record has left to do, without a further call', async () => {
    const kit = await testActors([words]);
    await run(kit, 'a', 'tell b');
    await run(kit, 'a', 'later 60000');
    await kit.crash();
    await kit.advance(120_000);
    assert.equal(await look(kit, 'b'), 'told;');
    assert.equal(await look(kit, 'a'), 'tell b;later 60000;late;');
  });

  it('gives a write the fate that the test plans', async () => {
    const kit = await testActors([words]);
    await run(kit, 'a', '1');
    kit.failNextWrite('refused', { type: Words, key: 'a' });
    assert.equal(await codeOf(run(kit, 'a', '2')), 'STORAGE_FULL');
    kit.failNextWrite('unknown_done', { type: Words, key: 'a' });
    assert.equal(await codeOf(kit.until(run(kit, 'a', '3'))), 'OUTCOME_UNKNOWN');
    kit.failNextWrite('unknown_not_done', { type: Words, key: 'b' });
    assert.equal(await kit.until(look(kit, 'a')), '1;3;');
  });

  it('says where it waits in vain', async () => {
    const kit = await testActors([words]);
    await assert.rejects(kit.until(new Promise(() => {}), 100), /not settled after 100 ms/);
    await kit.kill('n1');
    assert.throws(() => kit.runtime(), /a node runs/);
  });
});

describe('a kit of several nodes', () => {
  it('spreads actors over them, and each node reaches all', async () => {
    const kit = await testActors([words], { nodes: 3 });
    for (const key of KEYS) await kit.until(run(kit, key, 'x'));
    const serving = new Set(KEYS.map((key) => kit.nodeOf(Words, key)));
    assert.deepEqual([...serving].sort(), ['n1', 'n2', 'n3']);
    for (const via of kit.nodes) assert.equal((await kit.client(Words, 'k1', { via }).look({})).text, 'x;');
  });

  it('lets others take over from a node that is killed, and hands back when it is started', async () => {
    const kit = await testActors([words], { nodes: 3 });
    for (const key of KEYS) await run(kit, key, 'x');
    const home = KEYS.map((key) => kit.nodeOf(Words, key));
    await kit.kill('n1');
    assert.deepEqual(kit.nodes, ['n2', 'n3']);
    for (const key of KEYS) assert.equal((await kit.until(run(kit, key, 'y'))).text, 'x;y;');
    await kit.start('n1');
    assert.deepEqual(
      KEYS.map((key) => kit.nodeOf(Words, key)),
      home,
    );
    for (const key of KEYS) assert.equal((await kit.until(run(kit, key, 'z'))).text, 'x;y;z;');
  });

  it('moves an actor while it works, and loses nothing', async () => {
    const kit = await testActors([words], { nodes: 2 });
    await run(kit, 'a', '1');
    const to = kit.nodeOf(Words, 'a') === 'n1' ? 'n2' : 'n1';
    const [, second] = await Promise.all([kit.move(Words, 'a', to), kit.until(run(kit, 'a', '2'))]);
    assert.equal(second.text, '1;2;');
    assert.equal(kit.nodeOf(Words, 'a'), to);
    assert.equal((await kit.until(run(kit, 'a', '3'))).text, '1;2;3;');
  });

  it('delivers a durable message once, although envelopes are lost and doubled', async () => {
    const kit = await testActors([words], { nodes: 2 });
    const [from = ''] = KEYS.filter((key) => kit.nodeOf(Words, key) === 'n1');
    const [to = ''] = KEYS.filter((key) => kit.nodeOf(Words, key) === 'n2');
    const fates = ['lost', 'answer_lost', 'twice'] as const;
    let sent = 0;
    kit.envelopes(() => fates[sent++] ?? 'carried');
    await run(kit, from, `tell ${to}`);
    await kit.advance(60_000);
    assert.equal(await look(kit, to), 'told;');
    assert.ok(sent >= 3);
  });

  it('K3: gives the same run to the same calls', async () => {
    const log = async () => {
      const kit = await testActors([words], { nodes: 3, seed: 7 });
      for (const key of KEYS) await run(kit, key, 'x');
      await kit.kill('n2');
      await kit.advance(10_000);
      return JSON.stringify(kit.log);
    };
    assert.equal(await log(), await log());
  });
});

describe('a client of a service', () => {
  const service = [
    bindService(ScriptService, ['user'], {
      run: ({ text }, { principal }) => ({
        $typeName: 'starling.test.v1.RunResponse',
        text: `${principal?.tenant}/${principal?.userId} ${text}`,
      }),
      look: () => ({ $typeName: 'starling.test.v1.LookResponse', text: '' }),
      watch() {},
    }),
  ];

  it('calls as who it is made for, and is refused where its scope is not let in', async () => {
    const alice = serviceClient(service, ScriptService, { userId: 'alice' });
    assert.equal((await alice.run({ text: 'hello' })).text, 'main/alice hello');
    const shop = serviceClient(service, ScriptService, { userId: 'shop', scope: 'backend' });
    assert.equal(await codeOf(shop.run({ text: '' })), 'PERMISSION_DENIED');
    assert.equal(
      await codeOf(serviceClient([], ScriptService, { userId: 'alice' }).run({})),
      'METHOD_NOT_FOUND',
    );
  });
});
