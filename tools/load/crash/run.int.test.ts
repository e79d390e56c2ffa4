import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { DoubleNode } from '../testing/double.ts';
import { type CrashResult, runCrash } from './run.ts';

function run(node: DoubleNode): Promise<CrashResult> {
  return runCrash({
    node,
    seed: 7,
    cycles: 2,
    senders: 6,
    pauseMsMax: 10,
    loadMsMax: 150,
    laterMsMax: 300,
    progress: () => undefined,
  });
}

describe('crash run', () => {
  test('A node that keeps what it acked passes, though a third of its answers are lost.', async () => {
    const result = await run(new DoubleNode({ unknownShare: 1 / 3 }));
    assert.deepEqual(
      Object.values(result.report.findings).flatMap((finding) => finding.examples),
      [],
    );
    assert.equal(result.drained, true);
    assert.ok(result.sends > 20);
    assert.ok(result.unknown > 0);
    const acked = result.histories.sends.filter((send) => send.answers.length > 0);
    assert.equal(acked.length, result.sends, 'every send is settled');
    assert.ok(
      acked.some((send) => send.answers.length > 1),
      'some sends were answered twice',
    );
  });

  test('A node that forgets its last rows when killed is found out.', async () => {
    const { report } = await run(new DoubleNode({ forgetsOnKill: true }));
    assert.ok(report.findings.ackedLost.count > 0);
    assert.ok(report.violations > 0);
  });

  test('A node that does not recognise repeats is found out.', async () => {
    const { report } = await run(new DoubleNode({ storesRepeats: true, unknownShare: 1 / 5 }));
    assert.ok(report.findings.storedTwice.count > 0);
  });
});
