import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { FAULTS, runSeed, type SwarmOptions, swarmOf } from './index.ts';
import { applied, MUTANTS } from './mutants/index.ts';
import { failureText } from './report.ts';
import { readKnownSeeds } from './seeds.ts';
import { shrink } from './shrink.ts';

/** Fresh seeds of this test; `make sim` runs many. */
const SEEDS = [201, 202, 203, 204, 205, 206];
const root = fileURLToPath(new URL('../../', import.meta.url));

describe('the simulator', () => {
  for (const seed of readKnownSeeds()) {
    it(`finds nothing any more with seed ${seed}, which found something once`, async () => {
      assert.deepEqual((await runSeed(swarmOf(seed))).findings, []);
    });
  }

  it('finds nothing with a few further seeds', async () => {
    for (const seed of SEEDS) assert.deepEqual((await runSeed(swarmOf(seed))).findings, [], `seed ${seed}`);
  });

  it('makes the same history of a seed in two processes', () => {
    const hash = () => {
      const args = [
        'tools/sim/main.ts',
        '--seeds',
        '2',
        '--start',
        '101',
        '--workers',
        '1',
        '--hash',
        '--no-shrink',
      ];
      const { stdout } = spawnSync('node', args, { cwd: root, encoding: 'utf8' });
      return stdout.split('\n').filter((line) => /^10[12] [0-9a-f]{16}$/.test(line));
    };
    const first = hash();
    assert.equal(first.length, 2);
    assert.deepEqual(hash(), first);
  });

  it('tells of a failure by its invariant, the command that runs it again, and a trace of every place', () => {
    const result = {
      seed: 7,
      hash: '',
      counts: {},
      findings: [{ invariant: 'I4', text: 'two owners', atMs: 1_500 }],
      trace: { 'n1.1': [{ atMs: 1_400, place: 'n1.1', text: 'swaps shard 3' }] },
    };
    const text = failureText(result, { off: ['kill'] }, 10);
    assert.match(text, /I4 at 1\.500 s: two owners/);
    assert.match(text, /make sim SEEDS=1 SEED_START=7 ARGS='--off kill'/);
    assert.match(text, /--- n1\.1\n {2}1\.400 swaps shard 3/);
  });

  it('makes a failing run smaller as long as it breaks the same invariant', async () => {
    const swarm = swarmOf(1);
    const on = FAULTS.filter((name) => swarm.faults[name] > 0);
    const [needed] = on;
    assert.ok(needed !== undefined && on.length > 1);
    const run = async (options: SwarmOptions) => {
      const findings = options.off?.includes(needed) ? [] : [{ invariant: 'I1', text: '', atMs: 0 }];
      return { seed: 1, hash: '', counts: {}, trace: {}, findings };
    };
    const small = await shrink(1, {}, 'I1', run);
    assert.deepEqual(small.off, on.slice(1));
  });
});

describe('mutants', () => {
  it('are put into the product as it is loaded, and caught', () => {
    const args = ['tools/sim/mutate-main.ts', '--only', 'no fence read', '--seeds', '4'];
    const { stdout, status } = spawnSync('node', args, { cwd: root, encoding: 'utf8' });
    assert.match(stdout, /^no fence read +(I\d+|rule 6) +\d/m);
    assert.equal(status, 0);
  });

  it('stand in the source of today, each exactly once', () => {
    for (const { edits } of MUTANTS) {
      for (const [file, some] of Map.groupBy(edits, ({ file }) => file)) {
        const source = readFileSync(`${root}${file}`, 'utf8');
        assert.notEqual(applied(source, some), source);
      }
    }
  });

  it('that do not stand in the source are refused', () => {
    assert.throws(() => applied('a b a', [{ file: 'x', find: 'a', replace: 'c' }]), /2 times/);
    assert.throws(() => applied('a b a', [{ file: 'x', find: 'z', replace: 'c' }]), /0 times/);
  });
});
