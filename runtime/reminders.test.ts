import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { StarlingError } from './errors.ts';
import { calledMs, coveredMs, ReminderBook, setChange } from './reminder-book.ts';
import { type CatchUp, type Reminder, remind } from './reminders.ts';
import { codeOf, KernelNode, SimOwnership, settle } from './testing/index.ts';
import { reminded, START_MS } from './testing/reminded-actor.ts';
import type { Turn } from './turn.ts';

const HOUR_MS = 3_600_000;

describe('reminders of an actor in memory', () => {
  it('run once, as a turn of its own contract, when they are due and not before', async () => {
    const script = reminded();
    const node = new KernelNode([script.definition]);
    await node.run(script.type, 'a', 'set x 5000');
    await node.clock.advance(4_999);
    assert.deepEqual(await script.done(node), []);
    await node.clock.advance(1);
    assert.deepEqual(await script.done(node), ['did x']);
    await node.clock.advance(HOUR_MS);
    assert.deepEqual(await script.done(node), ['did x']);
    assert.deepEqual(script.runs, ['x@5000']);
  });

  it('run at once where their time has passed, and in order of their time', async () => {
    const script = reminded();
    const node = new KernelNode([script.definition]);
    for (const text of ['set b 2000', 'set a 1000', 'set now -1000', 'set c 3000'])
      await node.run(script.type, 'a', text);
    await settle();
    assert.deepEqual(script.runs, ['now@-1000']);
    node.clock.jump(10_000);
    await node.clock.advance(1_000);
    assert.deepEqual(await script.done(node), ['did now', 'did a', 'did b', 'did c']);
  });

  it('M1: do not run once they are cancelled, and only the new one of a name that was replaced does', async () => {
    const script = reminded();
    const node = new KernelNode([script.definition]);
    for (const text of ['set x 1000', 'set y#old 1000', 'set y#new 2000', 'cancel x', 'cancel nobody'])
      await node.run(script.type, 'a', text);
    await node.clock.advance(HOUR_MS);
    assert.deepEqual(await script.done(node), ['did y#new']);
  });

  it('M1: one that is cancelled while its call waits for its turn is not run', async () => {
    const script = reminded();
    const node = new KernelNode([script.definition]);
    await node.run(script.type, 'a', 'set x 1000');
    await node.clock.advance(999);
    const cancelled = node.run(script.type, 'a', 'cancel x');
    node.clock.advanceSync(1);
    await cancelled;
    await node.clock.advance(HOUR_MS);
    assert.deepEqual(script.runs, []);
  });

  it('are listed, with what is known of each', async () => {
    const lists: string[] = [];
    const script = reminded((_text, turn) => {
      lists.push(
        turn
          .reminders()
          .map(({ name, dueMs, everyMs, method }) => `${name} ${dueMs - START_MS} ${everyMs} ${method}`)
          .join(),
      );
      return '';
    });
    const node = new KernelNode([script.definition]);
    for (const text of ['set x 1000', 'set y 2000 5000']) await node.run(script.type, 'a', text);
    await node.clock.advance(2_000);
    assert.deepEqual(lists, ['x 1000 0 run,y 2000 5000 run', 'y 2000 5000 run']);
  });

  it('keep an activation in memory while they are near, and let it go where they are far', async () => {
    const script = reminded();
    const node = new KernelNode([script.definition], {
      limits: { idleMsMax: 10_000, dueRescanMsMin: HOUR_MS },
    });
    await node.runtime.start();
    await node.run(script.type, 'near', 'set x 19000');
    await node.run(script.type, 'far', 'set x 7200000');
    await node.run(script.type, 'later', 'set y 150000');
    await node.clock.advance(18_000);
    assert.equal(node.runtime.stats().activations, 1);
    await node.clock.advance(60_000);
    assert.equal(node.runtime.stats().activations, 0);
    await node.clock.advance(72_000);
    assert.deepEqual(script.runs, ['x@19000', 'y@150000']);
    await node.clock.advance(60_000);
    assert.equal(node.runtime.stats().activations, 0);
    assert.deepEqual(await script.done(node, 'near'), ['did x']);
  });
});

describe('what became of a reminder', () => {
  it('a handler that appends nothing has had its effect too: a checkpoint says so', async () => {
    const script = reminded(() => '');
    const node = new KernelNode([script.definition]);
    await node.run(script.type, 'a', 'set x 1000');
    await node.clock.advance(1_000);
    const next = new KernelNode([script.definition], {
      store: node.store.crash(),
      clock: node.clock,
      ownership: new SimOwnership(65_537),
    });
    await next.runtime.start();
    await next.clock.advance(HOUR_MS);
    assert.deepEqual(script.runs, ['x@1000']);
  });

  it('M2: a passing error repeats it later, less and less often, until it succeeds', async () => {
    const times: number[] = [];
    const script = reminded((text, turn) => {
      times.push(turn.now() - START_MS);
      if (times.length < 4) throw new StarlingError('OVERLOADED');
      return String(turn.append(`did ${text}`));
    });
    const limits = { reminderRetryMsMin: 1_000, reminderRetryMsMax: 2_000 };
    const node = new KernelNode([script.definition], { limits });
    await node.run(script.type, 'a', 'set x 1000');
    await node.clock.advance(HOUR_MS);
    assert.deepEqual(times, [1_000, 2_000, 4_000, 6_000]);
    assert.deepEqual(await script.done(node), ['did x']);
  });

  it('a refusal for good is logged with the name and counts as done', async () => {
    const script = reminded(() => {
      throw new StarlingError('PERMISSION_DENIED');
    });
    const node = new KernelNode([script.definition]);
    await node.run(script.type, 'a', 'set x 1000');
    await node.clock.advance(HOUR_MS);
    assert.deepEqual(script.runs, ['x@1000']);
    const entry = node.log.find(({ message }) => message === 'a reminder was refused for good');
    assert.equal(entry?.fields['reminder'], 'x');
    assert.equal(entry?.fields['code'], 'PERMISSION_DENIED');
  });

  it('one whose handler ends its activation waits longer each time, although the actor opens at once', async () => {
    const times: number[] = [];
    const script = reminded((_text, turn) => {
      times.push(turn.now() - START_MS);
      throw new Error('a defect');
    });
    const node = new KernelNode([script.definition], { limits: { reminderRetryMsMin: 1_000 } });
    await node.run(script.type, 'a', 'set x 1000');
    await node.clock.advance(64_000);
    assert.deepEqual(times, [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 64_000]);
  });

  it('a method that a later release no longer has is logged as an error, kept, and tried rarely', async () => {
    const script = reminded();
    const node = new KernelNode([script.definition], { limits: { reminderRetryMsMax: HOUR_MS } });
    await node.run(script.type, 'a', `set x ${HOUR_MS}`);
    const { methods: _, ...rest } = script.type;
    const { definition } = script;
    const older = { ...definition, type: { ...rest, methods: { look: script.type.methods['look'] } } };
    const next = new KernelNode([older as typeof definition], {
      store: node.store.crash(),
      clock: node.clock,
      ownership: new SimOwnership(65_537),
      limits: { reminderRetryMsMax: HOUR_MS },
    });
    await next.runtime.start();
    await next.clock.advance(HOUR_MS + 600_000);
    const errors = next.log.filter(({ message }) => message.startsWith('a reminder does not fit'));
    assert.equal(errors.length, 1);
    assert.equal(errors[0]?.fields['reminder'], 'x');
    assert.equal(errors[0]?.fields['code'], 'METHOD_NOT_FOUND');
    const last = new KernelNode([definition], {
      store: next.store.crash(),
      clock: next.clock,
      ownership: new SimOwnership(65_538),
    });
    await last.runtime.start();
    await last.clock.advance(60_000);
    assert.deepEqual(await script.done(last), ['did x']);
  });

  it('a handler that never answers is tried again after the longest time of a call', async () => {
    const script = reminded((_text, turn) => turn.defer<never>() as never);
    const node = new KernelNode([script.definition], { limits: { callMsMax: 5_000 } });
    await node.run(script.type, 'a', 'set x 1000');
    await node.clock.advance(10_000);
    assert.equal(script.runs.length, 2);
  });
});

describe('bounds of reminders', () => {
  const limits = { remindersMax: 2, reminderBytesMax: 10 };

  it('an actor has so many and no more; the call that asks for more is refused and nothing changes', async () => {
    const script = reminded();
    const node = new KernelNode([script.definition], { limits });
    for (const text of ['set a 1000', 'set b 1000']) await node.run(script.type, 'a', text);
    assert.equal(await codeOf(node.run(script.type, 'a', 'set c 1000')), 'OVERLOADED');
    assert.equal(await codeOf(node.run(script.type, 'a', 'set b 2000')), 'OK', 'replacing adds none');
    await node.run(script.type, 'a', 'cancel a');
    assert.equal(await codeOf(node.run(script.type, 'a', 'set c 1000')), 'OK');
    await node.clock.advance(HOUR_MS);
    assert.deepEqual(await script.done(node), ['did c', 'did b']);
  });

  it('periods that are too short, requests that are too large and times that are none are refused', async () => {
    const script = reminded();
    const node = new KernelNode([script.definition], { limits });
    assert.equal(await codeOf(node.run(script.type, 'a', 'set a 1000 999')), 'INVALID_REQUEST');
    assert.equal(await codeOf(node.run(script.type, 'a', 'set a#12345678901 1000')), 'PAYLOAD_TOO_LARGE');
    for (const options of [
      { name: '', atMs: 1 },
      { name: 'x', atMs: -1 },
      { name: 'x', atMs: Number.NaN },
      { name: 'x', atMs: 1, everyMs: 0.5 },
      { name: 'x'.repeat(129), atMs: 1 },
    ]) {
      assert.throws(() => remind(script.type, options), { code: 'INVALID_REQUEST' });
    }
    assert.equal(await node.look(script.type, 'a'), '');
  });

  it('so many of one actor are under way at a time', async () => {
    const held: ((turn: Turn) => void)[] = [];
    const script = reminded((_text, turn) => {
      const later = turn.defer<never>();
      held.push(() => later.reject(new StarlingError('PERMISSION_DENIED')));
      return later as never;
    });
    const node = new KernelNode([script.definition], { limits: { remindersUnderWayMax: 3 } });
    for (let i = 0; i < 5; i++) await node.run(script.type, 'a', `set r${i} 1000`);
    await node.clock.advance(1_000);
    assert.equal(script.runs.length, 3);
    for (const answer of held.splice(0, 1)) answer({} as Turn);
    await settle();
    assert.equal(script.runs.length, 4);
  });
});

describe('the book of reminders', () => {
  const { type } = reminded();
  const periodic = (catchUp: CatchUp): Reminder =>
    remind(type, { name: 'x', atMs: 1_000, everyMs: 100, catchUp }).run({ text: 'words' }).set;

  for (const [catchUp, nowMs, called, covered] of [
    ['once', 1_000, 1_000, 1_000],
    ['once', 1_350, 1_000, 1_300],
    ['skip', 1_350, 1_300, 1_300],
    ['all', 1_250, 1_000, 1_000],
    ['all', 2_350, 2_100, 2_100],
    ['once', 900, 1_000, 1_000],
  ] as const) {
    it(`B3: with the policy ${catchUp} a call at ${nowMs} is for ${called} and done with all up to ${covered}`, () => {
      const reminder = periodic(catchUp);
      assert.equal(calledMs(reminder, nowMs, 3), called);
      assert.equal(coveredMs(reminder, called, nowMs), covered);
      const book = new ReminderBook();
      book.fold([setChange(reminder)]);
      book.done('x', covered);
      assert.equal(book.get('x')?.dueMs, covered + 100);
    });
  }

  it('B2: the word that one is done leaves one alone that has replaced it', () => {
    const book = new ReminderBook();
    const once = { ...periodic('once'), everyMs: 0 };
    book.fold([setChange(once), setChange({ ...once, dueMs: 5_000 })]);
    book.done('x', 1_000);
    assert.equal(book.firstDueMs, 5_000);
    book.fold([setChange({ ...periodic('once'), dueMs: 1_050 })]);
    book.done('x', 1_200);
    assert.equal(book.firstDueMs, 1_050, 'not on its raster');
    book.done('x', 950);
    assert.equal(book.firstDueMs, 1_050, 'before its time');
  });

  it('B1: a checkpoint holds everything that the rows said', () => {
    const book = new ReminderBook();
    const all = (['once', 'all', 'skip'] as const).map((catchUp) => ({
      ...periodic(catchUp),
      name: catchUp,
    }));
    book.fold(all.map(setChange));
    const next = new ReminderBook();
    next.restore(book.snapshot());
    assert.deepEqual([...next.all()], all);
  });
});
