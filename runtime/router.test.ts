import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { describe, it } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { RunRequestSchema } from '../proto/gen/starling/test/v1/script_pb.ts';
import { methodOf } from './actor-type.ts';
import { StarlingError } from './errors.ts';
import type { Interceptor } from './interceptor.ts';
import { DEFAULT_LIMITS } from './limits.ts';
import { remind } from './reminders.ts';
import { tell } from './tells.ts';
import { codeOf, KernelNode, keyOn, type ScriptType, scripted, settle, twoNodes } from './testing/index.ts';

/** Calls `run` as if the contract marked it IDEMPOTENT; says code and `begun`. */
function idempotent(
  { nodes }: ReturnType<typeof twoNodes>,
  type: ScriptType,
  key: string,
): Promise<[string, boolean]> {
  return new Promise((resolve) => {
    nodes[0].startCall({
      type,
      key,
      method: { ...methodOf(type, 'run'), repeatable: true },
      request: create(RunRequestSchema, { text: 'x' }),
      deadline: nodes[0].deadlineAfter(60_000),
      sink: {
        resolve: () => resolve(['OK', true]),
        reject: (error: StarlingError, begun) => resolve([error.code, begun]),
      },
    });
  });
}

describe('a call that is tried again', () => {
  it('is not said to be not done where only the last try was refused', async () => {
    let ran = 0;
    const { type, definition } = scripted({
      run: (text, turn) => {
        ran++;
        return String(turn.append(text));
      },
    });
    const two = twoNodes([definition]);
    const key = keyOn(type, 1);
    two.network.decide(() => 'answer_lost');
    const answer = idempotent(two, type, key);
    await settle();
    two.network.decide(() => 'carried');
    two.owners[1].lose(two.nodes[0].place(type, key).shard);
    two.nodes[1].shardLost(two.nodes[0].place(type, key).shard);
    await two.clock.advance(60_000);
    assert.equal(ran, 1);
    assert.deepEqual(await answer, ['OUTCOME_UNKNOWN', true]);
  });

  it('is said to be not done where no try has begun', async () => {
    const { type, definition } = scripted();
    const two = twoNodes([definition]);
    const key = keyOn(type, 1);
    two.owners[1].lose(two.nodes[0].place(type, key).shard);
    const answer = idempotent(two, type, key);
    await two.clock.advance(60_000);
    assert.deepEqual(await answer, ['NOT_OWNER', false]);
  });

  it('is tried so often and no more, by the node that it came from alone', async () => {
    let ran = 0;
    const { type, definition } = scripted({
      look: () => {
        ran++;
        throw new StarlingError('OUTCOME_UNKNOWN');
      },
    });
    const two = twoNodes([definition]);
    const answer = codeOf(
      two.nodes[0].client(type, keyOn(type, 1)).look({ text: '' }, { timeoutMs: 60_000 }),
    );
    await two.clock.advance(60_000);
    assert.equal(await answer, 'OUTCOME_UNKNOWN');
    assert.deepEqual(
      [ran, ...two.nodes.map(({ metrics }) => metrics.retries)],
      [1 + DEFAULT_LIMITS.callRetriesMax, DEFAULT_LIMITS.callRetriesMax, 0],
    );
  });

  it('is not, where the time of a call that it rests on was up', async () => {
    let ran = 0;
    const { type, definition } = scripted({
      look: () => {
        ran++;
        throw new StarlingError('DEADLINE_EXCEEDED');
      },
    });
    const two = twoNodes([definition]);
    const answer = codeOf(two.nodes[0].client(type, keyOn(type, 1)).look({ text: '' }));
    await two.clock.advance(10_000);
    assert.deepEqual([await answer, ran], ['DEADLINE_EXCEEDED', 1]);
  });

  it('waits for its own node too, after a try that had begun elsewhere', async () => {
    let failing = 1;
    const { type, definition } = scripted({
      look: () => {
        if (failing-- > 0) throw new StarlingError('OUTCOME_UNKNOWN');
        return 'seen';
      },
    });
    const two = twoNodes([definition]);
    const key = keyOn(type, 1);
    const { shard } = two.nodes[0].place(type, key);
    const answer = codeOf(two.nodes[0].client(type, key).look({ text: '' }));
    await settle();
    assert.equal(failing, 0, 'it has begun there');
    two.owners[1].lose(shard);
    two.network.moveShard(shard, 'n0');
    await two.clock.advance(300);
    two.owners[0].regain(shard);
    await two.clock.advance(2000);
    assert.equal(await answer, 'OK');
    assert.ok(two.network.sent.every(({ from, to }) => from !== to));
  });

  it('is not by the router, where it is a message that its actor repeats, or one-way', async () => {
    const target = scripted({ kind: 'target', rank: 20 });
    const source = scripted({
      kind: 'source',
      run: (text, turn) => {
        const key = keyOn(target.type, 1);
        turn.oneWay(target.type, key).run({ text });
        return String(turn.append(text, { tells: [tell(target.type, key).run({ text })] }));
      },
    });
    const two = twoNodes([target.definition, source.definition]);
    two.owners[1].lose(two.nodes[0].place(target.type, keyOn(target.type, 1)).shard);
    await two.nodes[0].client(source.type, keyOn(source.type, 0)).run({ text: 'x' });
    await two.clock.advance(60_000);
    assert.ok(two.network.sent.length > 2, 'the message is repeated');
    assert.equal(two.nodes[0].metrics.retries, 0);
  });
});

describe('a fan-out within a node', () => {
  it('leaves no timer behind once all have answered', async () => {
    const target = scripted({ kind: 'target', rank: 20, run: () => '' });
    const { run } = target.type.contract.method;
    const source = scripted({
      run: (text, turn) => {
        const receivers = ['a', 'b'].map((key) => ({ key, own: {} }));
        turn.fanOut(target.type, run, create(run.input, { text }), receivers, () => {});
        return '';
      },
    });
    const node = new KernelNode([target.definition, source.definition]);
    await node.run(source.type, 's', 'x');
    await node.clock.advance(1000);
    assert.equal(node.clock.pending, 0);
  });
});

describe('a call with a signal', () => {
  it('leaves no listener behind once it is answered', async () => {
    const { type, definition } = scripted();
    const two = twoNodes([definition]);
    const { signal } = new AbortController();
    await two.nodes[0].client(type, keyOn(type, 1)).run({ text: 'x' }, { signal });
    assert.equal(getEventListeners(signal, 'abort').length, 0);
  });

  it('is answered at once when it is given up, also while it waits to be tried again', async () => {
    const { type, definition } = scripted();
    const two = twoNodes([definition]);
    const key = keyOn(type, 1);
    two.owners[1].lose(two.nodes[0].place(type, key).shard);
    const given = new AbortController();
    const answer = codeOf(two.nodes[0].client(type, key).run({ text: 'x' }, { signal: given.signal }));
    await settle();
    const sent = two.network.sent.length;
    given.abort();
    assert.equal(await answer, 'CANCELLED');
    await two.clock.advance(60_000);
    assert.equal(two.network.sent.length, sent);
  });
});

describe('who calls', () => {
  /** What interceptors of actors see: a message from `source` to `target`, and reminders of `source`. */
  function watched() {
    const seen: string[] = [];
    const note: Interceptor = ({ kind, method, caller }, proceed) => {
      seen.push(`${kind}.${method} by ${caller?.kind}/${caller?.key}`);
      return proceed();
    };
    const target = scripted({ kind: 'target', rank: 20 });
    const source: ReturnType<typeof scripted> = scripted({
      kind: 'source',
      run: (text, turn) => {
        if (text === 'reminded') return text;
        const tells = [tell(target.type, keyOn(target.type, text === 'far' ? 1 : 0)).run({ text })];
        const remindSelf = remind(source.type, { name: 'x', atMs: turn.now() + 1000 }).run({
          text: 'reminded',
        });
        return String(turn.append(text, { tells, reminders: [remindSelf] }));
      },
    });
    const definitions = [target, source].map(({ definition }) => ({ ...definition, interceptors: [note] }));
    return { seen, source, two: twoNodes(definitions) };
  }

  for (const where of ['near', 'far']) {
    it(`is the actor that sends a message, ${where}, and the actor itself for a reminder`, async () => {
      const { seen, source, two } = watched();
      const key = keyOn(source.type, 0);
      await two.nodes[0].client(source.type, key).run({ text: where });
      await two.clock.advance(2000);
      assert.deepEqual(seen, [
        'source.run by undefined/undefined',
        `target.run by source/${key}`,
        `source.run by source/${key}`,
      ]);
    });
  }
});
