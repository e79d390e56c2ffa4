import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CallContext } from '../../runtime/index.ts';
import { SimClock } from '../../runtime/testing/index.ts';
import { within } from './context.ts';

test('Actor calls made one after the other for one call share its time, and each carries its trace.', async () => {
  const clock = new SimClock();
  const deadlineMs = clock.monotonic() + 1000;
  const context: CallContext = {
    principal: undefined,
    signal: new AbortController().signal,
    get timeoutMs() {
      return deadlineMs - clock.monotonic();
    },
    traceparent: 'trace',
    header: () => undefined,
  };
  assert.deepEqual(within(context), { timeoutMs: 1000, traceparent: 'trace' });
  await clock.advance(700);
  assert.deepEqual(within(context), { timeoutMs: 300, traceparent: 'trace' });
});

test('A call without a deadline bounds no actor call.', () => {
  const context = { principal: undefined, signal: new AbortController().signal, header: () => undefined };
  assert.deepEqual(within({ ...context, timeoutMs: undefined }), {});
});
