import assert from 'node:assert/strict';
import test from 'node:test';
import { InvalidArgumentError } from 'commander';
import {
  collectSetting,
  parseAddress,
  parseConversationId,
  parseDuration,
  parseId,
  parseInteger,
  parseTtl,
  parseUserId,
} from './parse.ts';

test('a duration is a sequence of amounts with units', () => {
  assert.equal(parseDuration('90s'), 90);
  assert.equal(parseDuration('24h'), 86_400);
  assert.equal(parseDuration('1h30m'), 5_400);
  assert.equal(parseDuration('7d'), 604_800);
  for (const bad of ['', '10', 'h', '1w', '1h 2m', '-1h', '1.5h', 'x1h', '1hx']) {
    assert.throws(() => parseDuration(bad), InvalidArgumentError, bad);
  }
});

test('a life time of a token has the bounds of the server', () => {
  assert.equal(parseTtl('60s'), 60);
  assert.equal(parseTtl('30d'), 2_592_000);
  assert.throws(() => parseTtl('59s'), InvalidArgumentError);
  assert.throws(() => parseTtl('31d'), InvalidArgumentError);
});

test('an address is a base address of http or https', () => {
  assert.equal(parseAddress('http://127.0.0.1:7700/'), 'http://127.0.0.1:7700');
  assert.equal(parseAddress('https://im.example.com'), 'https://im.example.com');
  for (const bad of ['', '127.0.0.1:7700', 'ftp://h', 'http://h/path', 'http://h/?q']) {
    assert.throws(() => parseAddress(bad), InvalidArgumentError, bad);
  }
});

test('integers, ids and settings outside of their bounds are refused', () => {
  const parse = parseInteger({ min: 1, max: 64 });
  assert.equal(parse('64'), 64);
  for (const bad of ['0', '65', '-1', '1.0', 'x', ''])
    assert.throws(() => parse(bad), InvalidArgumentError, bad);
  assert.equal(parseUserId('a.b@c-d_E'), 'a.b@c-d_E');
  assert.throws(() => parseUserId('a b'), InvalidArgumentError);
  assert.throws(() => parseId('a.b'), InvalidArgumentError);
  assert.deepEqual(collectSetting('a=b=c', { x: 'y' }), { x: 'y', a: 'b=c' });
  assert.throws(() => collectSetting('=x', {}), InvalidArgumentError);
});

test('a conversation is named by its id, a direct one by its two users', () => {
  assert.equal(parseConversationId('d_alice~bob.smith@example'), 'd_alice~bob.smith@example');
  for (const bad of ['', 'a/b', 'a b', 'x'.repeat(161)])
    assert.throws(() => parseConversationId(bad), InvalidArgumentError);
});
