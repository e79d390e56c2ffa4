import assert from 'node:assert/strict';
import test from 'node:test';
import { Progress } from './progress.ts';

test('on a terminal one line is drawn over, at most ten times a second, with rate and time left', () => {
  const written: string[] = [];
  let now = 0;
  const progress = new Progress({
    unit: 'messages',
    write: (text) => written.push(text),
    interactive: true,
    now: () => now,
  });
  progress.update({ done: 0, total: 1_000 });
  for (now = 1; now <= 1_000; now++) progress.update({ done: now / 2, total: 1_000, note: '2 refused' });
  assert.ok(written.length <= 12, `${written.length} drawn`);
  const last = written.at(-1) ?? '';
  assert.ok(last.startsWith('\r\u001b[K████████████'), last);
  assert.match(last, /50% {2}500\/1,000 messages {2}500\/s {2}1\.0s left {2}2 refused$/);
  assert.equal(progress.end(), 1_001);
  assert.equal(written.at(-1), '\r\u001b[K');
});

test('elsewhere a plain line comes each five seconds', () => {
  const written: string[] = [];
  let now = 0;
  const progress = new Progress({
    unit: 'entries',
    write: (text) => written.push(text),
    interactive: false,
    now: () => now,
  });
  for (now = 0; now <= 10_000; now += 100) progress.update({ done: now, total: 20_000 });
  assert.deepEqual(written, [
    ' 25%  5,000/20,000 entries  1,000/s  15s left\n',
    ' 50%  10,000/20,000 entries  1,000/s  10s left\n',
  ]);
  progress.end();
  assert.equal(written.length, 2);
});
