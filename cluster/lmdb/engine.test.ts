import { deepEqual, equal } from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { durability, type Engine, openEngine } from './engine.ts';

async function open(context: TestContext): Promise<Engine> {
  const directory = await mkdtemp(join(tmpdir(), 'starling-engine-'));
  const engine = openEngine(join(directory, 'store.mdb'), 1 << 30);
  context.after(async () => {
    await engine.close();
    await rm(directory, { recursive: true });
  });
  return engine;
}

const key = (n: number): Buffer => Buffer.from([0x52, n]);
const value = (n: number): Buffer => Buffer.alloc(20, n);

describe('the engine', () => {
  test('E1: no option that trades durability for speed is on', () => {
    deepEqual(new Set(Object.values(durability)), new Set([false]));
  });
  test('a walk honours its ends in both directions', async (context) => {
    const engine = await open(context);
    await engine.write([1, 2, 3, 4, 5].map((n) => [key(n), value(n)] as const));
    const walk = (options: { descending?: boolean; afterStart?: boolean }): number[] => {
      const found: number[] = [];
      engine.scanKeys({ start: key(2), end: key(5), ...options }, (at) => found.push(at[1] ?? 0) > 0);
      return found;
    };
    deepEqual(walk({}), [2, 3, 4]);
    deepEqual(walk({ afterStart: true }), [3, 4]);
    deepEqual(walk({ descending: true }), [4, 3, 2]);
  });
  test('what a walk and a get return is not changed by later calls, what peek returns need not be kept', async (context) => {
    const engine = await open(context);
    await engine.write([1, 2].map((n) => [key(n), value(n)] as const));
    const walked: Buffer[] = [];
    engine.scan({ start: key(0), end: key(9) }, (_, found) => walked.push(found) > 0);
    const got = engine.get(key(1));
    equal(engine.peek(key(2))?.length, 20);
    engine.get(key(2));
    await engine.write([[key(1), value(7)]]);
    deepEqual(
      walked.map((found) => found[0]),
      [1, 2],
    );
    equal(got?.[19], 1);
    equal(engine.get(key(1))?.[0], 7);
  });
  test('pages that deletes set free are not counted as used', async (context) => {
    const engine = await open(context);
    await engine.write(Array.from({ length: 50 }, (_, n) => [key(n), Buffer.alloc(10_000)] as const));
    const full = engine.pages();
    await engine.write(Array.from({ length: 50 }, (_, n) => [key(n), undefined] as const));
    const emptied = engine.pages();
    equal(emptied.used < full.used / 5, true);
    equal(emptied.total >= full.total, true);
  });
});
