import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ActorAddress, Commit, Head, Row } from './ports/store.ts';
import { encodeRow, encodeState } from './stored.ts';
import { codeOf, KernelNode, SimOwnership, SimStore, scripted, settle } from './testing/index.ts';
import { epochOf, firstTimestamp } from './timestamp.ts';

const EPOCH = 65_540;
const OLD = firstTimestamp(65_536);
const ACTOR: ActorAddress = { kind: 'script', key: 'a', shard: 0 };
const { type, definition } = scripted();

/** Shard of the actor under test with 4 shards. */
function address(node: KernelNode): ActorAddress {
  return { ...ACTOR, shard: node.runtime.place(type, ACTOR.key).shard };
}

function row(seq: number, word: string, ts = OLD + BigInt(seq)): Row {
  return { seq, ts, value: encodeRow(Buffer.from(word), undefined) };
}

function head(fields: Partial<Head>): Head {
  const none = { floor: 1, sealSeq: 0, sealTs: OLD, asOf: 0, state: new Uint8Array(0), ts: OLD, shard: 0 };
  return { ...none, ...fields };
}

const state = (words: string[]): Uint8Array =>
  encodeState({
    state: Buffer.from(JSON.stringify({ words, cells: [] })),
    nextTell: 1n,
    tells: [],
    receipts: [],
  });

class RecordingStore extends SimStore {
  readonly commits: Commit[] = [];
  readonly order: string[] = [];

  override commit(commit: Commit): Promise<void> {
    this.commits.push(commit);
    this.order.push(commit.rows === undefined ? 'write head' : 'write rows');
    return super.commit(commit);
  }
  override readHead(actor: ActorAddress) {
    this.order.push('read head');
    return super.readHead(actor);
  }
  override readRows(...args: Parameters<SimStore['readRows']>) {
    this.order.push('read rows');
    return super.readRows(...args);
  }
}

/** A node over a store in which a former owner has left `commits`. */
async function after(...commits: Omit<Commit, 'actor'>[]) {
  const store = new RecordingStore({ type: 'immediate' });
  const ownership = new SimOwnership(EPOCH);
  const node = new KernelNode([definition], { store, ownership, limits: { batchRowsMax: 4 } });
  const actor = address(node);
  for (const commit of commits) {
    const { head: found } = commit;
    await store.commit({
      actor,
      ...commit,
      ...(found === undefined ? {} : { head: { ...found, shard: actor.shard } }),
    });
  }
  await node.runtime.start();
  store.commits.length = 0;
  store.order.length = 0;
  return { node, store, ownership, actor, look: () => node.look(type, ACTOR.key) };
}

describe('opening an actor', () => {
  it('rule 5: reads the head first, then the rows from the checkpoint to the first hole', async () => {
    const { store, look } = await after({
      head: head({ asOf: 2, state: state(['a', 'b']) }),
      rows: [row(1, 'wrong'), row(3, 'c'), row(4, 'd'), row(6, 'beyond the hole')],
    });
    assert.equal(await look(), 'a,b,c,d');
    assert.deepEqual(store.order.slice(0, 2), ['read head', 'read rows']);
  });

  it('rule 6: writes its seal before it shows anything, also for one that only reads', async () => {
    const { store, look } = await after({ rows: [row(1, 'a')] });
    await look();
    const seal = store.commits[0]?.head;
    assert.equal(store.commits.length, 1);
    assert.equal(seal?.sealSeq, 1);
    assert.equal(seal?.ts, seal?.sealTs);
    assert.equal(epochOf(seal?.sealTs ?? 0n), EPOCH);
  });

  it('rule 6: shows nothing and writes no row before the seal is durable and a fence read begun after it said live', async () => {
    const store = new RecordingStore();
    const ownership = new SimOwnership(EPOCH);
    const node = new KernelNode([definition], { store, ownership });
    ownership.hold();
    let shown = 0;
    const calls = [node.look(type, ACTOR.key), node.run(type, ACTOR.key, 'a')];
    for (const call of calls) void call.then(() => shown++);
    await settle();
    assert.equal(ownership.reads, 0);
    assert.equal(store.commits.length, 1);
    store.flush();
    await settle();
    assert.equal(ownership.reads, 1);
    assert.equal(store.commits.length, 1, 'no row yet');
    ownership.release();
    await settle();
    assert.deepEqual(
      store.commits[1]?.rows?.map(({ seq }) => seq),
      [1],
    );
    store.flush();
    await Promise.all(calls);
    assert.equal(shown, 2);
  });

  it('rule 6: opens nothing when that fence read says fenced', async () => {
    const { ownership, look, store } = await after({ rows: [row(1, 'a')] });
    ownership.hold();
    const looked = codeOf(look());
    await settle();
    ownership.fence();
    ownership.release();
    assert.notEqual(await looked, 'OK');
    assert.equal(store.commits.filter(({ rows }) => rows !== undefined).length, 0);
  });

  it('rule 6: rows of a former owner that were not found never come back, however late they land', async () => {
    const { node, store, actor, look } = await after({ rows: [row(1, 'a')] });
    assert.equal(await look(), 'a');
    await SimStore.prototype.commit.call(store, { actor, rows: [row(2, 'late'), row(3, 'later')] });
    assert.equal(await node.run(type, ACTOR.key, 'own'), '2');
    await SimStore.prototype.commit.call(store, { actor, rows: [row(2, 'late again')] });
    const next = new KernelNode([definition], {
      store: store.crash({ completion: { type: 'immediate' } }),
      ownership: new SimOwnership(EPOCH + 1),
    });
    assert.equal(await next.look(type, ACTOR.key), 'a,own');
  });

  it('rule 6: keeps the seal of its own epoch where no activation has ended with an unknown write', async () => {
    const { node, store, look } = await after();
    await node.run(type, ACTOR.key, 'a');
    await node.clock.advance(1_000_000);
    assert.equal(node.runtime.stats().activations, 0);
    const before = store.commits.length;
    assert.equal(await look(), 'a');
    assert.equal(store.commits.length, before);
  });

  it('rule 6: writes a seal of its own where one has', async () => {
    const { node, store, look } = await after();
    await node.run(type, ACTOR.key, 'a');
    store.failNext({ type: 'late' });
    assert.equal(await codeOf(node.run(type, ACTOR.key, 'unknown')), 'OUTCOME_UNKNOWN');
    assert.equal(await look(), 'a');
    const seals = store.commits.flatMap(({ head: found }) => (found === undefined ? [] : [found.sealTs]));
    assert.equal(new Set(seals).size, 2);
    assert.equal(await node.run(type, ACTOR.key, 'b'), '2');
    store.landLate();
    await node.clock.advance(1_000_000);
    assert.equal(await look(), 'a,b', 'the row of unknown outcome never comes back');
  });

  it('rule 6: a seal whose outcome is unknown counts as such a write', async () => {
    const { store, look } = await after({ rows: [row(1, 'a')] });
    store.failNext({ type: 'unknown_applied' });
    assert.equal(await codeOf(look()), 'OUTCOME_UNKNOWN');
    assert.equal(await look(), 'a');
    assert.equal(store.commits.length, 2, 'the seal was read back and yet written anew');
  });

  it('rule 5: refuses a valid row further beyond a hole than can have been in flight, also behind a nearer one', async () => {
    const { node, store, look } = await after({ rows: [row(1, 'a'), row(3, 'near'), row(6, 'far')] });
    assert.equal(await codeOf(look()), 'CORRUPTION');
    assert.equal(store.commits.length, 0, 'nothing is written');
    await node.clock.advance(1000);
    assert.ok(node.log.some(({ level }) => level === 'error'));
  });

  it('rule 5: takes rows within that distance for what a crash left', async () => {
    const { look } = await after({ rows: [row(1, 'a'), row(3, 'near'), row(5, 'last in flight')] });
    assert.equal(await look(), 'a');
  });

  it('rule 12: refuses an actor that was placed on another shard', async () => {
    const store = new SimStore({ type: 'immediate' });
    const node = new KernelNode([definition], { store });
    const actor = address(node);
    await store.commit({ actor, head: head({ shard: actor.shard + 1 }) });
    assert.equal(await codeOf(node.look(type, ACTOR.key)), 'CORRUPTION');
  });

  it('refuses a row of a form that it does not know', async () => {
    const { look } = await after({ rows: [{ seq: 1, ts: OLD, value: Uint8Array.of(9, 1) }] });
    assert.equal(await codeOf(look()), 'CORRUPTION');
  });

  it('rule 7: keeps the checkpoint where the tables are complete, and writes the cells of later rows again', async () => {
    const { node, store, actor, look } = await after({ rows: [row(1, 'k=1'), row(2, 'k=2')] });
    assert.equal(await look(), 'k=1,k=2');
    assert.equal(store.commits[0]?.head?.asOf, 0);
    node.clock.advanceSync(1000);
    await settle();
    const cell = await store.readCell(actor, 'words', 'k');
    assert.equal(Buffer.from(cell?.value ?? []).toString(), '2');
    assert.equal(cell?.ts, OLD + 2n);
  });

  it('reads a log of more rows than one page has', async () => {
    const store = new SimStore({ type: 'immediate' });
    const node = new KernelNode([definition], { store, limits: { recoveryRowsMax: 3, recoveryBytesMax: 5 } });
    const words = Array.from({ length: 10 }, (_, i) => `w${i}`);
    await store.commit({ actor: address(node), rows: words.map((word, i) => row(i + 1, word)) });
    assert.equal(await node.look(type, ACTOR.key), words.join());
  });
});
