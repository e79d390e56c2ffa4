// What becomes of the driver when the server refuses, is away, is killed, and what the schema is told.

import { deepEqual, equal, match, ok, rejects } from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { StarlingError } from '../../runtime/errors.ts';
import type { Row } from '../../runtime/ports/store.ts';
import { FIRST_EPOCH, firstTimestamp } from '../../runtime/timestamp.ts';
import { type CassandraServer, dataCenter, startCassandra } from '../../tools/dev/cassandra.ts';
import { systemClock } from '../clock/index.ts';
import { type CassandraDatabase, openCassandra, openSchema } from './index.ts';
import { startForward } from './testing/index.ts';

const keyspace = 'starling_server';
const account = { name: 'cassandra', password: 'cassandra' };
const ann = { kind: 'user', key: 'ann', shard: 3 };
const ts = (count: number): bigint => firstTimestamp(FIRST_EPOCH) + BigInt(count);
const row = (seq: number, bytes = 10): Row => ({ seq, ts: ts(seq), value: Buffer.alloc(bytes, seq) });

/** Repeats what is refused or unknown, a bounded number of times. */
async function untilServed(task: () => Promise<void>): Promise<void> {
  for (let attempt = 1; attempt < 100; attempt += 1) {
    const served = await task().then(
      () => true,
      () => false,
    );
    if (served) return;
  }
  await task();
}

describe('Cassandra with accounts, alone', () => {
  let server: CassandraServer;
  let database: CassandraDatabase;
  const connection = () => ({ contactPoints: [server.address], dataCenter, account });
  const open = (changes: object = {}) =>
    openCassandra({ ...connection(), keyspace, clock: systemClock(), ...changes });
  const refusedWith = (reason: string, text: RegExp) => (error: StarlingError) => {
    equal(error.metadata['reason'], reason);
    match(error.message, text);
    return true;
  };

  before(async () => {
    server = await startCassandra({ authentication: 'password' });
  });
  after(async () => {
    await database?.close();
    await server.dispose();
  });

  test('a missing keyspace is named, and how to make it', async () => {
    await rejects(open(), refusedWith('KEYSPACE_MISSING', /starling schema apply/));
  });

  test('the schema is planned, applied and stated; a second time there is nothing to do', async () => {
    const schema = await openSchema(connection());
    const wanted = { keyspace, dataCenters: { [dataCenter]: 1 }, stripes: 4 };
    const plan = await schema.plan(wanted);
    deepEqual(
      plan.map(({ version }) => version),
      [0, 1],
    );
    equal((await schema.status(keyspace)).dataCenters, undefined);
    deepEqual(await schema.apply(wanted), plan);
    const status = { found: 1, wanted: 1, stripes: 4, dataCenters: { [dataCenter]: 1 } };
    deepEqual(await schema.status(keyspace), status);
    deepEqual(await schema.apply({ ...wanted, stripes: 8 }), []);
    deepEqual(await schema.status(keyspace), status, 'V2: the stripes stay what they were');
    await schema.close();
    database = await open();
    deepEqual(database.health(), { ok: true, detail: 'ok' });
  });

  test('a wrong password, a wrong data centre and a wrong port are told apart', async () => {
    const wrong = { ...account, password: 'wrong' };
    await rejects(open({ account: wrong }), refusedWith('ACCOUNT_REFUSED', /password/));
    await rejects(open({ dataCenter: 'dc9' }), refusedWith('DATA_CENTER_UNKNOWN', /dc9/));
    await rejects(open({ contactPoints: ['127.0.0.1:1'] }), refusedWith('UNREACHABLE', /127\.0\.0\.1:1/));
  });

  test('what the server refuses harms nothing beside it, and nothing of it is there', async () => {
    const store = database.store();
    // Each is within the bound of the driver; together they are far above what the server takes as one batch.
    const actors = Array.from({ length: 40 }, (_, at) => ({ ...ann, key: `poison-${at}` }));
    const results = await Promise.allSettled(
      actors.map((actor, at) => store.commit({ actor, rows: [row(1, at % 4 === 0 ? 60_000 : 3_000)] })),
    );
    deepEqual(new Set(results.map(({ status }) => status)), new Set(['fulfilled']));
    for (const [at, actor] of actors.entries()) {
      const [found] = await store.readRows(actor, { from: 1, rowsMax: 9 });
      equal(found?.value.length, at % 4 === 0 ? 60_000 : 3_000);
    }
    await rejects(store.commit({ actor: ann, rows: [row(1, 9_000_000)] }), { code: 'PAYLOAD_TOO_LARGE' });
    deepEqual(await store.readRows(ann, { from: 1, rowsMax: 9 }), []);
    await store.close();
  });

  test('rows go over the end of a bucket, are read both ways and trimmed on both sides of it', async () => {
    const store = database.store();
    const actor = { ...ann, key: 'buckets' };
    for (let from = 1; from <= 8_400; from += 600) {
      await store.commit({ actor, rows: Array.from({ length: 600 }, (_, at) => row(from + at, 1)) });
    }
    const seqs = async (range: object) =>
      (await store.readRows(actor, { from: 1, rowsMax: 9_000, ...range })).map(({ seq }) => seq);
    const all = await seqs({});
    deepEqual([all.length, all[0], all.at(-1)], [8_400, 1, 8_400]);
    deepEqual(await seqs({ from: 4_094, to: 4_097 }), [4_094, 4_095, 4_096, 4_097]);
    deepEqual(await seqs({ to: 4_097, rowsMax: 4, descending: true }), [4_097, 4_096, 4_095, 4_094]);
    deepEqual(await seqs({ rowsMax: 2, descending: true }), [8_400, 8_399]);
    const head = {
      shard: 3,
      floor: 8_193,
      sealSeq: 8_400,
      sealTs: ts(9_000),
      asOf: 8_400,
      state: Buffer.of(),
    };
    await store.commit({ actor, head: { ...head, ts: ts(9_000) } });
    await store.trim(actor, 8_193, ts(9_001));
    const left = await store.readRows(
      actor,
      { from: 1, rowsMax: 9_000 },
      { ...head, floor: 1, ts: ts(9_000) },
    );
    deepEqual([left.length, left[0]?.seq], [208, 8_193]);
    await store.close();
  });

  test('nodes that start at once agree on the facts of their cluster, and a later one hears what stands there', async () => {
    const other = await open();
    const wanted = (shards: string) => ({ shards, placement_version: '1' });
    const [one, two] = await Promise.all([database.agree(wanted('64')), other.agree(wanted('128'))]);
    deepEqual(one, two);
    ok(one['shards'] === '64' || one['shards'] === '128');
    deepEqual(await other.agree({ ...wanted('256'), later: 'x' }), { ...one, later: 'x' });
    await rejects(database.agree({ 'No name': '1' }), { code: 'INVALID_REQUEST' });
    await other.close();
  });

  test('the clock of this machine is compared to the one of Cassandra', async () => {
    const { now, monotonic, after: later } = systemClock();
    const ahead = await open({ clock: { now: () => now() + 90_000, monotonic, after: later } });
    const offsets = [await database.clockOffsetMs(), (await ahead.clockOffsetMs()) - 90_000];
    // One machine, one clock: what is left is the way there and back.
    for (const offset of offsets) ok(Math.abs(offset) < 5_000, `${offset} ms`);
    await ahead.close();
  });

  test('the lives of many incarnations are read at once; what was never written is not live', async () => {
    const shards = database.shards();
    await Promise.all(['a.1', 'b.1', 'c.1'].map((incarnation) => shards.markLive(incarnation)));
    await shards.fence('b.1');
    deepEqual(await shards.readLives(['a.1', 'b.1', 'c.1', 'd.1', 'a.1']), new Set(['a.1', 'c.1']));
    deepEqual(await shards.readLives([]), new Set());
    const many = Array.from({ length: 65 }, (_, at) => `n${at}`);
    await rejects(shards.readLives(many), { code: 'INVALID_REQUEST' });
  });

  test('a node that announces another address is reached where the map says', async () => {
    const forward = await startForward(server.address);
    const addressMap = { [server.address]: forward.address };
    for (const point of [server.address, forward.address]) {
      const mapped = await open({ contactPoints: [point], addressMap });
      const before = forward.bytes();
      await mapped.shards().markLive('mapped');
      ok(forward.bytes() > before);
      await mapped.close();
    }
    await rejects(open({ addressMap: { [server.address]: '127.0.0.1' } }), { code: 'INVALID_REQUEST' });
    await forward.close();
  });

  test('a process whose database was away ends when it has closed what it opened', async () => {
    const child = fileURLToPath(new URL('./testing/outage.child.ts', import.meta.url));
    const args = [child, server.address, dataCenter, account.name, account.password];
    // Rejects where it ends with an error, or not at all.
    const { stderr } = await promisify(execFile)(process.execPath, args, { timeout: 120_000 });
    equal(stderr, '');
  });

  test('a server that hangs is told at the start; later reads fail, writes are unknown, health says so, and all passes again', async () => {
    const store = database.store();
    const shards = database.shards();
    const hang = (signal: NodeJS.Signals) => process.kill(server.pid ?? 0, signal);
    hang('SIGSTOP');
    try {
      const ends = await Promise.allSettled([
        open(),
        store.commit({ actor: { ...ann, key: 'hang' }, rows: [row(1)] }),
        store.readHead(ann),
        shards.readLife('a.1'),
        shards.swap(9, undefined, { epoch: FIRST_EPOCH, owner: 'a.1' }),
      ]);
      const codes = ends.map((end) => (end.status === 'rejected' ? end.reason.code : 'done'));
      deepEqual(codes.slice(0, 4), ['STORAGE_FAILED', 'OUTCOME_UNKNOWN', 'OVERLOADED', 'OVERLOADED']);
      // Not done where the statement was not even prepared.
      ok(codes[4] === 'OUTCOME_UNKNOWN' || codes[4] === 'OVERLOADED', codes[4]);
      const [start] = ends;
      equal(start.status === 'rejected' && start.reason.metadata.reason, 'UNREACHABLE');
      match(database.health().detail, /served nothing for \d+ s/);
    } finally {
      hang('SIGCONT');
    }
    await untilServed(() => store.commit({ actor: { ...ann, key: 'hang' }, rows: [row(1)] }));
    deepEqual(database.health(), { ok: true, detail: 'ok' });
    const owner = await shards.readOwner(9);
    ok(owner === undefined || owner.owner === 'a.1', 'settled by a serial read, either way');
    equal((await store.readRows({ ...ann, key: 'hang' }, { from: 1, rowsMax: 9 })).length, 1);
    await store.close();
  });

  test('what was acknowledged is there after kill -9; meanwhile every request fails by itself, then all is well again', async () => {
    const store = database.store();
    const shards = database.shards();
    const actors = Array.from({ length: 200 }, (_, at) => ({ ...ann, key: `kill-${at}` }));
    const acknowledged = new Set<string>();
    const writers = actors.map(async (actor) => {
      for (let seq = 1; ; seq += 1) {
        await store.commit({ actor, rows: [row(seq)] });
        acknowledged.add(`${actor.key}/${seq}`);
        if (acknowledged.size === 1_000) await server.kill();
      }
    });
    const ends = await Promise.allSettled(writers);
    const codes = new Set(ends.map((end) => (end.status === 'rejected' ? end.reason.code : 'done')));
    ok(
      [...codes].every((code) => code === 'OUTCOME_UNKNOWN' || code === 'OVERLOADED'),
      [...codes].join(),
    );
    await rejects(store.readHead(ann), { code: 'OVERLOADED' });
    await rejects(shards.readLife('n1'), { code: 'OVERLOADED' });
    const swap = shards.swap(1, undefined, { epoch: FIRST_EPOCH, owner: 'n1' });
    await rejects(swap, ({ code }: StarlingError) => code === 'OVERLOADED' || code === 'OUTCOME_UNKNOWN');
    await server.start();
    const again = await open();
    const found = again.store();
    for (const actor of actors) {
      const seqs = (await found.readRows(actor, { from: 1, rowsMax: 900 })).map(({ seq }) => seq);
      const wanted = [...acknowledged].filter((name) => name.startsWith(`${actor.key}/`)).length;
      ok(seqs.length >= wanted, `${actor.key}: ${wanted} acknowledged, ${seqs.length} found`);
      deepEqual(
        seqs,
        seqs.map((_, at) => at + 1),
      );
    }
    await again.close();
    // The session that saw it go finds it again without help.
    await untilServed(() => store.commit({ actor: ann, rows: [row(1)] }));
    deepEqual(database.health(), { ok: true, detail: 'ok' });
    equal((await store.readRows(ann, { from: 1, rowsMax: 9 })).length, 1);
    await store.close();
  });
});
