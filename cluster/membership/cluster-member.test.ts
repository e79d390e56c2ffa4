import { deepEqual, equal, ok } from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ClusterMemberOptions, JoinRefusal } from './index.ts';
import { encodePlacement, placementKey } from './record.ts';
import { Cluster, SHARDS, three } from './testing/model-cluster.ts';

describe('a member of a cluster', () => {
  test('three nodes share the shards by clean moves, and each knows where the others serve', async () => {
    const cluster = await three();
    equal(cluster.total(), SHARDS);
    for (const count of Object.values(cluster.served())) ok(count >= 16 && count <= 27, `${count} shards`);
    deepEqual(cluster.fences(), []);
    for (let shard = 0; shard < SHARDS; shard++) {
      const owner = cluster.table.rows.get(shard)?.owner.charAt(0);
      for (const { directory } of cluster.members.values()) equal(directory.nodeOf(shard), owner);
    }
  });
  test('I16: a board that is down, then comes back empty, fences nobody and stops no service', async () => {
    const cluster = await three();
    const before = cluster.served();
    cluster.board.down = true;
    await cluster.clock.advance(120_000);
    deepEqual(cluster.served(), before);
    equal(cluster.members.get('a')?.status().lease, false);
    cluster.board.lose();
    cluster.board.down = false;
    await cluster.clock.advance(30_000);
    equal(cluster.total(), SHARDS);
    deepEqual(cluster.fences(), []);
    equal(cluster.members.get('a')?.status().lease, true);
  });
  test('C3: a board that is slow to take a renewal does not make the store look away', async () => {
    const cluster = await three();
    const { put } = cluster.board;
    cluster.board.put = (key, value, options) =>
      key === 'member.b-1'
        ? new Promise((_, reject) => cluster.clock.after(10_000, () => reject(new Error('slow'))))
        : put.call(cluster.board, key, value, options);
    await cluster.clock.advance(8_000);
    equal(cluster.members.get('b')?.answerProbe('b-1'), 'well');
    deepEqual(cluster.fences(), []);
  });
  test('a plan that names a node nobody knows is replaced, though no member changes', async () => {
    const cluster = await three();
    const owners = Array.from({ length: SHARDS }, () => 'z');
    const plan = encodePlacement({ version: 99, role: 'core', owners });
    await Promise.all([cluster.board.put(placementKey('core'), plan), cluster.clock.advance(10_000)]);
    equal(cluster.total(), SHARDS);
    for (const member of cluster.members.values()) ok(!member.status().owners.includes('z'));
  });
  test('the last ready node does not wait for somebody to take its shards', async () => {
    const cluster = new Cluster();
    const { member } = await cluster.join('a');
    await cluster.clock.advance(20_000);
    const [left] = await Promise.all([member.drain(60_000), cluster.clock.advance(2_000)]);
    equal(left, SHARDS);
  });
  test('I16: a board that expires everything at once fences nobody', async () => {
    const cluster = await three();
    const before = cluster.served();
    for (let round = 0; round < 5; round++) {
      cluster.board.lose();
      await cluster.clock.advance(10_000);
    }
    deepEqual(cluster.served(), before);
    deepEqual(cluster.fences(), []);
  });
  test('I11: a dead node is fenced after silence and a question, and its shards are served again', async () => {
    const cluster = await three();
    const dead = cluster.members.get('b');
    cluster.kill('b');
    await cluster.clock.advance(20_000);
    equal(cluster.total(), SHARDS);
    deepEqual(cluster.fences(), ['fence b-1']);
    equal(await dead?.ownership.readFence(), 'fenced');
    deepEqual(dead?.ownership.served(), []);
  });
  test('a node that the board does not hear but that answers well is not fenced', async () => {
    const cluster = await three();
    const before = cluster.served();
    const { put } = cluster.board;
    cluster.board.put = (key, value, options) =>
      key === 'member.b-1' ? Promise.reject(new Error('cut')) : put.call(cluster.board, key, value, options);
    await cluster.clock.advance(60_000);
    deepEqual(cluster.served(), before);
    deepEqual(cluster.fences(), []);
    ok(cluster.events.some((event) => event.kind === 'asked' && event.answer === 'well'));
  });
  test('I11: a node cut off from the store alone stops renewing, says it is unwell and loses its shards', async () => {
    const cluster = await three();
    cluster.table.faultOf = (call) => (call === 'life b-1' ? 'lost' : undefined);
    await cluster.clock.advance(30_000);
    ok(cluster.events.some((event) => event.kind === 'asked' && event.answer === 'unwell'));
    deepEqual(cluster.fences(), ['fence b-1']);
    const rows = [...cluster.table.rows.values()];
    ok(rows.every(({ owner }) => owner !== 'b-1'));
  });
  test('I11: a node whose fence is read by another process loses its shards where it is itself cut off from the store', async () => {
    const cluster = new Cluster();
    const store = { isCut: false };
    const reachStore = async (): Promise<void> => {
      if (store.isCut) throw new Error('cut');
    };
    for (const node of ['a', 'b', 'c']) await cluster.join(node, node === 'b' ? { reachStore } : {});
    await cluster.clock.advance(20_000);
    ok((cluster.served()['b'] ?? 0) >= 16);
    store.isCut = true;
    await cluster.clock.advance(30_000);
    deepEqual(cluster.fences(), ['fence b-1']);
    ok([...cluster.table.rows.values()].every(({ owner }) => owner !== 'b-1'));
  });
  test('I11: a process that one node knows to have ended is replaced at once, by nodes that only see the board too', async () => {
    for (const [dead, witness] of [
      ['a', 'b'],
      ['b', 'a'],
      ['c', 'b'],
    ] as const) {
      const cluster = await three();
      const fallen = cluster.members.get(dead);
      cluster.kill(dead);
      // Whoever watches over it writes its fence first.
      await cluster.table.fence(`${dead}-1`);
      await Promise.all([
        cluster.members.get(witness)?.bury(`${dead}-1`),
        // Less than one beat: neither silence nor quiet is waited for.
        cluster.clock.advance(200),
      ]);
      equal(cluster.total(), SHARDS, `${dead} is dead, ${witness} knows`);
      equal(await fallen?.ownership.readFence(), 'fenced');
      for (const { directory } of cluster.members.values())
        for (let shard = 0; shard < SHARDS; shard++) ok(directory.nodeOf(shard) !== dead);
    }
  });
  test('who ended without a word is waited for by nobody any more; who ends in order may still answer', async () => {
    const cluster = new Cluster();
    const gone: string[] = [];
    for (const node of ['a', 'b', 'c', 'd'])
      await cluster.join(node, { onGone: (incarnation) => gone.push(`${node}: ${incarnation}`) });
    await cluster.clock.advance(20_000);
    cluster.kill('b');
    await cluster.table.fence('b-1');
    await Promise.all([cluster.members.get('a')?.bury('b-1'), cluster.clock.advance(200)]);
    deepEqual(gone.sort(), ['a: b-1', 'c: b-1', 'd: b-1']);
    const c = cluster.members.get('c');
    await Promise.all([c?.drain(30_000), cluster.clock.advance(30_000)]);
    await Promise.all([c?.stop(), cluster.clock.advance(5_000)]);
    equal(gone.length, 3);
    equal(cluster.total(), SHARDS);
  });
  test('a node says which host it is on, and the others can tell', async () => {
    const cluster = new Cluster();
    await cluster.join('a', { host: 'h' });
    await cluster.join('b', { host: 'h' });
    await cluster.join('c');
    await cluster.clock.advance(20_000);
    const directory = cluster.members.get('a')?.directory;
    equal(directory?.hostOf?.('b'), 'h');
    equal(directory?.hostOf?.('c'), undefined);
    equal(directory?.hostOf?.('nobody'), undefined);
  });
  test('I11: shards whose row names somebody on no board are taken over, after silence', async () => {
    const cluster = new Cluster();
    await cluster.table.markLive('z.1');
    for (let shard = 0; shard < 8; shard++)
      await cluster.table.swap(shard, undefined, { epoch: 65_536, owner: 'z.1' });
    await cluster.join('a');
    await cluster.join('b');
    await cluster.clock.advance(30_000);
    equal(cluster.total(), SHARDS);
    deepEqual(cluster.fences(), ['fence z.1']);
  });
  test('a drained node gives every shard away without a fence, and takes some again afterwards', async () => {
    const cluster = await three();
    const b = cluster.members.get('b');
    ok(b !== undefined);
    const [left] = await Promise.all([b.drain(30_000), cluster.clock.advance(30_000)]);
    equal(left, 0);
    equal(cluster.total(), SHARDS);
    deepEqual(cluster.fences(), []);
    await Promise.all([b.undrain(), cluster.clock.advance(20_000)]);
    ok(b.ownership.served().length >= 16);
    equal(cluster.total(), SHARDS);
  });
  test('a node that stops without a drain fences itself, so its shards move on at once', async () => {
    const cluster = await three();
    const b = cluster.members.get('b');
    cluster.members.delete('b');
    await Promise.all([b?.stop(), cluster.clock.advance(6_000)]);
    equal(cluster.total(), SHARDS);
    ok(!cluster.events.some(({ kind }) => kind === 'condemned'));
  });
  const refusals: [JoinRefusal['kind'], Partial<ClusterMemberOptions>][] = [
    ['shards', { shards: 32 }],
    ['wire-version', { wire: { min: 2, max: 3 } }],
    ['duplicate-node', { node: 'a', incarnation: 'a-2' }],
  ];
  for (const [kind, options] of refusals) {
    test(`a node that does not fit is refused: ${kind}`, async () => {
      const cluster = new Cluster();
      await cluster.join('a');
      const { member, refusal } = await cluster.join(options.node ?? 'd', options);
      equal(refusal?.kind, kind);
      deepEqual(member.ownership.served(), []);
    });
  }
});
