import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { check } from './checker.ts';
import { VERDICTS } from './findings.ts';
import { Seeded } from './seeded.ts';
import { LOG_FAULTS } from './testing/faults.ts';
import { cleanHistories } from './testing/model.ts';
import { VIEW_FAULTS } from './testing/view-faults.ts';

const FAULTS = { ...LOG_FAULTS, ...VIEW_FAULTS };

describe('checker', () => {
  test('A clean run of any size has no violation.', () => {
    fc.assert(
      fc.property(fc.integer(), fc.integer({ min: 0, max: 120 }), (seed, sends) => {
        const report = check(cleanHistories(seed, sends));
        assert.deepEqual(report, {
          violations: 0,
          findings: Object.fromEntries(VERDICTS.map((verdict) => [verdict, { count: 0, examples: [] }])),
        });
      }),
    );
  });

  for (const [name, [verdict, fault]] of Object.entries(FAULTS)) {
    test(`In any clean run, when ${name}, ${verdict} is reported.`, () => {
      fc.assert(
        fc.property(fc.integer(), fc.integer({ min: 24, max: 90 }), (seed, sends) => {
          const histories = cleanHistories(seed, sends);
          fault(histories, new Seeded(seed ^ 0x5bd1e995));
          const { findings } = check(histories);
          assert.ok(findings[verdict].count > 0, JSON.stringify(findings));
          assert.ok(findings[verdict].examples.length > 0);
        }),
      );
    });
  }

  test('Every verdict has a fault that brings it out.', () => {
    assert.deepEqual(new Set(Object.values(FAULTS).map(([verdict]) => verdict)), new Set(VERDICTS));
  });

  test('An unknown send may be stored or not, and a report keeps five examples of each verdict.', () => {
    const unknown = cleanHistories(1, 40);
    for (const send of unknown.sends) send.answers.length = 0;
    assert.equal(check(unknown).violations, 0);
    const forged = cleanHistories(1, 40);
    for (const send of forged.sends) send.contentDigest = 'forged';
    const finding = check(forged).findings.contentMismatch;
    assert.equal(finding.count, 40);
    assert.equal(finding.examples.length, 5);
  });
});
