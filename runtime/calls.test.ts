import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createRuntime, type Interceptor, type Invocation, StarlingError } from './index.ts';
import {
  codeOf,
  KernelNode,
  keyOn,
  latch,
  SimClock,
  SimOwnership,
  SimRandom,
  SimStore,
  scripted,
  settle,
  twoNodes,
} from './testing/index.ts';

async function messageOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
    return 'OK';
  } catch (error) {
    return (error as Error).message;
  }
}

describe('a circle of awaited calls', () => {
  /** `low` awaits `high` in a turn that writes; `high` looks back at `low` in one that only reads. */
  function circle() {
    const high = scripted({
      kind: 'high',
      rank: 20,
      look: async (text, turn) => (await turn.client(low.type, text).look({ text })).text,
    });
    const low: ReturnType<typeof scripted> = scripted({
      kind: 'low',
      rank: 10,
      run: async (text, turn, { key }) => {
        const [target = key, method] = text.split(' ');
        const client = turn.client(high.type, 'h');
        return (await (method === 'run' ? client.run({ text: target }) : client.look({ text: target }))).text;
      },
    });
    return { high, low };
  }

  it('is refused at once and names its path', async () => {
    const { high, low } = circle();
    const node = new KernelNode([high.definition, low.definition]);
    const message = await messageOf(node.run(low.type, 'a', 'a'));
    assert.match(message, /low\/a -> high\/h -> low\/a/);
  });

  it('is refused across nodes too', async () => {
    const { high, low } = circle();
    const { nodes } = twoNodes([high.definition, low.definition]);
    const [first] = nodes;
    // `h` and `a` are placed on different nodes, or the test shows nothing: looked for by key.
    const key = keyOn(low.type, 0);
    const message = await messageOf(first.client(low.type, key).run({ text: key }, { timeoutMs: 1000 }));
    assert.match(message, new RegExp(`low/${key} -> high/h -> low/${key}`));
  });

  it('is none where another actor of the same kind is asked', async () => {
    const { high, low } = circle();
    const node = new KernelNode([high.definition, low.definition]);
    await node.run(low.type, 'b', 'x run').catch(() => {});
    assert.equal(await codeOf(node.run(low.type, 'a', 'b')), 'OK');
  });
});

describe('a call to a shard that moves', () => {
  it('waits while nobody serves it and is answered by the new owner', async () => {
    const { type, definition } = scripted();
    const { clock, owners, nodes, network } = twoNodes([definition]);
    const key = keyOn(type, 1);
    const { shard } = nodes[0].place(type, key);
    owners[1]?.lose(shard);
    const answer = nodes[0].client(type, key).run({ text: 'x' }, { timeoutMs: 5000 });
    await settle();
    network.moveShard(shard, 'n0');
    owners[0]?.regain(shard);
    await clock.advance(1000);
    assert.equal((await answer).text, '1');
  });

  it('ends by its deadline if nobody ever does', async () => {
    const { type, definition } = scripted();
    const { clock, owners, nodes } = twoNodes([definition]);
    const key = keyOn(type, 1);
    owners[1]?.lose(nodes[0].place(type, key).shard);
    const answer = codeOf(nodes[0].client(type, key).run({ text: 'x' }, { timeoutMs: 700 }));
    await clock.advance(800);
    assert.ok(['NOT_OWNER', 'DEADLINE_EXCEEDED'].includes(await answer));
  });

  it('is not made again once its turn has begun, unless the contract allows it', async () => {
    let ran = 0;
    const { type, definition } = scripted({
      run: () => {
        ran++;
        throw new StarlingError('NOT_OWNER', 'Passed on from another actor.');
      },
      look: () => {
        ran++;
        throw new StarlingError('OUTCOME_UNKNOWN');
      },
    });
    const { clock, nodes } = twoNodes([definition]);
    const key = keyOn(type, 1);
    const written = codeOf(nodes[0].client(type, key).run({ text: '' }, { timeoutMs: 2000 }));
    await clock.advance(3000);
    assert.equal(await written, 'NOT_OWNER');
    assert.equal(ran, 1);
    const read = codeOf(nodes[0].client(type, key).look({ text: '' }, { timeoutMs: 2000 }));
    await clock.advance(3000);
    assert.equal(await read, 'OUTCOME_UNKNOWN');
    assert.ok(ran > 3, `a method marked NO_SIDE_EFFECTS ran again: ${ran}`);
  });
});

describe('interceptors', () => {
  function withInterceptors(node: Interceptor[], kind: Interceptor[] = []) {
    const { type, definition } = scripted();
    const runtime = createRuntime({
      node: 'n1',
      store: new SimStore({ type: 'immediate' }),
      ownership: new SimOwnership(),
      clock: new SimClock(),
      random: new SimRandom(1),
      shards: 4,
      interceptors: node,
    });
    runtime.register({ ...definition, interceptors: kind });
    return { type, runtime };
  }

  it('run around a call in order, those of the node outside, and see who calls and what', async () => {
    const seen: string[] = [];
    const note =
      (name: string): Interceptor =>
      ({ kind, key, method, metadata: { tenant }, caller }, proceed) => {
        seen.push(`${name} ${kind}/${key}.${method} ${tenant} ${caller?.kind}`);
        const result = proceed();
        seen.push(`${name} done`);
        return result;
      };
    const { type, runtime } = withInterceptors([note('a'), note('b')], [note('c')]);
    await runtime.client(type, 'k').run({ text: 'x' }, { metadata: { tenant: 'acme' } });
    const line = 'script/k.run acme undefined';
    assert.deepEqual(seen, [`a ${line}`, `b ${line}`, `c ${line}`, 'c done', 'b done', 'a done']);
  });

  it('may refuse: the handler does not run', async () => {
    const { type, runtime } = withInterceptors([
      ({ readOnly }, proceed) => {
        if (!readOnly) throw new StarlingError('PERMISSION_DENIED');
        return proceed();
      },
    ]);
    assert.equal(await codeOf(runtime.client(type, 'k').run({ text: 'x' })), 'PERMISSION_DENIED');
    assert.equal((await runtime.client(type, 'k').look({ text: '' })).text, '');
  });

  it('see the caller and the metadata of a call from another node', async () => {
    const target = scripted({ kind: 'target', rank: 20 });
    const source = scripted({
      kind: 'source',
      run: async (text, turn) =>
        (await turn.client(target.type, text).run({ text }, { metadata: { why: 'test' } })).text,
    });
    const seen: Invocation[] = [];
    const watched = {
      ...target.definition,
      interceptors: [
        ((invocation, proceed) => {
          seen.push(invocation);
          return proceed();
        }) satisfies Interceptor,
      ],
    };
    const { nodes } = twoNodes([watched, source.definition]);
    const from = keyOn(source.type, 0);
    await nodes[0].client(source.type, from).run({ text: keyOn(target.type, 1) });
    assert.deepEqual(
      seen.map(({ caller, metadata }) => ({ caller: { ...caller }, metadata: { ...metadata } })),
      [{ caller: { kind: 'source', key: from }, metadata: { why: 'test' } }],
    );
  });
});

describe('a full mailbox', () => {
  it('says which actor and which bound, and when to come again', async () => {
    const gate = latch();
    const { type, definition } = scripted({ run: (text) => gate.promise.then(() => text) });
    const node = new KernelNode([definition], { limits: { mailboxBytesMax: 5000 } });
    const first = node.run(type, 'a', 'x');
    await settle();
    const second = node.run(type, 'a', 'y'.repeat(2000));
    const third = node.run(type, 'a', 'z'.repeat(2000));
    await assert.rejects(third, (error: StarlingError) => {
      assert.equal(error.code, 'OVERLOADED');
      assert.deepEqual(error.metadata, { actor: 'script/a', bound: 'bytes' });
      assert.ok(error.retryAfterMs !== undefined);
      return true;
    });
    gate.open();
    assert.deepEqual([await first, (await second).length], ['x', 2000]);
  });
});

describe('a store that does not keep up', () => {
  it('has new calls refused once too many bytes wait, and takes them again when it has caught up', async () => {
    const store = new SimStore({ type: 'manual' });
    const { type, definition } = scripted();
    const node = new KernelNode([definition], { store, limits: { pendingBytesMax: 4000 } });
    const first = node.run(type, 'a', 'x');
    await settle();
    store.flush();
    await settle();
    const more = Array.from({ length: 3 }, () => node.run(type, 'a', 'y'.repeat(2000)));
    await settle();
    await assert.rejects(node.run(type, 'a', 'z'), (error: StarlingError) => {
      assert.deepEqual(error.metadata, { actor: 'script/a', bound: 'pending_bytes' });
      return error.code === 'OVERLOADED';
    });
    for (let i = 0; i < 5; i++) {
      store.flush();
      await settle();
    }
    assert.deepEqual(await Promise.all([first, ...more]), ['1', '2', '3', '4']);
    const last = node.run(type, 'a', 'z');
    await settle();
    store.flush();
    assert.equal(await last, '5');
  });
});

describe('a slow turn', () => {
  it('is logged with kind and method', async () => {
    const clock = new SimClock();
    const { type, definition } = scripted({
      run: (text) => {
        clock.advanceSync(text === 'slow' ? 150 : 1);
        return text;
      },
    });
    const node = new KernelNode([definition], { clock });
    await node.run(type, 'a', 'quick');
    await node.run(type, 'a', 'slow');
    const slow = node.log.filter(({ message }) => message.startsWith('a slow turn'));
    assert.deepEqual(
      slow.map(({ fields }) => fields),
      [{ kind: 'script', key: 'a', method: 'run', ms: 150 }],
    );
  });
});
