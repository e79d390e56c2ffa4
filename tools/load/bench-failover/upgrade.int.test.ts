// The build of the commit before this one and this one, side by side in one cluster, in a rolling upgrade under load.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { startLocalCluster } from '../../dev/local-cluster/index.ts';
import { Ground } from '../people/ground.ts';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const PROGRAM = 'tools/cli/main.ts';
const PEOPLE = 12;
const PAUSE_MS = 50;

const git = async (...args: readonly string[]): Promise<string> =>
  (await promisify(execFile)('git', ['-C', ROOT, ...args])).stdout.trim();

/** The commit before this one; this one where a clone has no history. */
async function previousCommit(): Promise<string> {
  return git('rev-parse', '--verify', '--quiet', 'HEAD~1').catch(() => git('rev-parse', 'HEAD'));
}

test('a cluster is upgraded node by node from the build of the commit before, and no message fails', async (t) => {
  const scratch = await mkdtemp(join(tmpdir(), 'starling-upgrade-'));
  const before = join(scratch, 'before');
  t.after(() => rm(scratch, { recursive: true, force: true }));
  await git('worktree', 'add', '--detach', before, await previousCommit());
  t.after(() => git('worktree', 'remove', '--force', before));
  await symlink(join(ROOT, 'node_modules'), join(before, 'node_modules'));

  const cluster = await startLocalCluster({
    nodes: 3,
    cassandraNodes: 1,
    shards: 64,
    settings: { 'web.enabled': 'false' },
    program: () => join(before, PROGRAM),
    onStep: (line) => t.diagnostic(line),
  });
  t.after(() => cluster.close());
  const ground = await Ground.of(cluster);
  t.after(() => ground.close());
  await ground.cluster.atRest();
  const pacers = ground.pacers(await ground.people(PEOPLE), PAUSE_MS);
  for (const pacer of pacers) pacer.start();

  for (const node of cluster.nodes) {
    const sent = pacers.map(({ acked }) => acked.length);
    await node.stop();
    node.runs(join(ROOT, PROGRAM));
    await node.start();
    await node.serving();
    await ground.cluster.atRest();
    // Everybody goes on while both builds are there.
    await ground.until(() => pacers.every(({ acked }, at) => acked.length > (sent[at] ?? 0) + 2));
  }

  await Promise.all(pacers.map((pacer) => pacer.finish()));
  assert.deepEqual(
    pacers.flatMap(({ failed }) => failed),
    [],
  );
  await ground.verify(pacers);
});
