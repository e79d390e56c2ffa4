// Generates all code anew, beside the tree, and fails where the committed code differs. The template in the root writes
// proto/gen; the template of a tool writes the folder gen beside it.

import { spawnSync } from 'node:child_process';
import { globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { compareTrees } from './compare-trees.ts';

const scratch = mkdtempSync(join(tmpdir(), 'starling-generated-'));
try {
  for (const template of ['buf.gen.yaml', ...globSync('tools/{*,examples/*}/buf.gen.yaml')]) check(template);
} finally {
  rmSync(scratch, { recursive: true, force: true });
}

function check(template: string): void {
  const folder = dirname(template);
  const committed = join(folder === '.' ? 'proto' : folder, 'gen');
  const generate = spawnSync('buf', ['generate', '--template', template, '--output', scratch], {
    encoding: 'utf8',
  });
  if (generate.error !== undefined) throw generate.error;
  if (generate.status !== 0) throw new Error(`buf generate of ${template} failed:\n${generate.stderr}`);
  const differences = compareTrees(readTree(committed), readTree(join(scratch, committed)));
  for (const difference of differences) process.stdout.write(`${committed}/${difference}\n`);
  if (differences.length === 0) return;
  process.stdout.write(
    'The generated code is not that of the contracts. Run `make gen` and commit the result.\n',
  );
  process.exitCode = 1;
}

function readTree(root: string): Map<string, string> {
  const files = globSync('**/*.ts', { cwd: root });
  return new Map(files.map((file) => [file, readFileSync(join(root, file), 'utf8')]));
}
