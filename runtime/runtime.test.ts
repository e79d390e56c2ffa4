import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { create } from '@bufbuild/protobuf';
import {
  RunRequestSchema,
  type RunResponse,
  RunResponseSchema,
  ScriptService,
  WatchRequestSchema,
} from '../proto/gen/starling/test/v1/script_pb.ts';
import { StarlingError } from './errors.ts';
import { tell } from './tells.ts';
import { codeOf, KernelNode, latch, SimOwnership, SimStore, scripted, settle } from './testing/index.ts';
import type { Later, Turn } from './turn.ts';

const reply = (text: string): RunResponse => create(RunResponseSchema, { text });

describe('turns', () => {
  it('A1: a handler that awaits holds the mailbox, so that the next turn finds what it left', async () => {
    const held = latch();
    const { type, definition } = scripted({
      run: async (text, turn, { words }) => {
        const before = words.length;
        await held.promise;
        turn.append(text);
        return String(before);
      },
    });
    const node = new KernelNode([definition]);
    const answers = ['a', 'b'].map((text) => node.run(type, 'k', text));
    const looked = node.look(type, 'k');
    await settle();
    held.open();
    assert.deepEqual(await Promise.all(answers), ['0', '1']);
    assert.equal(await looked, 'a,b', 'a look waits its turn too');
  });

  it('A1: a method without side effects lets other turns run while it awaits', async () => {
    const held = latch();
    const { type, definition } = scripted({
      look: async (_text, _turn, { words }) => {
        await held.promise;
        return words.join();
      },
    });
    const node = new KernelNode([definition]);
    const looked = node.look(type, 'k');
    assert.equal(await node.run(type, 'k', 'a'), '1');
    held.open();
    assert.equal(await looked, 'a');
  });

  it('bounds the looks that are under way', async () => {
    const held = latch();
    const { type, definition } = scripted({ look: () => held.promise.then(() => 'seen') });
    const node = new KernelNode([definition], { limits: { mailboxTurnsMax: 3 } });
    const looks = [1, 2, 3].map(() => node.look(type, 'k'));
    await settle();
    assert.equal(await codeOf(node.look(type, 'k')), 'OVERLOADED');
    held.open();
    assert.deepEqual(await Promise.all(looks), ['seen', 'seen', 'seen']);
    assert.equal(await node.look(type, 'k'), 'seen');
  });

  it('a look that writes ends with INTERNAL and changes nothing', async () => {
    const { type, definition } = scripted({ look: (_text, turn) => String((turn as Turn).append('no')) });
    const node = new KernelNode([definition]);
    assert.equal(await codeOf(node.look(type, 'k')), 'INTERNAL');
    assert.equal((await node.store.listActors('script', { actorsMax: 9 })).length, 1);
    assert.equal(
      (await node.store.readRows({ kind: 'script', key: 'k', shard: 0 }, { from: 1, rowsMax: 9 })).length,
      0,
    );
  });

  it('a turn that is kept beyond its handler can write nothing', async () => {
    const kept: Turn[] = [];
    const { type, definition } = scripted({
      run: (text, turn) => {
        kept.push(turn);
        return text;
      },
    });
    const node = new KernelNode([definition]);
    await node.run(type, 'k', 'a');
    assert.throws(() => kept[0]?.append('late'), /until its handler has returned/);
  });

  it('A3: an expected failure is an answer, and what was appended before it stands', async () => {
    const { type, definition } = scripted({
      run: (text, turn) => {
        turn.append(text);
        throw new StarlingError('GROUP_FULL');
      },
    });
    const node = new KernelNode([definition]);
    assert.equal(await codeOf(node.run(type, 'k', 'a')), 'GROUP_FULL');
    assert.equal(await node.look(type, 'k'), 'a');
  });

  it('A3: any other failure ends the activation, and the next one is rebuilt from the store', async () => {
    const { type, definition } = scripted({
      run: (text, turn, script) => {
        if (text !== 'bad') return String(turn.append(text));
        script.words.push('half a change');
        throw new Error('a defect');
      },
    });
    const node = new KernelNode([definition]);
    await node.run(type, 'k', 'a');
    assert.equal(await codeOf(node.run(type, 'k', 'bad')), 'INTERNAL');
    assert.equal(await node.look(type, 'k'), 'a');
    assert.ok(
      node.log.some(({ level, fields }) => level === 'error' && String(fields['error']).includes('defect')),
    );
  });

  it('A3: a fold that fails is never an answer, and its record does not go out', async () => {
    const { type, definition } = scripted();
    const node = new KernelNode([definition]);
    assert.equal(await codeOf(node.run(type, 'k', 'broken fold')), 'INTERNAL');
    assert.equal(await node.run(type, 'k', 'a'), '1');
  });

  it('A4: whoever waits when the activation ends hears of it: queued, under way, at the gate, or deferred', async () => {
    const held = latch();
    let later: Later<RunResponse> | undefined;
    const store = new SimStore();
    const { type, definition } = scripted({
      run: (text, turn) => {
        if (text === 'defer') {
          later = turn.defer<RunResponse>();
          return later;
        }
        if (text === 'hold') return held.promise.then(() => 'held');
        return String(turn.append(text));
      },
    });
    const node = new KernelNode([definition], { store });
    const calls = ['defer', 'write', 'hold', 'queued'].map((text) => codeOf(node.run(type, 'k', text)));
    await settle();
    store.flush();
    await settle();
    store.failNext({ type: 'unknown_not_applied' });
    store.flush();
    await settle();
    held.open();
    assert.deepEqual(
      await Promise.all(calls),
      Array.from({ length: 4 }, () => 'OUTCOME_UNKNOWN'),
    );
    assert.ok(later !== undefined);
    later.resolve(reply('too late'));
  });

  it('what was refused by the store is answered so, but work whose turn has run and left is unknown', async () => {
    const { type, definition } = scripted({
      run: (text, turn) => (text === 'defer' ? turn.defer<RunResponse>() : String(turn.append(text))),
    });
    const node = new KernelNode([definition]);
    await node.run(type, 'k', 'a');
    const deferred = codeOf(node.run(type, 'k', 'defer'));
    node.store.failNext({ type: 'not_done' });
    assert.equal(await codeOf(node.run(type, 'k', 'b')), 'STORAGE_FULL');
    assert.equal(await deferred, 'OUTCOME_UNKNOWN');
  });

  it('a deferred answer is given once, in a later turn or before the handler has returned', async () => {
    const { type, definition } = scripted({
      run: (text, turn) => {
        const later = turn.defer<RunResponse>();
        if (text === 'early') later.resolve(reply('early'));
        turn.after(10, (next) => {
          later.resolve(reply(`at ${next.monotonic()}`));
          later.reject(new StarlingError('INTERNAL'));
        });
        return later;
      },
    });
    const node = new KernelNode([definition]);
    const calls = [node.run(type, 'k', 'early'), node.run(type, 'k', 'late')];
    await node.clock.advance(10);
    assert.deepEqual(await Promise.all(calls), ['early', 'at 10']);
  });
});

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

describe('passivation', () => {
  const idleMsMax = 1000;
  const idle = async (node: KernelNode): Promise<void> => {
    for (let i = 0; i < 4; i++) await node.clock.advance(idleMsMax);
  };

  it('drops an idle activation after writing its state, so that the next one reads no rows', async () => {
    const { type, definition } = scripted();
    const node = new KernelNode([definition], { limits: { idleMsMax } });
    await node.runtime.start();
    await node.run(type, 'k', 'a');
    await idle(node);
    assert.equal(node.runtime.stats().activations, 0);
    const { shard } = node.runtime.place(type, 'k');
    assert.equal((await node.store.readHead({ kind: 'script', key: 'k', shard }))?.asOf, 1);
    assert.equal(await node.look(type, 'k'), 'a');
  });

  it('keeps one that holds itself awake, owes an answer, or is in the middle of a turn', async () => {
    const held = latch();
    let letGo = (): void => {};
    const { type, definition } = scripted({
      run: (text, turn) => {
        if (text === 'defer') return turn.defer<RunResponse>();
        if (text === 'hold') return held.promise.then(() => '');
        letGo = turn.keepAwake();
        return '';
      },
      look: () => held.promise.then(() => ''),
    });
    const node = new KernelNode([definition], { limits: { idleMsMax, callMsMax: 60_000 } });
    await node.runtime.start();
    await node.run(type, 'awake', 'awake');
    for (const text of ['defer', 'hold']) void codeOf(node.run(type, text, text, 60_000));
    void node.look(type, 'look');
    await idle(node);
    assert.equal(node.runtime.stats().activations, 4);
    letGo();
    letGo();
    held.open();
    await idle(node);
    assert.equal(node.runtime.stats().activations, 1, 'the one that owes an answer');
  });

  it('drops an activation at its own word as soon as it has nothing to do', async () => {
    const { type, definition } = scripted({
      run: (_text, turn) => {
        turn.passivate();
        return 'bye';
      },
    });
    const node = new KernelNode([definition]);
    assert.equal(await node.run(type, 'k', ''), 'bye');
    await settle();
    assert.equal(node.runtime.stats().activations, 0);
  });
});

describe('an activation that fails', () => {
  it('I10: is opened again with no further call, and goes on with what it left', async () => {
    let openings = 0;
    const { type, definition } = scripted({
      opened: () => {
        openings++;
      },
    });
    const node = new KernelNode([definition]);
    await node.run(type, 'k', 'a');
    node.store.failNext({ type: 'unknown_not_applied' });
    assert.equal(await codeOf(node.run(type, 'k', 'b')), 'OUTCOME_UNKNOWN');
    for (let i = 0; i < 3; i++) node.store.failNext({ type: 'not_done' }, ({ head }) => head !== undefined);
    await node.clock.advance(60_000);
    assert.equal(openings, 2);
    assert.equal(node.runtime.stats().activations, 1);
  });

  it('does not take the turns of other actors with it, also if its last word fails', async () => {
    const { type, definition } = scripted({
      run: (text) => {
        if (text === 'bad') throw new Error('a defect');
        return text;
      },
      closed: () => {
        throw new Error('another defect');
      },
    });
    const node = new KernelNode([definition]);
    await Promise.all(['a', 'b'].map((key) => node.look(type, key)));
    const calls = [codeOf(node.run(type, 'a', 'bad')), codeOf(node.run(type, 'b', 'good'))];
    assert.deepEqual(await Promise.all(calls), ['INTERNAL', 'OK']);
    assert.equal(await node.run(type, 'a', 'good'), 'good');
  });

  it('does not keep the node from starting, nor other marked actors from being woken', async () => {
    const opened: string[] = [];
    const { type, definition } = scripted({
      run: (text, turn) => String(turn.append(text, { wake: true })),
      opened: (_turn, { key }) => opened.push(key),
    });
    const node = new KernelNode([definition]);
    for (const key of ['a', 'b', 'c']) await node.run(type, key, 'work');
    const store = node.store.crash();
    opened.length = 0;
    store.failNext({ type: 'not_done' }, ({ head, actor }) => head !== undefined && actor.key === 'b');
    const next = new KernelNode([definition], { store, ownership: new SimOwnership(65_537) });
    await next.runtime.start();
    await settle();
    assert.deepEqual([...opened].sort(), ['a', 'c']);
    await next.clock.advance(1000);
    assert.deepEqual([...opened].sort(), ['a', 'b', 'c']);
  });
});

describe('stopping', () => {
  it('lets what was accepted end, writes checkpoints and drops everything', async () => {
    const { type, definition } = scripted();
    const node = new KernelNode([definition]);
    const runs = ['a', 'b'].map((text) => node.run(type, 'k', text));
    await settle();
    const stopped = node.runtime.stop(1000);
    await node.clock.advance(1000);
    await stopped;
    assert.deepEqual(await Promise.all(runs), ['1', '2']);
    assert.equal(node.runtime.stats().activations, 0);
    const { shard } = node.runtime.place(type, 'k');
    assert.equal((await node.store.readHead({ kind: 'script', key: 'k', shard }))?.asOf, 2);
    assert.equal(await codeOf(node.look(type, 'k')), 'SHUTTING_DOWN');
  });

  it('waits no longer than its grace, and says of begun work that its outcome is unknown', async () => {
    const store = new SimStore();
    const { type, definition } = scripted();
    const node = new KernelNode([definition], { store });
    const run = codeOf(node.run(type, 'k', 'a'));
    await settle();
    store.flush();
    await settle();
    const stopped = node.runtime.stop(100);
    await node.clock.advance(200);
    await stopped;
    assert.equal(await run, 'OUTCOME_UNKNOWN');
  });
});

describe('tells', () => {
  function pair() {
    const seen: string[] = [];
    const receiver = scripted({
      kind: 'receiver',
      run: (text, turn) => {
        seen.push(text);
        return String(turn.append(text));
      },
    });
    const sender = scripted({
      kind: 'sender',
      run: (text, turn) => {
        const [to = '', ...words] = text.split(' ');
        return String(
          turn.append(text, { tells: words.map((word) => tell(receiver.type, to).run({ text: word })) }),
        );
      },
    });
    return { receiver, sender, seen };
  }

  it('T1: go only once their own row is durable and fence-checked, whatever went before them', async () => {
    const { receiver, sender, seen } = pair();
    const store = new SimStore();
    const node = new KernelNode([receiver.definition, sender.definition], { store });
    const step = async (count?: number): Promise<void> => {
      store.flush(count);
      await settle();
    };
    const opened = ['x', 'y'].map((key) => node.look(receiver.type, key));
    await settle();
    await step();
    await Promise.all(opened);
    void node.run(sender.type, 's', 'x one');
    await settle();
    await step();
    await step();
    assert.deepEqual(seen, ['one'], 'it waits for the write of its receiver');
    for (const text of ['x two', 'y three']) void node.run(sender.type, 's', text);
    await settle();
    assert.equal(store.pending, 2);
    await step(1);
    assert.deepEqual(seen, ['one'], 'it was taken; the rows of the others are not durable');
    await step();
    assert.deepEqual([...seen].sort(), ['one', 'three', 'two']);
  });

  it('T1 to T4: arrive once each and in order, through failures of the receiver, of the sender and of the node', async () => {
    const { receiver, sender } = pair();
    let node = new KernelNode([receiver.definition, sender.definition]);
    const clock = node.clock;
    const expected: string[] = [];
    for (let round = 0; round < 6; round++) {
      if (round % 2 === 1)
        node.store.failNext(
          { type: 'unknown_applied' },
          ({ actor, rows }) => rows !== undefined && actor.kind === 'receiver',
        );
      if (round % 3 === 1)
        node.store.failNext(
          { type: 'late' },
          ({ actor, rows }) => rows !== undefined && actor.kind === 'receiver',
        );
      const words = [`${round}a`, `${round}b`];
      assert.equal(await codeOf(node.run(sender.type, 's', `x ${words.join(' ')}`)), 'OK');
      expected.push(...words);
      if (round === 2) {
        node.store.failNext({ type: 'unknown_not_applied' }, ({ actor }) => actor.kind === 'sender');
        assert.equal(await codeOf(node.run(sender.type, 's', 'x never')), 'OUTCOME_UNKNOWN');
      }
      if (round === 3) {
        const store = node.store.crash();
        node = new KernelNode([receiver.definition, sender.definition], {
          store,
          clock,
          ownership: new SimOwnership(65_537),
        });
        await node.runtime.start();
      }
    }
    await clock.advance(120_000);
    assert.equal(await node.look(receiver.type, 'x'), expected.join());
  });

  it('of an ended activation are not sent by it any more', async () => {
    const { sender } = pair();
    let sent = 0;
    const receiver = scripted({
      kind: 'receiver',
      run: () => {
        sent++;
        throw new StarlingError('OVERLOADED');
      },
    });
    const node = new KernelNode([receiver.definition, sender.definition], {
      limits: { tellRetryMsMin: 100, tellRetryMsMax: 100, reviveMsMin: 1_000_000 },
    });
    await node.run(sender.type, 's', 'x one');
    await settle();
    node.store.failNext({ type: 'unknown_not_applied' });
    await codeOf(node.run(sender.type, 's', 'x two'));
    const before = sent;
    await node.clock.advance(10_000);
    assert.equal(sent, before);
  });
});

describe('streams', () => {
  it('belong to the actor that was opened for them, and end with an error where it refuses', async () => {
    const { type, definition } = scripted({
      watch: (text) => {
        throw new StarlingError('INVALID_REQUEST', text);
      },
    });
    const node = new KernelNode([definition]);
    const ended: (string | undefined)[] = [];
    const stream = {
      send: () => {},
      end: (error?: StarlingError) => ended.push(error?.code),
      bufferedBytes: 0,
      sentBytes: 0,
      closed: false,
      onClose: () => {},
    };
    node.runtime.open(type, 'k', 'watch', create(WatchRequestSchema), stream);
    await settle();
    assert.deepEqual(ended, ['INVALID_REQUEST']);
  });
});
