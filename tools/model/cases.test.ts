import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parseModelArguments, selectCases } from './arguments.ts';
import { definesOf } from './case.ts';
import { CASES } from './cases.ts';
import { refreshPage } from './page.ts';
import { grouped, jsonRows, markdownTable, progressLine, textTable } from './report.ts';
import { judge } from './run-cases.ts';
import { compilerSwitches } from './verifier.ts';

const text = (path: string): Promise<string> =>
  readFile(fileURLToPath(new URL(path, import.meta.url)), 'utf8');
const mutants = CASES.filter(({ kind }) => kind === 'mutant');

describe('the cases', () => {
  it('have names of their own', () => {
    assert.equal(new Set(CASES.map(({ name }) => name)).size, CASES.length);
  });

  it('use only switches and bounds that their model knows', async () => {
    for (const one of CASES) {
      const model = await text(`${one.model}.pml`);
      for (const define of definesOf(one)) {
        const name = define.split('=')[0] ?? '';
        if (name === 'MUTANT' && one.model === 'trim') continue;
        assert.match(model, new RegExp(`^\\s*#if.*\\b${name}\\b`, 'm'), `${one.name}: ${define}`);
      }
    }
  });

  it('hold every mutant that a model knows', async () => {
    for (const model of ['ownership', 'trim', 'delivery']) {
      const known = new Set((await text(`${model}.pml`)).match(/\bM_[A-Z_]+\b/g));
      known.delete('M_');
      const used = new Set(mutants.filter((one) => one.model === model).map(({ mutant }) => mutant));
      assert.deepEqual(
        [...known].filter((name) => !used.has(name)),
        [],
        model,
      );
    }
  });

  it('have a quick run with all mutants and each model', () => {
    const quick = CASES.filter((one) => one.quick);
    assert.ok(mutants.every((one) => one.quick));
    assert.equal(new Set(quick.filter(({ kind }) => kind === 'protocol').map(({ model }) => model)).size, 3);
  });

  it('never hold states as hashes or bits, which would not be exhaustive', () => {
    for (const one of CASES) {
      assert.ok(!compilerSwitches(one).some((flag) => /BITSTATE|HC/.test(flag)), one.name);
    }
  });

  it('each have a story with its trace in the documentation', async () => {
    const page = await text('../../docs/model.md');
    for (const { name } of mutants) {
      assert.match(page, new RegExp(`^### ${name}$`, 'm'));
      assert.match(page, new RegExp(`<!-- trace:${name} -->\n\`\`\`text\n +1 `), name);
    }
  });
});

describe('the command line', () => {
  const names = (args: readonly string[]): readonly string[] => {
    const options = parseModelArguments(args, CASES);
    assert.ok(typeof options !== 'string', String(options));
    return selectCases(CASES, options).map(({ name }) => name);
  };

  it('asks for all cases, the quick ones, or those named', () => {
    assert.equal(names([]).length, CASES.length);
    assert.ok(names(['--quick']).length < CASES.length);
    assert.deepEqual(names(['--only', 'no-seal,owners-3-rows', '--quick']), ['owners-3-rows', 'no-seal']);
    assert.deepEqual(names(['--trace', 'no-seal']), ['no-seal']);
  });

  it('is told what is wrong with it', () => {
    assert.match(String(parseModelArguments(['--only', 'nothing'], CASES)), /no case is called nothing/);
    assert.match(String(parseModelArguments(['--fast'], CASES)), /--fast/);
  });
});

describe('the results', () => {
  const [one] = mutants;
  assert.ok(one !== undefined);
  const report = {
    errors: 1,
    states: 1_234_567,
    transitions: 3,
    depth: 4,
    memoryMib: 35.4,
    violation: 'assertion violated 0',
    truncated: '',
  };
  const result = judge(one, { report, steps: [{ who: 'A', event: 'claims' }], seconds: 0.25 });

  it('are a table with states, memory, time and verdict', () => {
    const [, line] = textTable([result]).split('\n');
    assert.match(
      line ?? '',
      /^no-fence-read .* 1,234,567 {2}35 MiB {2}0\.[23] s {2}counter-example of 1 steps$/,
    );
  });

  it('are told one by one', () => {
    assert.equal(
      progressLine(result, 3, 44),
      '  3/44 ok   no-fence-read: counter-example of 1 steps (1,234,567 states)\n',
    );
    assert.match(progressLine({ ...result, holds: false }, 44, 44), /^ 44\/44 FAIL /);
  });

  it('keep their traces as JSON', () => {
    const [row] = jsonRows([result]);
    assert.deepEqual(row?.['trace'], [{ who: 'A', event: 'claims' }]);
    assert.deepEqual(row?.['states'], 1_234_567);
  });

  it('renew the generated parts of the page and nothing else', () => {
    const page =
      'before\n<!-- trace:no-fence-read -->\nold\n<!-- end -->\nbetween\n<!-- table:mutant -->\n<!-- end -->\nafter\n';
    assert.equal(
      refreshPage(page, [result]),
      'before\n<!-- trace:no-fence-read -->\n```text\n 1  A  claims\n```\n<!-- end -->\n' +
        `between\n<!-- table:mutant -->\n${markdownTable([result])}<!-- end -->\nafter\n`,
    );
  });

  it('write large numbers with their thousands apart', () => {
    assert.deepEqual([7, 999, 1_000, 73_794_776].map(grouped), ['7', '999', '1,000', '73,794,776']);
  });
});
