import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Case } from './case.ts';
import { judge, runCases } from './run-cases.ts';
import type { Outcome } from './verifier.ts';

const PROTOCOL: Case = {
  name: 'owners',
  model: 'ownership',
  kind: 'protocol',
  says: 'it holds',
  bounds: ['NODES=2'],
  search: 'exhaustive',
  memoryMib: 600,
  secondsMax: 10,
  quick: true,
};
const MUTANT: Case = {
  ...PROTOCOL,
  name: 'no-seal',
  kind: 'mutant',
  mutant: 'M_NO_SEAL',
  search: 'shortest',
};

function outcome(changes: Partial<Outcome['report']>, steps: Outcome['steps'] = []): Outcome {
  const report = {
    errors: 0,
    states: 10,
    transitions: 20,
    depth: 5,
    memoryMib: 1,
    violation: '',
    truncated: '',
    ...changes,
  };
  return { report, steps, seconds: 1 };
}

describe('a case', () => {
  it('of the protocol holds where the search ended without an error', () => {
    assert.deepEqual(judge(PROTOCOL, outcome({})).holds, true);
  });

  it('of the protocol does not hold where the search was cut short', () => {
    const result = judge(PROTOCOL, outcome({ truncated: 'the memory was not enough' }));
    assert.equal(result.holds, false);
    assert.equal(result.verdict, 'NOT EXHAUSTIVE: the memory was not enough');
  });

  it('of the protocol does not hold where something is violated', () => {
    const result = judge(PROTOCOL, outcome({ errors: 1, violation: 'assertion violated 0' }));
    assert.equal(result.holds, false);
    assert.equal(result.verdict, 'VIOLATED in 0 steps: assertion violated 0');
  });

  it('of a mutant holds where there is a counter-example, whose violation is no step', () => {
    const steps = [
      { who: 'A', event: 'claims' },
      { who: '!', event: 'a row is lost' },
    ];
    const result = judge(MUTANT, outcome({ errors: 1 }, steps));
    assert.equal(result.holds, true);
    assert.equal(result.verdict, 'counter-example of 1 steps');
  });

  it('of a mutant does not hold where there is none', () => {
    assert.equal(judge(MUTANT, outcome({})).holds, false);
  });
});

describe('a run of cases', () => {
  const named = (name: string, memoryMib: number): Case => ({ ...PROTOCOL, name, memoryMib });

  it('keeps to the number of searches and to the memory at once, and answers in the order of the cases', async () => {
    const cases = [named('a', 600), named('b', 100), named('c', 500), named('d', 300), named('e', 900)];
    const underWay = new Set<Case>();
    let most = 0;
    const results = await runCases(cases, {
      parallel: 2,
      memoryMib: 1_000,
      done: () => undefined,
      verify: async (one) => {
        underWay.add(one);
        most = Math.max(most, underWay.size);
        assert.ok([...underWay].reduce((sum, { memoryMib }) => sum + memoryMib, 0) <= 1_000);
        await new Promise((resolve) => setImmediate(resolve));
        underWay.delete(one);
        return outcome({});
      },
    });
    assert.equal(most, 2);
    assert.deepEqual(
      results.map(({ one }) => one.name),
      ['a', 'b', 'c', 'd', 'e'],
    );
  });

  it('goes on after a tool failed, and says what failed', async () => {
    const results = await runCases([named('a', 1), named('b', 1)], {
      parallel: 1,
      memoryMib: 10,
      done: () => undefined,
      verify: ({ name }) =>
        name === 'a' ? Promise.reject(new Error('gcc ended with 1')) : Promise.resolve(outcome({})),
    });
    assert.deepEqual(
      results.map(({ verdict }) => verdict),
      ['FAILED: gcc ended with 1', 'verified'],
    );
  });

  it('refuses a case that can never fit', async () => {
    const options = {
      parallel: 2,
      memoryMib: 10,
      done: () => undefined,
      verify: () => Promise.resolve(outcome({})),
    };
    await assert.rejects(runCases([named('a', 11)], options), /no case fits into 10 MiB/);
  });
});
