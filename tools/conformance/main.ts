// `make conformance`: the public conformance runner drives our edge as a server.

import { spawn } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { goTool } from './go-tool.ts';

const RUNNER = { module: 'connectrpc.com/conformance/cmd/connectconformance', version: 'v1.0.7' };

const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

/** Runs the suite; its output is passed on and returned. */
function runSuite(runner: string): Promise<{ code: number; output: string }> {
  const args = [
    '--mode',
    'server',
    '--conf',
    here('config.yaml'),
    '--known-failing',
    `@${here('known-failing.txt')}`,
  ];
  const server = [process.execPath, here('server.ts')];
  const child = spawn(runner, [...args, '--', ...server], { stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
    process.stdout.write(text);
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve({ code: code ?? 1, output }));
  });
}

/** The last number before `word`, as in `463 passed, 8 failed`; 0 where there is none. */
function countOf(output: string, word: string): number {
  return Number([...output.matchAll(new RegExp(`(\\d+) ${word}`, 'g'))].at(-1)?.[1] ?? 0);
}

const { code, output } = await runSuite(await goTool(RUNNER));
const cases = Number(/Total cases: (\d+)/.exec(output)?.[1] ?? 0);
const passed = countOf(output, 'passed');
// The runner counts a known failure that failed as neither.
const known = countOf(output, 'failed as expected');
const failed = cases - passed - known;
const results = [
  { name: 'conformance.cases', value: cases, unit: 'cases' },
  { name: 'conformance.passed', value: passed, unit: 'cases' },
  { name: 'conformance.known_failing', value: known, unit: 'cases' },
  { name: 'conformance.failed', value: failed, unit: 'cases' },
];
const out = here('../../out/');
await mkdir(out, { recursive: true });
await writeFile(`${out}conformance.json`, `${JSON.stringify(results, undefined, 2)}\n`);
console.log(
  `${passed} passed, ${failed} failed (${known} known failures, see tools/conformance/known-failing.txt)`,
);
// A run without cases has shown nothing.
process.exitCode = code === 0 && failed === 0 && passed > 0 ? 0 : 1;
