import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { RunRequestSchema } from '../proto/gen/starling/test/v1/script_pb.ts';
import { FenceReader } from './fence.ts';
import { type FanOutResult, type NotedRequest, Notes } from './notes.ts';
import { shardOf } from './placement.ts';
import { codeOf, KernelNode, SimClock, SimOwnership, SimStore, scripted, settle } from './testing/index.ts';

const SHARDS = 4;
const { type } = scripted();
const shard = (key: string): number => shardOf(key, SHARDS);

/** Notes over a store whose writes are done when the test says so; `residents` have an activation. */
function setUp(residents: readonly string[] = []) {
  const store = new SimStore();
  const ownership = new SimOwnership();
  const clock = new SimClock();
  const fence = new FenceReader(ownership, clock, { onFenced: () => {} });
  const resident = new Set(residents);
  const notes = new Notes({
    store,
    ownership,
    clock,
    shards: SHARDS,
    fence: () => fence,
    resident: (_kind, key) => resident.has(key),
  });
  const called: { keys: string[]; timeoutMs: number }[] = [];
  const results: string[][] = [];
  const fanOut = (...keys: string[]): void =>
    notes.fanOut({
      type,
      note: 'news',
      requests: keys.map((key) => ({ key, request: create(RunRequestSchema, { text: key }) })),
      timeoutMs: 1000,
      callAll: (requests: readonly NotedRequest[], timeoutMs, done) => {
        if (requests.length > 0) called.push({ keys: requests.map(({ key }) => key), timeoutMs });
        done([]);
      },
      done: (result) => results.push(said(result)),
    });
  const written = async (): Promise<void> => {
    store.flush();
    await settle();
  };
  return { store, ownership, clock, resident, called, results, fanOut, written };
}

function said({ refused, marked }: FanOutResult): string[] {
  const codes = refused.map(({ key, outcome }) => `${key} ${outcome.ok ? 'answer' : outcome.error.code}`);
  return [...marked.map((key) => `${key} marked`), ...codes].sort();
}

async function noted(store: SimStore, key: string): Promise<number> {
  return (await store.readNotes({ kind: 'script', key, shard: shard(key) }, { notesMax: 9 })).length;
}

describe('notes beside absent actors', () => {
  it('go to those without an activation, and the request to the others', async () => {
    const { store, called, results, fanOut, written } = setUp(['here']);
    fanOut('here', 'a', 'b');
    assert.deepEqual(called, [{ keys: ['here'], timeoutMs: 1000 }]);
    await written();
    assert.deepEqual(results, [['a marked', 'b marked']]);
    assert.deepEqual(
      [await noted(store, 'a'), await noted(store, 'b'), await noted(store, 'here')],
      [1, 1, 0],
    );
  });

  it('N1: nobody is marked before the note is durable and a fence read begun after that says live', async () => {
    const { ownership, results, fanOut, written } = setUp();
    ownership.hold();
    fanOut('a');
    await settle();
    assert.equal(ownership.reads, 0, 'the read does not begin with the write');
    await written();
    assert.deepEqual([ownership.reads, results], [1, []]);
    ownership.release();
    await settle();
    assert.deepEqual(results, [['a marked']]);
  });

  it('N1: one fence read serves all of a fan-out', async () => {
    const { ownership, fanOut, written } = setUp();
    fanOut('a', 'b', 'c');
    await written();
    assert.equal(ownership.reads, 1);
  });

  it('N1: a node that was fenced marks nobody', async () => {
    const { ownership, results, fanOut, written } = setUp();
    fanOut('a');
    ownership.fence();
    await written();
    assert.deepEqual(results, [['a NOT_OWNER']]);
  });

  it('N1: whose shard was lost in the middle of the write is not marked, and others are', async () => {
    const { ownership, results, fanOut, written } = setUp();
    const other = ['b', 'c', 'd', 'e'].find((key) => shard(key) !== shard('a')) ?? '';
    fanOut('a', other);
    ownership.lose(shard('a'));
    await written();
    assert.deepEqual(results, [['a NOT_OWNER', `${other} marked`].sort()]);
  });

  it('N1: nor where the shard was lost and won again meanwhile: somebody else may have opened the actor', async () => {
    const { ownership, results, fanOut, written } = setUp();
    fanOut('a');
    ownership.lose(shard('a'));
    ownership.regain(shard('a'));
    await written();
    assert.deepEqual(results, [['a NOT_OWNER']]);
  });

  it('is refused where the shard is not served here', async () => {
    const { ownership, store, results, fanOut } = setUp();
    ownership.lose(shard('a'));
    fanOut('a');
    await settle();
    assert.deepEqual([results, store.pending], [[['a NOT_OWNER']], 0]);
  });

  it('a write that fails refuses its own receiver alone', async () => {
    const { store, results, fanOut, written } = setUp();
    store.failNext({ type: 'unknown_applied' }, ({ actor }) => actor.key === 'b');
    fanOut('a', 'b');
    await written();
    assert.deepEqual(results, [['a marked', 'b OUTCOME_UNKNOWN']]);
  });

  it('N2: who has come up meanwhile gets the request, in the time that is left, and is not marked', async () => {
    const { clock, resident, called, results, fanOut, written } = setUp();
    fanOut('a', 'b');
    resident.add('a');
    await clock.advance(300);
    await written();
    assert.deepEqual(called, [{ keys: ['a'], timeoutMs: 700 }]);
    assert.deepEqual(results, [['b marked']]);
  });

  it('are reported once with an unknown outcome where they are not written in time, whatever comes later', async () => {
    const { clock, called, resident, results, fanOut, written } = setUp();
    fanOut('a', 'b');
    await clock.advance(1000);
    assert.deepEqual(results, [['a OUTCOME_UNKNOWN', 'b OUTCOME_UNKNOWN']]);
    resident.add('a');
    await written();
    assert.deepEqual([results.length, called], [1, []]);
  });

  it('leave no timer behind', async () => {
    const { clock, fanOut, written } = setUp();
    fanOut('a');
    await written();
    assert.equal(clock.pending, 0);
  });

  it('a fan-out to nobody is over at once', () => {
    const { results, fanOut } = setUp();
    fanOut();
    assert.deepEqual(results, [[]]);
  });
});

describe('an actor that clears its notes', () => {
  function reader() {
    const { type, definition } = scripted({
      run: async (text, turn) => {
        const read = await turn.notes({ notesMax: 9 });
        turn.append(text);
        turn.clearNotes(read);
        return read.map(({ note }) => note).join();
      },
    });
    const store = new SimStore();
    const node = new KernelNode([definition], { store });
    const actor = { kind: 'script', key: 'a', shard: node.runtime.place(type, 'a').shard };
    const leave = async (note: string): Promise<void> => {
      const claim = node.ownership.claim(actor.shard);
      assert.ok(claim !== undefined);
      const written = store.commit({ actor, notes: [{ note, present: true, ts: claim.nextTimestamp() }] });
      store.flush();
      await written;
    };
    const left = async () => (await store.readNotes(actor, { notesMax: 9 })).map(({ note }) => note);
    const flushed = async (): Promise<void> => {
      await settle();
      store.flush();
      await settle();
    };
    return { node, type, store, leave, left, flushed };
  }

  it('N3: deletes them only after what it has done about them is durable', async () => {
    const { node, type, store, leave, left, flushed } = reader();
    await leave('news');
    const answer = node.run(type, 'a', 'x');
    await flushed();
    assert.equal(store.pending, 1, 'its record alone is on its way');
    await flushed();
    await flushed();
    assert.deepEqual([await answer, await left()], ['news', []]);
  });

  it('N3: deletes none if what it has done about them is not written', async () => {
    const { node, type, store, leave, left, flushed } = reader();
    await leave('news');
    const answer = codeOf(node.run(type, 'a', 'x'));
    await flushed();
    store.failNext({ type: 'not_done' });
    await flushed();
    await flushed();
    assert.deepEqual([await answer, await left()], ['STORAGE_FULL', ['news']]);
  });

  it('N3: leaves alone one that was left again since it was read', async () => {
    const { node, type, leave, left, flushed } = reader();
    await leave('news');
    const answer = node.run(type, 'a', 'x');
    await flushed();
    await leave('news');
    await flushed();
    await flushed();
    assert.deepEqual([await answer, await left()], ['news', ['news']]);
  });
});
