import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseTimeout } from './timeout.ts';

test('Every unit of grpc-timeout is understood.', () => {
  const cases = { '1H': 3_600_000, '2M': 120_000, '3S': 3000, '4m': 4, '5000u': 5, '6000000n': 6, '0m': 0 };
  for (const [header, ms] of Object.entries(cases)) assert.equal(parseTimeout(header), ms, header);
  assert.equal(parseTimeout('99999999H'), 99_999_999 * 3_600_000);
});

test('What is no grpc-timeout is invalid, and none is none.', () => {
  assert.equal(parseTimeout(undefined), undefined);
  for (const header of ['', '1', 'S', '1s', '-1S', '1.5S', '123456789S', '1S ', ' 1S']) {
    assert.equal(parseTimeout(header), 'invalid', header);
  }
});
