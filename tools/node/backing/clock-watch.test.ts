import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SimClock } from '../../../runtime/testing/index.ts';
import { ClockWatch } from './clock-watch.ts';

function watched(offsetMs: number) {
  const now = { offsetMs, away: false };
  const clock = new SimClock();
  const clockOffsetMs = async (): Promise<number> => {
    if (now.away) throw new Error('away');
    return now.offsetMs;
  };
  return { now, clock, watch: new ClockWatch({ clockOffsetMs }, { clock }) };
}

test('a clock that is right is no problem', async () => {
  const { watch } = watched(-300);
  await watch.look();
  assert.deepEqual(watch.problems(), []);
});

test('a node whose clock is a minute off is not started, and told which way', async () => {
  await assert.rejects(watched(61_000).watch.look(), { name: 'StartError', message: /61\.0 s ahead of/ });
  await assert.rejects(watched(-90_500).watch.look(), { name: 'StartError', message: /90\.5 s behind/ });
});

test('a clock that goes wrong later is said, as long as it lasts, and a server that is away says nothing', async () => {
  const { now, clock, watch } = watched(0);
  await watch.look();
  watch.start();
  now.offsetMs = 5_000;
  await clock.advance(60_000);
  assert.match(watch.problems().join(), /5\.0 s ahead of/);
  now.away = true;
  now.offsetMs = 0;
  await clock.advance(60_000);
  assert.match(watch.problems().join(), /5\.0 s ahead of/);
  now.away = false;
  await clock.advance(60_000);
  assert.deepEqual(watch.problems(), []);
  watch.stop();
  now.offsetMs = 5_000;
  await clock.advance(120_000);
  assert.deepEqual(watch.problems(), []);
});
