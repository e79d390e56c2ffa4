import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { nodeArms } from '../bench.ts';
import { runtimeArms } from '../bench-runtime/arms.ts';
import { parseCrashArguments } from '../crash.ts';
import { inParallel, quantile } from './arm.ts';
import { figuresOf, holds, withLimits } from './figures.ts';
import { byFile, hottest } from './profile.ts';
import { chooseArms, parseBenchArguments } from './program.ts';

describe('figures', () => {
  test('The median of all runs counts, and a limit of the same run stands beside it.', () => {
    const runs = [3, 1, 2].flatMap((value) => [
      { name: 'embedded.send.rate.50', value, unit: '1/s' },
      { name: 'limit.lmdb.put_fsync', value: value * 10, unit: '1/s' },
    ]);
    assert.deepEqual(withLimits(figuresOf(runs)), [
      { name: 'embedded.send.rate.50', value: 2, unit: '1/s', limit: 20, ratio: 0.1 },
      { name: 'limit.lmdb.put_fsync', value: 20, unit: '1/s' },
    ]);
    assert.equal(figuresOf([4, 1, 2, 3].map((value) => ({ name: 'a', value, unit: 's' })))[0]?.value, 2.5);
  });

  test('An aim is met at its bound and not beyond it.', () => {
    assert.match(holds({ name: 'start.ready_ms', value: 1_000, unit: 'ms' }), /^met/);
    assert.match(holds({ name: 'start.ready_ms', value: 1_001, unit: 'ms' }), /^NOT MET/);
    assert.match(holds({ name: 'sync.pull.messages_per_s', value: 99_999, unit: '1/s' }), /^NOT MET/);
    assert.equal(holds({ name: 'limit.tcp_write', value: 1, unit: '1/s' }), '');
  });

  test('A quantile is one of the values.', () => {
    const values = Float64Array.from({ length: 100 }, (_, n) => 100 - n);
    assert.deepEqual(
      [0, 0.5, 0.99, 1].map((share) => quantile(values, share)),
      [1, 51, 100, 100],
    );
  });

  test('Work in parallel keeps the order of its results and never exceeds its width.', async () => {
    let busy = 0;
    let busiest = 0;
    const results = await inParallel([5, 4, 3, 2, 1], 2, async (item) => {
      busy += 1;
      busiest = Math.max(busiest, busy);
      await new Promise((resolve) => setImmediate(resolve));
      busy -= 1;
      return item * 2;
    });
    assert.deepEqual([results, busiest], [[10, 8, 6, 4, 2], 2]);
  });
});

describe('arguments', () => {
  test('Arms are chosen by name and by figure; a name that fits nothing chooses nothing.', () => {
    const chosen = (...only: string[]): string[] => chooseArms(nodeArms(), only).map((arm) => arm.name);
    assert.deepEqual(chosen('embedded.send.cpu_us'), ['send.50']);
    assert.deepEqual(chosen('fanout', 'start'), ['start', 'fanout.paced', 'fanout.closed']);
    assert.deepEqual(chosen('edge.unary.cpu_us.http1'), ['edge.http1']);
    assert.deepEqual(chosen('nothing'), []);
    assert.equal(chosen().length, 12);
  });

  test('A figure of the runtime chooses the arms that measure it and what it is compared to.', () => {
    const chosen = (...only: string[]): string[] => chooseArms(runtimeArms(), only).map((arm) => arm.name);
    assert.deepEqual(chosen('activation.rate'), ['starling.activation']);
    assert.deepEqual(chosen('starling.call', 'queue.call'), [
      'starling.call',
      'queue.call',
      'starling.call.traced',
      'starling.call.unsampled',
      'starling.call.of_actor',
    ]);
    assert.deepEqual(chosen('one_actor.durable.rate', 'limit.lmdb'), [
      'limit.lmdb',
      'starling.one_actor.durable',
    ]);
  });

  test('Arguments that make no sense are refused.', () => {
    assert.equal(parseBenchArguments(['--rounds', '0']), undefined);
    assert.equal(parseBenchArguments(['--fast']), undefined);
    assert.equal(parseBenchArguments(['--profile'])?.rounds, 1);
    assert.equal(parseBenchArguments([])?.rounds, 3);
    assert.equal(parseBenchArguments(['--help'])?.help, true);
    for (const args of [
      ['--cycles', '0'],
      ['--cycles', 'x'],
      ['--seed', '1.5'],
      ['--senders', '1'],
      ['--what'],
    ])
      assert.equal(parseCrashArguments(args), undefined, args.join(' '));
    assert.deepEqual(parseCrashArguments(['--cycles', '3', '--seed', '9']), {
      cycles: 3,
      seed: 9,
      senders: 20,
      keep: false,
    });
  });
});

describe('profile', () => {
  test('Time is summed by function and by file, without idle time.', () => {
    const frameOf = (functionName: string, url: string, lineNumber: number) => ({
      functionName,
      url,
      lineNumber,
    });
    const hot = hottest({
      nodes: [
        { id: 1, callFrame: frameOf('(idle)', '', -1) },
        { id: 2, callFrame: frameOf('turn', 'file:///a/b/runtime/turn.ts', 9) },
        { id: 3, callFrame: frameOf('', 'file:///a/b/runtime/turn.ts', 19) },
        { id: 4, callFrame: frameOf('write', 'node:net', 0) },
      ],
      samples: [1, 2, 3, 2, 4],
      timeDeltas: [9_000, 1_000, 2_000, 3_000, 2_000],
    });
    assert.deepEqual(hot, [
      { where: 'turn b/runtime/turn.ts:10', ms: 4, share: 0.5 },
      { where: '(anonymous) b/runtime/turn.ts:20', ms: 2, share: 0.25 },
      { where: 'write node:net:1', ms: 2, share: 0.25 },
    ]);
    assert.deepEqual(byFile(hot)[0], { where: 'b/runtime/turn.ts', ms: 6, share: 0.75 });
  });
});
