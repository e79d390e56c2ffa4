import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ERRORS, type ErrorCode, StarlingError } from '../../runtime/errors.ts';
import { percentEncode, statusOf } from './status.ts';
import { decodeError } from './testing/index.ts';

test('Every code of the table has a status, its own reason, and retry advice exactly where the table has it.', () => {
  for (const code of Object.keys(ERRORS) as ErrorCode[]) {
    const status = statusOf(new StarlingError(code));
    const { info, retry, badRequest } = decodeError(status.details);
    assert.ok(status.code >= 1 && status.code <= 16, code);
    assert.equal(info?.reason, code);
    assert.equal(retry !== undefined, new StarlingError(code).retryAfterMs !== undefined, code);
    assert.equal(badRequest, undefined);
  }
});

test('A message is percent-encoded as UTF-8, and plain text stays as it is.', () => {
  assert.equal(percentEncode('Plain text, with ~ and "quotes".'), 'Plain text, with ~ and "quotes".');
  assert.equal(percentEncode('100 % 热\r\n'), '100 %25 %E7%83%AD%0D%0A');
});
