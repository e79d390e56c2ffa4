// Longer than 300 lines because the cases of one subject share their set-up.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { StarlingError } from './errors.ts';
import { FenceReader } from './fence.ts';
import { Journal } from './journal.ts';
import { DEFAULT_LIMITS, type RuntimeLimits } from './limits.ts';
import { RuntimeMetrics } from './metrics.ts';
import type { Commit } from './ports/store.ts';
import { SimClock, SimOwnership, SimStore, settle } from './testing/index.ts';

const ACTOR = { kind: 'script', key: 'a', shard: 0 };
const SEAL_TS = 5n;

class RecordingStore extends SimStore {
  readonly commits: Commit[] = [];
  readonly trims: { below: number; fenceReads: number }[] = [];
  readonly #ownership: SimOwnership;

  constructor(ownership: SimOwnership) {
    super();
    this.#ownership = ownership;
  }

  override commit(commit: Commit): Promise<void> {
    this.commits.push(commit);
    return super.commit(commit);
  }

  override trim(actor: typeof ACTOR, below: number, ts: bigint): Promise<void> {
    this.trims.push({ below, fenceReads: this.#ownership.reads });
    return super.trim(actor, below, ts);
  }
}

function setUp(limits: Partial<RuntimeLimits> = {}, tail = 0) {
  const ownership = new SimOwnership();
  const store = new RecordingStore(ownership);
  const clock = new SimClock();
  const claim = ownership.claim(0);
  assert.ok(claim !== undefined);
  const settledTo: number[] = [];
  const failed: string[] = [];
  let version = 0;
  const journal = new Journal(
    {
      address: ACTOR,
      store,
      claim,
      clock,
      fence: new FenceReader(ownership, clock, { onFenced: () => {} }),
      metrics: new RuntimeMetrics(),
      limits: { ...DEFAULT_LIMITS, ...limits },
      snapshot: () => Uint8Array.of(version),
      onSettled: (number) => settledTo.push(number),
      onFailed: (error) => failed.push(error.code),
    },
    { tail, floor: 1, asOf: tail, sealSeq: tail, sealTs: SEAL_TS },
  );
  const append = (wake = false) => {
    version++;
    return journal.append(Uint8Array.of(version), wake);
  };
  /** Does all that waits in the store, and lets what follows happen. */
  const done = async (): Promise<void> => {
    store.flush();
    await settle();
  };
  return { ownership, store, clock, journal, settledTo, failed, append, done };
}

describe('the journal', () => {
  it('J1: has one commit in flight; what is appended meanwhile goes with the next, in order', async () => {
    const { store, journal, append, done } = setUp();
    append();
    journal.issue();
    append();
    append();
    journal.issue();
    assert.equal(store.pending, 1);
    await done();
    assert.deepEqual(
      store.commits.map(({ rows }) => rows?.map(({ seq }) => seq)),
      [[1], [2, 3]],
    );
  });

  it('bounds a commit by rows and by bytes, and gives a larger row one of its own', async () => {
    const { store, journal, append, done } = setUp({ batchRowsMax: 2, batchBytesMax: 2 });
    for (let i = 0; i < 3; i++) append();
    journal.append(new Uint8Array(50), false);
    append();
    journal.issue();
    for (let i = 0; i < 4; i++) await done();
    assert.deepEqual(
      store.commits.map(({ rows }) => rows?.length),
      [2, 1, 1, 1],
    );
  });

  it('draws strictly rising write times for rows and heads', async () => {
    const { store, journal, append, done } = setUp();
    const times: bigint[] = [];
    for (let i = 0; i < 4; i++) {
      times.push(append().ts);
      if (i === 2) journal.requestCheckpoint();
      journal.issue();
      await done();
      await done();
    }
    const heads = store.commits.flatMap(({ head }) => (head === undefined ? [] : [head.ts]));
    assert.equal(heads.length, 1);
    const all = [...times.slice(0, 3), ...heads, ...times.slice(3)];
    for (const [i, ts] of all.entries()) assert.ok(i === 0 || ts > (all[i - 1] ?? 0n));
  });

  it('rule 8: settles rows only after a fence read that began when they were durable', async () => {
    const { ownership, journal, settledTo, append, done, store } = setUp();
    ownership.hold();
    append();
    journal.issue();
    await settle();
    assert.equal(ownership.reads, 0, 'no read begins with the write');
    await done();
    assert.equal(ownership.reads, 1);
    assert.deepEqual(settledTo, []);
    ownership.release();
    await settle();
    assert.deepEqual(settledTo, [1]);
    assert.equal(store.pending, 0);
  });

  it('rule 8: settles nothing when that read says fenced', async () => {
    const { ownership, journal, settledTo, failed, append, done } = setUp();
    append();
    journal.issue();
    ownership.fence();
    await done();
    assert.deepEqual(settledTo, []);
    assert.deepEqual(failed, ['NOT_OWNER']);
  });

  it('J2: writes a checkpoint with the state and position of its request, after its rows are durable', async () => {
    const { store, journal, append, done } = setUp();
    append();
    journal.requestCheckpoint();
    append();
    journal.issue();
    assert.equal(store.commits[0]?.head, undefined);
    await done();
    const head = store.commits[1]?.head;
    assert.equal(head?.asOf, 1);
    assert.deepEqual([...(head?.state ?? [])], [1], 'without the second row');
  });

  it('J2: writes a checkpoint only after the table cells of its rows', async () => {
    const { store, journal, append, done } = setUp();
    journal.cell(append(), 'words', 'k', Uint8Array.of(1));
    journal.requestCheckpoint();
    journal.issue();
    await done();
    assert.equal(store.commits[1]?.cells?.length, 1);
    assert.equal(store.commits[1]?.head, undefined);
    await done();
    assert.equal(store.commits[2]?.head?.asOf, 1);
  });

  it('J2: writes a checkpoint in the end however steadily rows with cells go on', async () => {
    const { store, journal, append, done } = setUp({ checkpointRows: 4 });
    for (let i = 0; i < 20; i++) {
      journal.cell(append(), 'words', `k${i}`, Uint8Array.of(1));
      journal.issue();
      await done();
    }
    const heads = store.commits.filter(({ head }) => head !== undefined).length;
    assert.ok(heads >= 2, `${heads} checkpoints`);
    let durableCells = 0;
    for (const { cells, head } of store.commits) {
      if (head !== undefined) assert.ok(head.asOf <= durableCells, 'never ahead of the cells');
      durableCells += cells?.length ?? 0;
    }
  });

  it('J3: writes a cell after its row is durable and fence-checked, with the write time of the row', async () => {
    const { ownership, store, clock, journal, append, done } = setUp();
    const row = append();
    journal.cell(row, 'words', 'k', Uint8Array.of(9));
    journal.issue();
    assert.equal(store.commits[0]?.cells, undefined);
    ownership.hold();
    await done();
    clock.advanceSync(1000);
    journal.issue();
    assert.equal(store.commits.length, 1, 'durable, but not fence-checked');
    ownership.release();
    await settle();
    clock.advanceSync(1000);
    assert.equal(store.commits[1]?.cells?.[0]?.ts, row.ts);
    await done();
  });

  it('J3: writes of several cells of one key the newest, and never takes the cells of one record apart', async () => {
    const { store, journal, append, done } = setUp({ batchRowsMax: 2 });
    const row = append();
    for (const [key, value] of [
      ['a', 1],
      ['a', 2],
      ['b', 1],
      ['c', 1],
    ] as const)
      journal.cell(row, 'words', key, Uint8Array.of(value));
    journal.issue();
    await done();
    const cells = store.commits[1]?.cells ?? [];
    assert.deepEqual(
      cells.map(({ key, value }) => [key, value?.[0]]),
      [
        ['a', 2],
        ['b', 1],
        ['c', 1],
      ],
    );
  });

  it('J5: repeats the seal of its activation in every checkpoint', async () => {
    const { store, journal, append, done } = setUp({}, 4);
    append();
    journal.requestCheckpoint();
    journal.issue();
    await done();
    await done();
    const head = store.commits[1]?.head;
    assert.equal(head?.sealSeq, 4);
    assert.equal(head?.sealTs, SEAL_TS);
  });

  it('J6: deletes rows only after the floor above them is durable and a fence read begun after said live', async () => {
    const { ownership, store, journal, append, done } = setUp();
    for (let i = 0; i < 3; i++) append();
    journal.issue();
    journal.requestTrim(3);
    await done();
    assert.equal(store.commits[1]?.head?.floor, 3);
    assert.equal(store.trims.length, 0);
    const before = ownership.reads;
    ownership.hold();
    await done();
    assert.equal(store.trims.length, 0, 'not before the fence read has answered');
    ownership.release();
    await settle();
    assert.equal(store.trims[0]?.below, 3);
    assert.ok((store.trims[0]?.fenceReads ?? 0) > before);
  });

  it('J6: deletes nothing when the floor was not written', async () => {
    const { store, journal, failed, append, done } = setUp();
    append();
    journal.issue();
    await done();
    store.failNext({ type: 'unknown_not_applied' });
    journal.requestTrim(2);
    journal.issue();
    await done();
    assert.equal(store.trims.length, 0);
    assert.deepEqual(failed, ['OUTCOME_UNKNOWN']);
  });

  it('J4: ends when a commit fails: it reports the failure once, writes nothing more and draws no write time', async () => {
    const { store, clock, journal, failed, settledTo, append, done } = setUp();
    store.failNext({ type: 'late' });
    journal.cell(append(), 'words', 'k', Uint8Array.of(1));
    journal.issue();
    append();
    await done();
    assert.deepEqual(failed, ['OUTCOME_UNKNOWN']);
    store.landLate();
    journal.issue();
    clock.advanceSync(10_000);
    await done();
    assert.equal(store.commits.length, 1);
    assert.deepEqual(settledTo, []);
    assert.throws(() => append(), /ended activation/);
    assert.throws(() => journal.requestCheckpoint(), /ended activation/);
  });

  it('J4: a commit that is known after the end settles nothing', async () => {
    const { journal, settledTo, append, done, store } = setUp();
    append();
    journal.issue();
    append();
    journal.end();
    await done();
    assert.deepEqual(settledTo, []);
    assert.equal(store.commits.length, 1);
  });

  it('ends, and leaves no hole, when its claim has ended', async () => {
    const { ownership, journal, failed, append, done } = setUp();
    append();
    ownership.lose(0);
    assert.throws(
      () => append(),
      (error) => error instanceof StarlingError && error.code === 'NOT_OWNER',
    );
    assert.equal(journal.tail, 1);
    journal.requestCheckpoint();
    journal.issue();
    await done();
    assert.deepEqual(failed, ['NOT_OWNER']);
  });

  it('settles outputs of a checkpoint that waits behind another one only when it is written itself', async () => {
    const { store, journal, settledTo, append, done } = setUp({ checkpointRows: 2 });
    append();
    append();
    journal.issue();
    journal.requestCheckpoint();
    const wanted = journal.issued;
    await done();
    assert.ok((settledTo.at(-1) ?? 0) < wanted, 'its rows are durable, it is not');
    await done();
    assert.ok((settledTo.at(-1) ?? 0) < wanted, 'the one before it is durable, it is not');
    await done();
    assert.equal(settledTo.at(-1), wanted);
    assert.equal(store.commits.filter(({ head }) => head !== undefined).length, 2);
  });

  it('J8: writes a mark with the first row that leaves work behind, in the same commit, and no other one', async () => {
    const { store, clock, journal, append, done } = setUp();
    const step = async (wake: boolean): Promise<void> => {
      append(wake);
      journal.issue();
      await done();
    };
    await step(false);
    await step(true);
    await step(true);
    clock.advanceSync(3_600_000);
    await step(true);
    assert.deepEqual(
      store.commits.map(({ mark }) => mark?.n),
      [undefined, 0, undefined, undefined],
    );
    assert.equal(store.commits[1]?.mark?.epoch, 65_536);
  });

  it('writes cells behind soon after, where nothing else is written', async () => {
    const { store, clock, journal, append, done } = setUp({ cellDelayMsMax: 50 });
    journal.cell(append(), 'words', 'k', Uint8Array.of(1));
    journal.issue();
    await done();
    assert.equal(journal.quiet, false);
    clock.advanceSync(50);
    await done();
    assert.equal(store.commits[1]?.cells?.length, 1);
    assert.equal(journal.quiet, true);
    assert.equal(journal.pendingCells('words')?.size, 0);
  });
});
