// Prints where the repository breaks its own rules: one line a violation. Ends with 1 if there is one.

import { spawnSync } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { sourceFile, tidy } from './index.ts';

const TEXT = /\.(?:tsx?|proto|md|sh|json|ya?ml|html|css|js|mjs)$|(?:^|\/)(?:Makefile|run|\.[a-z]+)$/;

const listed = spawnSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '-z'], {
  encoding: 'utf8',
});
if (listed.error !== undefined) throw listed.error;
if (listed.status !== 0) throw new Error(`git ls-files failed: ${listed.stderr}`);

const paths = listed.stdout.split('\0').filter((path) => TEXT.test(path) && existsAt(path));
const files = paths.map((path) => sourceFile(path, readFileSync(path, 'utf8')));
const violations = tidy({ files, exists: existsAt });
for (const { path, line, message, rule } of violations) {
  process.stdout.write(`${path}:${line} ${rule}: ${message}\n`);
}
process.stdout.write(`${files.length} files, ${violations.length} violations\n`);
process.exitCode = violations.length === 0 ? 0 : 1;

function existsAt(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false }) !== undefined;
}
