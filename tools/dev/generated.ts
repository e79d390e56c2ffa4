// Generates the code of proto/ anew, beside the tree, and fails where the committed code differs.

import { spawnSync } from 'node:child_process';
import { globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { compareTrees } from './compare-trees.ts';

const COMMITTED = join('proto', 'gen');

const scratch = mkdtempSync(join(tmpdir(), 'starling-generated-'));
try {
  const generate = spawnSync('buf', ['generate', '--output', scratch], { encoding: 'utf8' });
  if (generate.error !== undefined) throw generate.error;
  if (generate.status !== 0) throw new Error(`buf generate failed:\n${generate.stderr}`);
  const differences = compareTrees(readTree(COMMITTED), readTree(join(scratch, COMMITTED)));
  for (const difference of differences) process.stdout.write(`${COMMITTED}/${difference}\n`);
  if (differences.length > 0) {
    process.stdout.write('The generated code is not that of proto/. Run `make gen` and commit the result.\n');
    process.exitCode = 1;
  }
} finally {
  rmSync(scratch, { recursive: true, force: true });
}

function readTree(root: string): Map<string, string> {
  const files = globSync('**/*.ts', { cwd: root });
  return new Map(files.map((file) => [file, readFileSync(join(root, file), 'utf8')]));
}
