import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { type RunResponse, RunResponseSchema } from '../proto/gen/starling/test/v1/script_pb.ts';
import { StarlingError } from './errors.ts';
import { codeOf, KernelNode, latch, SimStore, scripted, settle } from './testing/index.ts';
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

  it('a one-way call that has waited until its time was up is not run', async () => {
    const held = latch();
    const ran: string[] = [];
    const target = scripted({
      kind: 'target',
      rank: 20,
      run: (text) => {
        ran.push(text);
        return text === 'hold' ? held.promise.then(() => '') : '';
      },
    });
    const source = scripted({
      run: (text, turn) => {
        turn.oneWay(target.type, 't').run({ text });
        return '';
      },
    });
    const node = new KernelNode([target.definition, source.definition], { limits: { callMsDefault: 1000 } });
    for (const text of ['hold', 'late']) await node.run(source.type, 's', text);
    await node.clock.advance(1000);
    held.open();
    await settle();
    await node.run(source.type, 's', 'in time');
    await settle();
    assert.deepEqual(ran, ['hold', 'in time']);
  });
});
