import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { create } from '@bufbuild/protobuf';
import {
  RunRequestSchema,
  type RunResponse,
  ScriptService,
} from '../proto/gen/starling/test/v1/script_pb.ts';
import { StarlingError } from './errors.ts';
import { codeOf, KernelNode, latch, SimStore, scripted, settle } from './testing/index.ts';

describe('outputs', () => {
  it('rule 8: a reply waits for the writes of its turn, and so does one that only shows them', async () => {
    const store = new SimStore();
    const { type, definition } = scripted();
    const node = new KernelNode([definition], { store });
    const answered: string[] = [];
    void node.run(type, 'k', 'a').then(() => answered.push('run'));
    void node.look(type, 'k').then(() => answered.push('look'));
    await settle();
    store.flush();
    await settle();
    assert.deepEqual(answered, []);
    store.flush();
    await settle();
    assert.deepEqual(answered, ['run', 'look']);
  });

  it('rule 8: a call, a one-way call, a fan-out and a stream frame wait too; what shows nothing of the log does not', async () => {
    const store = new SimStore();
    const seen: string[] = [];
    const other = scripted({
      kind: 'other',
      rank: 20,
      run: (text) => {
        seen.push(text);
        return '';
      },
    });
    const { type, definition } = scripted({
      run: (text, turn) => {
        turn.append(text);
        turn.ask(other.type, 'o', { passing: true }).run({ text: 'passing' }, () => {});
        turn.ask(other.type, 'o').run({ text: 'ask' }, () => {});
        turn.oneWay(other.type, 'o').run({ text: 'one way' });
        turn.fanOut(
          other.type,
          ScriptService.method.run,
          create(RunRequestSchema, { text: 'fan-out' }),
          [{ key: 'o', own: {} }],
          () => {},
        );
        turn.output(() => seen.push('frame'));
        return '';
      },
    });
    const node = new KernelNode([other.definition, definition], { store });
    const opening = node.look(other.type, 'o');
    await settle();
    store.flush();
    await opening;
    void node.run(type, 'k', 'a');
    await settle();
    store.flush();
    await settle();
    assert.deepEqual(seen, ['passing']);
    store.flush();
    await settle();
    assert.deepEqual([...seen].sort(), ['ask', 'fan-out', 'frame', 'one way', 'passing']);
  });

  it('rule 18: what a turn writes after an await goes out at once, so that a call it awaits then can leave', async () => {
    const other = scripted({ kind: 'other', rank: 20 });
    const { type, definition } = scripted({
      awaits: [other.type],
      run: async (text, turn) => {
        await Promise.resolve();
        turn.append(text);
        const answer = await turn.client(other.type, 'o').run({ text });
        return `other ${answer.text}`;
      },
    });
    const node = new KernelNode([other.definition, definition]);
    const answer = codeOf(node.run(type, 'k', 'a').then((text) => assert.equal(text, 'other 1')));
    await node.clock.advance(20_000);
    assert.equal(await answer, 'OK');
  });

  it('rule 18: a turn awaits higher ranks only; the rest is refused at registration and at the call', async () => {
    const low = scripted({ kind: 'low', rank: 5 });
    const bad = scripted({ kind: 'bad', rank: 5, awaits: [low.type] });
    assert.throws(
      () => new KernelNode([low.definition, bad.definition]),
      (error) =>
        error instanceof StarlingError && error.code === 'CALL_CYCLE' && error.message.includes('bad'),
    );
    const { type, definition } = scripted({
      run: async (text, turn) => (await turn.client(low.type, 'k').run({ text })).text,
    });
    const node = new KernelNode([low.definition, definition]);
    assert.equal(await codeOf(node.run(type, 'k', 'a')), 'CALL_CYCLE');
  });

  it('a fan-out to somebody who never answers ends by its deadline', async () => {
    const silent = scripted({ kind: 'silent', run: (_text, turn) => turn.defer<RunResponse>() });
    const outcomes: string[] = [];
    const { type, definition } = scripted({
      run: (_text, turn) => {
        const shared = create(RunRequestSchema);
        turn.fanOut(silent.type, ScriptService.method.run, shared, [{ key: 's', own: {} }], (refused) => {
          for (const { key, outcome } of refused)
            outcomes.push(`${key} ${outcome.ok ? 'ok' : outcome.error.code}`);
        });
        return 'started';
      },
    });
    const node = new KernelNode([silent.definition, definition]);
    await node.run(type, 'k', '');
    await node.clock.advance(11_000);
    assert.deepEqual(outcomes, ['s DEADLINE_EXCEEDED']);
  });

  it('rule 8: a fenced node answers nothing more, ends every activation and takes no calls', async () => {
    const { type, definition } = scripted();
    const node = new KernelNode([definition]);
    await node.run(type, 'k', 'a');
    node.ownership.fence();
    assert.equal(await codeOf(node.look(type, 'k')), 'OUTCOME_UNKNOWN');
    assert.equal(node.runtime.stats().activations, 0);
    assert.equal(await codeOf(node.look(type, 'k')), 'SHUTTING_DOWN');
  });
});

describe('bounds', () => {
  it('refuses with OVERLOADED what a full mailbox has no room for', async () => {
    const held = latch();
    const { type, definition } = scripted({ run: (text) => held.promise.then(() => text) });
    const node = new KernelNode([definition], { limits: { mailboxTurnsMax: 2 } });
    const calls = [1, 2, 3, 4].map((n) => codeOf(node.run(type, 'k', String(n))));
    await settle();
    held.open();
    assert.deepEqual((await Promise.all(calls)).sort(), ['OK', 'OK', 'OVERLOADED', 'OVERLOADED']);
  });

  it('refuses with OVERLOADED while too many outputs wait at the gate', async () => {
    const store = new SimStore();
    const { type, definition } = scripted();
    const node = new KernelNode([definition], { store, limits: { gateOutputsMax: 2 } });
    const first = node.run(type, 'k', 'a');
    await settle();
    store.flush();
    await settle();
    const second = node.run(type, 'k', 'b');
    await settle();
    assert.equal(await codeOf(node.run(type, 'k', 'c')), 'OVERLOADED');
    store.flush();
    await settle();
    store.flush();
    assert.deepEqual(await Promise.all([first, second]), ['1', '2']);
  });

  it('refuses with OVERLOADED an activation beyond the bound, and drops idle ones for it first', async () => {
    const { type, definition } = scripted({ look: (_text, turn) => String(turn.timeline.tail) });
    const held = latch();
    const busy = scripted({ kind: 'busy', run: () => held.promise.then(() => '') });
    const node = new KernelNode([definition, busy.definition], { limits: { activationsMax: 2 } });
    await node.look(type, 'idle');
    const under = [node.run(busy.type, '1', ''), node.run(busy.type, '2', '')];
    await settle();
    assert.equal(node.runtime.stats().activations, 2);
    assert.equal(await codeOf(node.look(type, 'one too many')), 'OVERLOADED');
    held.open();
    await Promise.all(under);
  });

  it('a row beyond its bound ends the activation, nothing is written', async () => {
    const { type, definition } = scripted();
    const node = new KernelNode([definition], { limits: { rowBytesMax: 10 } });
    assert.equal(await codeOf(node.run(type, 'k', 'longer than ten bytes')), 'INTERNAL');
    assert.equal(await node.look(type, 'k'), '');
  });
});

describe('deadlines', () => {
  it('I13: a call that is not answered ends with DEADLINE_EXCEEDED, and is not run once its time is up', async () => {
    const held = latch();
    const ran: string[] = [];
    const { type, definition } = scripted({
      run: (text) => {
        ran.push(text);
        return text === 'first' ? held.promise.then(() => text) : text;
      },
    });
    const node = new KernelNode([definition]);
    const calls = [codeOf(node.run(type, 'k', 'first', 1000)), codeOf(node.run(type, 'k', 'second', 100))];
    await node.clock.advance(150);
    assert.equal(await calls[1], 'DEADLINE_EXCEEDED');
    held.open();
    assert.equal(await calls[0], 'OK');
    await settle();
    assert.deepEqual(ran, ['first']);
  });

  it('bounds the time a caller may ask for', async () => {
    const { type, definition } = scripted({ run: (_text, turn) => turn.defer<RunResponse>() });
    const node = new KernelNode([definition], { limits: { callMsMax: 2000 } });
    const call = codeOf(node.run(type, 'k', '', 1_000_000));
    await node.clock.advance(2050);
    assert.equal(await call, 'DEADLINE_EXCEEDED');
  });

  it('a call that its caller gave up is CANCELLED, and not run if it had not begun', async () => {
    const { type, definition } = scripted();
    const node = new KernelNode([definition]);
    const abort = new AbortController();
    const call = node.runtime.client(type, 'k').run({ text: 'a' }, { signal: abort.signal });
    abort.abort();
    assert.equal(await codeOf(call), 'CANCELLED');
    assert.equal(await node.look(type, 'k'), '');
    const late = node.runtime.client(type, 'k').run({ text: 'b' }, { signal: abort.signal });
    assert.equal(await codeOf(late), 'CANCELLED');
  });
});
