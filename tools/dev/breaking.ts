// Compares the contracts with those of the last landed state: `buf breaking` against the tag `proto-baseline` where it
// exists, else against the branch `origin/main`. Reads the local repository only, never the network.

import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const BASELINES = ['refs/tags/proto-baseline', 'refs/remotes/origin/main'];
const CONTRACTS = ['buf.yaml', 'proto'];

const baseline = BASELINES.find((ref) => git('rev-parse', '--verify', '--quiet', `${ref}^{commit}`) === 0);
if (baseline === undefined) {
  process.stdout.write(`nothing to compare with: neither ${BASELINES.join(' nor ')} exists\n`);
} else if (git('cat-file', '-e', `${baseline}:buf.yaml`) !== 0) {
  process.stdout.write(`nothing to compare with: ${baseline} holds no contracts\n`);
} else {
  process.exitCode = compare(baseline);
}

function compare(ref: string): number {
  const scratch = mkdtempSync(join(tmpdir(), 'starling-breaking-'));
  try {
    const archive = join(scratch, 'contracts.tar');
    const tree = join(scratch, 'tree');
    mkdirSync(tree);
    if (git('archive', '--output', archive, ref, '--', ...CONTRACTS) !== 0) {
      throw new Error(`git archive of ${ref} failed`);
    }
    if (spawnSync('tar', ['-xf', archive, '-C', tree]).status !== 0) {
      throw new Error(`tar cannot unpack ${archive}`);
    }
    process.stdout.write(`comparing with ${ref}\n`);
    return spawnSync('buf', ['breaking', '--against', tree], { stdio: 'inherit' }).status ?? 1;
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

function git(...args: string[]): number {
  const result = spawnSync('git', args, { stdio: ['ignore', 'ignore', 'inherit'] });
  if (result.error !== undefined) throw result.error;
  return result.status ?? 1;
}
