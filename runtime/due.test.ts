// Longer than 300 lines because random histories and single cases share one set-up.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { StarlingError } from './errors.ts';
import type { DueMark } from './ports/store.ts';
import {
  codeOf,
  KernelNode,
  type KernelNodeOptions,
  SimClock,
  SimOwnership,
  SimRandom,
  SimStore,
  settle,
} from './testing/index.ts';
import { reminded, START_MS } from './testing/reminded-actor.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;

type Reminded = ReturnType<typeof reminded>;

async function start({ definition }: Reminded, options: KernelNodeOptions = {}): Promise<KernelNode> {
  const node = new KernelNode([definition], options);
  await node.runtime.start();
  await settle();
  return node;
}

/**
 * A node over what was durable when the power was cut, in a later epoch, `afterMs` later. It has a clock of its own: that of
 * the former node stands still, as its timers do.
 */
function next(
  script: Reminded,
  { store, clock }: KernelNode,
  epoch: number,
  options: KernelNodeOptions & { readonly afterMs?: number } = {},
) {
  const { afterMs = 0, ...rest } = options;
  const later = new SimClock(clock.now() + afterMs);
  return start(script, { store: store.crash(), clock: later, ownership: new SimOwnership(epoch), ...rest });
}

async function marks(store: SimStore): Promise<DueMark[]> {
  const untilMs = Number.MAX_SAFE_INTEGER;
  const all: DueMark[] = [];
  for (let shard = 0; shard < 4; shard++)
    all.push(...(await store.readDue(shard, { untilMs, marksMax: 999 })));
  return all;
}

const minutes = async (store: SimStore): Promise<number[]> =>
  (await marks(store)).map(({ dueMs }) => (dueMs - START_MS) / MINUTE_MS);

describe('waking actors that have reminders due', () => {
  it('N1, D1: an actor that has left memory is woken in the minute, and runs it at its time', async () => {
    const times: number[] = [];
    const script = reminded((text, turn) => {
      times.push(turn.now() - START_MS);
      return String(turn.append(`did ${text}`));
    });
    const node = await start(script);
    await node.run(script.type, 'a', `set x ${HOUR_MS + 30_000}`);
    await node.clock.advance(HOUR_MS - MINUTE_MS);
    assert.equal(node.runtime.stats().activations, 0);
    await node.clock.advance(2 * MINUTE_MS);
    assert.deepEqual(times, [HOUR_MS + 30_000]);
    assert.deepEqual(await script.done(node), ['did x']);
  });

  it('D2: the mark goes once what it stood for is done and durable, not before', async () => {
    const script = reminded();
    const node = await start(script);
    await node.run(script.type, 'a', `set x ${HOUR_MS + 30_000}`);
    await node.run(script.type, 'a', `set y ${HOUR_MS + 50_000}`);
    assert.deepEqual(await minutes(node.store), [60]);
    await node.clock.advance(HOUR_MS + 40_000);
    assert.deepEqual(await script.done(node), ['did x']);
    assert.deepEqual(await minutes(node.store), [60]);
    await node.clock.advance(5 * MINUTE_MS);
    assert.deepEqual(await minutes(node.store), []);
    assert.deepEqual(await script.done(node), ['did x', 'did y']);
  });

  it('D2: a mark of a minute that was dropped is written again when its actor needs it again', async () => {
    const script = reminded();
    const node = await start(script);
    await node.run(script.type, 'a', 'set x 0');
    await node.clock.advance(20_000);
    assert.deepEqual(await minutes(node.store), []);
    await node.run(script.type, 'a', 'set y 20000');
    assert.deepEqual(await minutes(node.store), [0]);
    const last = await next(script, node, 65_537);
    await last.clock.advance(5 * MINUTE_MS);
    assert.deepEqual(await script.done(last), ['did x', 'did y']);
    assert.deepEqual(await minutes(last.store), []);
  });

  it('N2: a mark stays while the word that its reminder is done is still being written', async () => {
    const script = reminded();
    const clock = new SimClock(START_MS);
    const random = new SimRandom(1);
    const store = new SimStore({ type: 'latency', clock, random, msMin: 20_000, msMax: 20_000 });
    const { dropDue } = store;
    const drops: number[] = [];
    store.dropDue = (dropped, ts) => {
      drops.push(clock.monotonic());
      return dropDue.call(store, dropped, ts);
    };
    const node = await start(script, {
      store,
      clock,
      limits: { dueRescanMsMin: 5_000, dueRescanMsMax: 5_000 },
    });
    void node.run(script.type, 'a', 'set x 100000', 60_000);
    await clock.advance(121_000);
    assert.deepEqual(script.runs, ['x@120000']);
    await clock.advance(18_000);
    assert.deepEqual(drops, []);
    await clock.advance(10_000);
    assert.equal(drops.length, 1);
  });

  it('N1: a periodic one whose handler appends nothing wakes its actor for every period', async () => {
    const script = reminded(() => '');
    const node = await start(script);
    await node.run(script.type, 'a', `set x ${HOUR_MS} ${HOUR_MS}`);
    await node.clock.advance(3 * HOUR_MS);
    assert.equal(script.runs.length, 3);
    const last = await next(script, node, 65_537);
    await last.clock.advance(HOUR_MS);
    assert.equal(script.runs.length, 4);
  });

  it('one that was cancelled or replaced wakes its actor for nothing, and its mark goes', async () => {
    const script = reminded();
    const node = await start(script);
    for (const text of [`set x ${HOUR_MS}`, 'cancel x', `set y ${HOUR_MS}`, `set y ${2 * HOUR_MS}`])
      await node.run(script.type, 'a', text);
    await node.clock.advance(HOUR_MS + 10 * MINUTE_MS);
    assert.deepEqual(script.runs, []);
    assert.deepEqual(await minutes(node.store), [120]);
    await node.clock.advance(HOUR_MS);
    assert.deepEqual(await script.done(node), ['did y']);
  });

  it('one that can not be run for long is tried on after its actor has left memory', async () => {
    let failures = 0;
    const script = reminded((text, turn) => {
      if (++failures < 8) throw new StarlingError('OVERLOADED');
      return String(turn.append(`did ${text}`));
    });
    const limits = { idleMsMax: 10_000, reminderRetryMsMin: 20_000, reminderRetryMsMax: 10 * MINUTE_MS };
    const node = await start(script, { limits });
    await node.run(script.type, 'a', 'set x 5000');
    await node.clock.advance(4 * HOUR_MS);
    assert.deepEqual(await script.done(node), ['did x']);
    await node.clock.advance(HOUR_MS);
    assert.deepEqual(await minutes(node.store), []);
  });
});

describe('reminders and failures', () => {
  const dueSoon = 'set x 30000';

  it('before its record is durable there is no reminder', async () => {
    const script = reminded();
    const node = await start(script);
    node.store.failNext({ type: 'unknown_not_applied' }, ({ rows }) => rows !== undefined);
    await assert.rejects(node.run(script.type, 'a', dueSoon));
    const last = await next(script, node, 65_537);
    await last.clock.advance(HOUR_MS);
    assert.deepEqual(script.runs, []);
  });

  it('S4: a record whose answer was lost has its mark', async () => {
    const script = reminded();
    const node = await start(script);
    node.store.failNext(
      { type: 'partial', keep: ({ type }) => type === 'row' },
      ({ rows }) => rows !== undefined,
    );
    await assert.rejects(node.run(script.type, 'a', dueSoon));
    const last = await next(script, node, 65_537);
    await last.clock.advance(HOUR_MS);
    assert.deepEqual(await script.done(last), ['did x']);
  });

  it('after its record and before it is due, a later node runs it', async () => {
    const script = reminded();
    const node = await start(script);
    await node.run(script.type, 'a', dueSoon);
    await node.clock.advance(10_000);
    const last = await next(script, node, 65_537);
    await last.clock.advance(HOUR_MS);
    assert.deepEqual(script.runs, ['x@30000']);
  });

  for (const fault of ['unknown_not_applied', 'unknown_applied', 'late'] as const) {
    it(`when the record of its effect ends ${fault}, it has that effect once`, async () => {
      const script = reminded();
      const node = await start(script);
      await node.run(script.type, 'a', dueSoon);
      node.store.failNext({ type: fault }, ({ rows }) => rows !== undefined);
      await node.clock.advance(40_000);
      node.store.landLate();
      await node.clock.advance(HOUR_MS);
      assert.deepEqual(await script.done(node), ['did x']);
      assert.equal(script.runs.length, fault === 'unknown_applied' ? 1 : 2);
      assert.deepEqual(await minutes(node.store), []);
    });
  }

  it('when the power is cut after it ran and before that was durable, it runs again and has its effect once', async () => {
    const script = reminded();
    const node = await start(script);
    await node.run(script.type, 'a', 'set x 30000');
    node.store.failNext({ type: 'late' }, ({ rows }) => rows !== undefined);
    await node.clock.advance(30_000);
    assert.equal(script.runs.length, 1);
    const last = await next(script, node, 65_537);
    await last.clock.advance(HOUR_MS);
    assert.equal(script.runs.length, 2);
    assert.deepEqual(await script.done(last), ['did x']);
  });

  it('one that was due at once is run by the next node without a wait for its minute', async () => {
    const script = reminded();
    const node = await start(script);
    node.store.failNext({ type: 'partial', keep: () => true });
    node.ownership.hold();
    void node.run(script.type, 'a', 'set x 0').catch(() => {});
    await settle();
    const last = await next(script, node, 65_537);
    await last.run(script.type, 'a', 'set y 0');
    last.ownership.hold();
    await settle();
    const after = await next(script, last, 65_538);
    await settle();
    assert.deepEqual(await script.done(after), ['did y']);
  });

  it('another node that takes a shard runs what is due there, and the former owner runs nothing', async () => {
    const script = reminded();
    const one = await start(script);
    await one.run(script.type, 'a', `set x ${HOUR_MS}`);
    await one.run(script.type, 'a', `set y ${2 * HOUR_MS}`);
    await one.clock.advance(90 * MINUTE_MS);
    assert.deepEqual(await script.done(one), ['did x']);
    const two = new KernelNode([script.definition], {
      store: one.store,
      clock: one.clock,
      ownership: new SimOwnership(65_537),
    });
    for (let shard = 0; shard < 4; shard++) {
      await one.runtime.drainShard(shard, 0);
      one.ownership.lose(shard);
      one.runtime.shardLost(shard);
    }
    await two.runtime.start();
    await two.clock.advance(HOUR_MS);
    assert.deepEqual(await script.done(two), ['did x', 'did y']);
    assert.equal(one.runtime.stats().activations, 0);
    assert.deepEqual(await minutes(two.store), []);
  });

  it('a shard that is taken while the node runs has its marks read', async () => {
    const script = reminded();
    const one = await start(script);
    await one.run(script.type, 'a', `set x ${HOUR_MS}`);
    const { shard } = one.runtime.place(script.type, 'a');
    const ownership = new SimOwnership(65_600);
    ownership.lose(shard);
    const two = await next(script, one, 0, { ownership });
    await two.clock.advance(2 * HOUR_MS);
    assert.deepEqual(script.runs, []);
    ownership.regain(shard);
    await two.runtime.shardTaken(shard);
    await two.clock.advance(1_000);
    assert.deepEqual(await script.done(two), ['did x']);
  });

  it('marks that can not be read are read later', async () => {
    const script = reminded();
    const one = await start(script);
    await one.run(script.type, 'a', `set x ${HOUR_MS}`);
    const store = one.store.crash();
    const { readDue } = store;
    let broken = true;
    store.readDue = (shard, range) =>
      broken ? Promise.reject(new StarlingError('OUTCOME_UNKNOWN')) : readDue.call(store, shard, range);
    const clock = new SimClock(one.clock.now());
    const two = await start(script, { store, clock, ownership: new SimOwnership(65_537) });
    await two.clock.advance(HOUR_MS);
    assert.deepEqual(script.runs, []);
    broken = false;
    await two.clock.advance(HOUR_MS);
    assert.deepEqual(await script.done(two), ['did x']);
    assert.ok(two.log.some(({ message }) => message === 'due marks could not be read or dropped'));
  });
});

describe('reminders and time', () => {
  it('D4: the wall clock set forward makes a reminder early, and set back makes it late; none is lost', async () => {
    const script = reminded();
    const node = await start(script);
    await node.run(script.type, 'away', `set x ${2 * HOUR_MS}`);
    await node.clock.advance(HOUR_MS);
    await node.run(script.type, 'here', `set y ${100_000}`);
    node.clock.jump(-HOUR_MS);
    await node.clock.advance(100_000);
    assert.deepEqual(await script.done(node, 'here'), []);
    node.clock.jump(30 * HOUR_MS);
    await node.clock.advance(2 * MINUTE_MS);
    assert.deepEqual(await script.done(node, 'here'), ['did y']);
    assert.deepEqual(await script.done(node, 'away'), ['did x']);
    node.clock.jump(-30 * HOUR_MS);
    await node.run(script.type, 'away', `set z ${HOUR_MS}`);
    await node.clock.advance(2 * HOUR_MS);
    assert.deepEqual(await script.done(node, 'away'), ['did x', 'did z']);
  });

  for (const [catchUp, runs] of [
    ['once', ['x@600000', 'x@1200000']],
    ['skip', ['x@600000', 'x@6000000']],
    ['all', Array.from({ length: 10 }, (_, i) => `x@${600_000 * (i + 1)}`)],
  ] as const) {
    it(`a periodic one with the policy ${catchUp} makes up for what a stop has left, and goes on on its raster`, async () => {
      const script = reminded();
      const node = await start(script);
      await node.run(script.type, 'a', `set x 600000 600000 ${catchUp}`);
      await node.clock.advance(610_000);
      const last = await next(script, node, 65_537, { afterMs: 5_400_000 });
      await last.clock.advance(60_000);
      assert.deepEqual(script.runs, runs);
      await last.clock.advance(600_000);
      assert.deepEqual(script.runs, [...runs, 'x@6600000']);
      assert.equal((await script.done(last)).length, runs.length + 1);
    });
  }

  it('D3: the reminders of one actor that a long stop has left are begun at a bounded rate too', async () => {
    const script = reminded();
    const node = await start(script);
    for (let i = 0; i < 30; i++) await node.run(script.type, 'a', `set x${i} ${HOUR_MS}`);
    const limits = { lateRemindersPerSecondMax: 10 };
    const last = await next(script, node, 65_537, { afterMs: 3 * HOUR_MS, limits });
    await last.clock.advance(1_000);
    assert.ok(script.runs.length <= 11, `${script.runs.length} in a second`);
    await last.clock.advance(5_000);
    assert.equal(script.runs.length, 30);
  });

  it('D3: after a long stop actors are woken, and reminders begun, at a bounded rate', async () => {
    const script = reminded();
    const node = await start(script);
    for (let i = 0; i < 100; i++) await node.run(script.type, `k${i}`, `set x ${HOUR_MS}`);
    const limits = { lateRemindersPerSecondMax: 10, dueMarksPageMax: 7, wakeConcurrencyMax: 3 };
    const last = await next(script, node, 65_537, { afterMs: 3 * HOUR_MS, limits });
    for (let second = 1; second <= 12; second++) {
      const before = script.runs.length;
      const open = last.runtime.stats().activations;
      await last.clock.advance(1_000);
      assert.ok(script.runs.length - before <= 11, `${script.runs.length - before} in second ${second}`);
      assert.ok(last.runtime.stats().activations - open <= 11, `second ${second}`);
    }
    await last.clock.advance(HOUR_MS);
    assert.equal(script.runs.length, 100);
    assert.deepEqual(await minutes(last.store), []);
  });
});

interface Told {
  readonly verb: string;
  readonly request: string;
}

/** The whole log, also where opening the actor meets faults that were planned. */
async function wordsOf(node: KernelNode, { type }: Reminded, key: string): Promise<string[]> {
  while ((await codeOf(node.look(type, key))) !== 'OK') await node.clock.advance(1_000);
  return (await node.look(type, key)).split(',').filter((word) => word !== '');
}

/** What the log says went wrong: a reminder that had its effect twice, or after it was no longer wanted, or never. */
function wrongs(words: readonly string[]): string[] {
  const set = new Map<string, string>();
  const wrong: string[] = [];
  for (const word of words) {
    const { verb, request }: Told = { verb: word.split(' ')[0] ?? '', request: word.split(' ')[1] ?? '' };
    const [name = ''] = request.split('#');
    if (verb === 'set') set.set(name, request);
    else if (verb === 'cancel') set.delete(name);
    else if (set.get(name) === request) set.delete(name);
    else wrong.push(`${word}, which was not set`);
  }
  for (const request of set.values()) wrong.push(`${request} never had its effect`);
  return wrong;
}

describe('histories of reminders', () => {
  const name = fc.constantFrom('x', 'y', 'z');
  const key = fc.constantFrom('a', 'b');
  const step = fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({
        type: fc.constant('set' as const),
        key,
        name,
        inMs: fc.constantFrom(-1_000, 0, 1_000, 45_000, 61_000, 300_000, 2 * HOUR_MS),
      }),
    },
    { weight: 2, arbitrary: fc.record({ type: fc.constant('cancel' as const), key, name }) },
    {
      weight: 5,
      arbitrary: fc.record({
        type: fc.constant('advance' as const),
        ms: fc.constantFrom(0, 500, 30_000, 200_000, HOUR_MS),
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({
        type: fc.constant('fault' as const),
        fault: fc.constantFrom('unknown_applied' as const, 'unknown_not_applied' as const, 'late' as const),
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({ type: fc.constant('crash' as const), ticks: fc.integer({ min: 0, max: 40 }) }),
    },
    {
      weight: 1,
      arbitrary: fc.record({
        type: fc.constant('jump' as const),
        ms: fc.constantFrom(-HOUR_MS, -30_000, 30_000, HOUR_MS),
      }),
    },
  );

  it('whatever fails and whenever, every reminder that is set has its effect exactly once, and no other has', async () => {
    const property = fc.asyncProperty(
      fc.array(step, { minLength: 1, maxLength: 25 }),
      fc.integer(),
      async (steps, seed) => {
        const random = new SimRandom(seed);
        const script = reminded();
        let epoch = 65_536;
        let node = await start(script, { limits: { idleMsMax: 20_000 } });
        const reborn = async (): Promise<void> => {
          const store = node.store.crash({ random });
          const limits = { idleMsMax: 20_000 };
          epoch++;
          node = await start(script, {
            store,
            clock: node.clock,
            ownership: new SimOwnership(epoch),
            limits,
          });
        };
        for (const [at, one] of steps.entries()) {
          if (one.type === 'set')
            void node.run(script.type, one.key, `set ${one.name}#${at} ${one.inMs}`).catch(() => {});
          else if (one.type === 'cancel')
            void node.run(script.type, one.key, `cancel ${one.name}`).catch(() => {});
          else if (one.type === 'advance') await node.clock.advance(one.ms);
          else if (one.type === 'jump') node.clock.jump(one.ms);
          else if (one.type === 'fault')
            node.store.failNext(
              { type: one.fault },
              ({ rows, head }) => rows !== undefined || head !== undefined,
            );
          else {
            for (let tick = 0; tick < one.ticks; tick++) await Promise.resolve();
            await reborn();
          }
        }
        await node.clock.advance(1_000);
        node.store.landLate();
        for (let hour = 0; hour < 6; hour++) await node.clock.advance(HOUR_MS);
        for (const each of ['a', 'b']) {
          const words = await wordsOf(node, script, each);
          assert.deepEqual(wrongs(words), [], words.join());
        }
        // A mark that came late, of a record that was never valid, goes with the next start.
        await reborn();
        await node.clock.advance(HOUR_MS);
        assert.deepEqual(await minutes(node.store), []);
      },
    );
    await fc.assert(property, { seed: 20_260_101, numRuns: 40, endOnFailure: true });
  });
});
