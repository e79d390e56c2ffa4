import { deepEqual, equal, match, notEqual, ok, rejects } from 'node:assert/strict';
import { describe, test } from 'node:test';
import { connect } from '@nats-io/transport-node';
import { startNatsServer } from '../../tools/dev/nats-server.ts';
import type { BoardEvent } from '../membership/index.ts';
import { apiRequest } from './jetstream.ts';
import { BoardSubjects } from './subjects.ts';
import { eventually } from './testing/eventually.ts';
import { natsNode } from './testing/node.ts';

const subjects = new BoardSubjects('test');

function bytes(text: string): Uint8Array {
  return Buffer.from(text);
}

/** Keys and values, sorted. */
function texts(entries: readonly { readonly key: string; readonly value: Uint8Array }[]): string[] {
  return entries.map(({ key, value }) => `${key}=${Buffer.from(value).toString()}`).sort();
}

function seen(events: readonly BoardEvent[]): string[] {
  return events.map((event) => {
    if (event.kind === 'put') return `put ${texts([event.entry])}`;
    return event.kind === 'gone' ? `gone ${event.key}` : 'reset';
  });
}

describe('the board on JetStream', () => {
  test('what one node puts, all nodes list; what is removed is gone', async (t) => {
    const server = await startNatsServer(t);
    const a = await natsNode(t, server.url, 'a');
    const b = await natsNode(t, server.url, 'b');
    await a.board.put('member.a', bytes('1'));
    await a.board.put('member.b/ü', bytes('2'));
    await b.board.put('placement.core', bytes('3'));
    deepEqual(texts(await b.board.list('member.')), ['member.a=1', 'member.b/ü=2']);
    deepEqual(texts(await b.board.list('placement.core')), ['placement.core=3']);
    deepEqual(texts(await b.board.list('placement.corex')), []);
    equal((await b.board.list('')).length, 3);
    await b.board.remove('member.a');
    await b.board.remove('member.never');
    deepEqual(texts(await a.board.list('member.')), ['member.b/ü=2']);
  });

  test('a revision rises with every put, and a put against another revision is refused', async (t) => {
    const server = await startNatsServer(t);
    const { board } = await natsNode(t, server.url, 'a');
    const first = await board.put('k', bytes('1'), { revision: 0 });
    const second = await board.put('k', bytes('2'), { revision: first });
    notEqual(first, second);
    equal((await board.list('k'))[0]?.revision, second);
    await rejects(board.put('k', bytes('x'), { revision: first }), { code: 'NOT_OWNER' });
    await rejects(board.put('k', bytes('x'), { revision: 0 }), { code: 'NOT_OWNER' });
    await board.remove('k');
    await rejects(board.put('k', bytes('x'), { revision: second }), { code: 'NOT_OWNER' });
    await board.put('k', bytes('3'), { revision: 0 });
    deepEqual(texts(await board.list('k')), ['k=3']);
  });

  test('a watch tells of puts, removals and expiry under its prefix, until it is ended', async (t) => {
    const server = await startNatsServer(t);
    const a = await natsNode(t, server.url, 'a');
    const b = await natsNode(t, server.url, 'b');
    const events: BoardEvent[] = [];
    await a.board.put('member.past', bytes('0'));
    await b.listening();
    const end = b.board.watch('member.', (event) => events.push(event));
    await a.board.put('member.a', bytes('1'));
    await a.board.put('placement.core', bytes('2'));
    await a.board.remove('member.a');
    await a.board.put('member.lease', bytes('3'), { ttlMs: 1 });
    await eventually('the lease expires', () => seen(events).includes('gone member.lease'));
    deepEqual(seen(events), ['put member.a=1', 'gone member.a', 'put member.lease=3', 'gone member.lease']);
    deepEqual(texts(await b.board.list('member.')), ['member.past=0']);
    end();
    await a.board.put('member.a', bytes('1'));
    await b.board.list('');
    equal(events.length, 4);
  });

  test('a key that is put again in time stays', async (t) => {
    const server = await startNatsServer(t);
    const { board } = await natsNode(t, server.url, 'a');
    await board.put('short', bytes('x'), { ttlMs: 1_000 });
    await board.put('renewed', bytes('1'), { ttlMs: 1_000 });
    await board.put('renewed', bytes('2'), { ttlMs: 60_000 });
    await eventually('the other is gone', async () => (await board.list('short')).length === 0);
    deepEqual(texts(await board.list('')), ['renewed=2']);
  });

  test('a server that comes back without its data has an empty board that works, and watchers list again', async (t) => {
    const server = await startNatsServer(t);
    const a = await natsNode(t, server.url, 'a');
    const b = await natsNode(t, server.url, 'b');
    const events: BoardEvent[] = [];
    b.board.watch('member.', (event) => events.push(event));
    await a.board.put('member.a', bytes('1'));
    await server.signal('SIGKILL');
    await rejects(a.board.put('member.a', bytes('2')), { code: 'OUTCOME_UNKNOWN' });
    await eventually('it is seen', () => !a.health().ok);
    await server.restart({ forget: true });
    await eventually(
      'both are back',
      () => a.health().connections.control === 'connected' && b.health().connections.control === 'connected',
    );
    deepEqual(await b.board.list('member.'), []);
    await a.board.put('member.a', bytes('3'), { ttlMs: 60_000 });
    deepEqual(texts(await b.board.list('member.')), ['member.a=3']);
    await eventually('it is told', () => seen(events).includes('put member.a=3'));
    ok(seen(events).includes('reset'));
    ok([...a.events, ...b.events].filter(({ kind }) => kind === 'board-made').length >= 2);
    await eventually('all is well', () => a.health().ok);
  });

  test('a bucket that is deleted under the nodes is made again by the next call', async (t) => {
    const server = await startNatsServer(t);
    const { board, events } = await natsNode(t, server.url, 'a');
    const admin = await connect({ servers: [server.url] });
    t.after(() => admin.close());
    await board.put('member.a', bytes('1'));
    await apiRequest(admin, `$JS.API.STREAM.DELETE.${subjects.stream}`, undefined, 5_000);
    await board.put('member.a', bytes('2'));
    deepEqual(texts(await board.list('')), ['member.a=2']);
    equal(events.filter(({ kind }) => kind === 'board-made').length, 2);
  });

  test('a bucket of another form is set right where the server allows it', async (t) => {
    const server = await startNatsServer(t);
    const admin = await connect({ servers: [server.url] });
    t.after(() => admin.close());
    const { create } = subjects.streamApi;
    const config = {
      name: subjects.stream,
      subjects: [subjects.keys],
      max_msgs_per_subject: 5,
      storage: 'file',
    };
    await apiRequest(admin, create, { ...config, description: 'of somebody' }, 5_000);
    const { board, health } = await natsNode(t, server.url, 'a');
    await board.put('member.a', bytes('1'), { ttlMs: 60_000 });
    deepEqual(texts(await board.list('')), ['member.a=1']);
    equal(health().board, 'ready');
  });

  test('a bucket that can not be used is named, with what to do', async (t) => {
    const server = await startNatsServer(t);
    const admin = await connect({ servers: [server.url] });
    t.after(() => admin.close());
    const config = { name: subjects.stream, subjects: ['another.subject'], storage: 'file', sealed: false };
    await apiRequest(admin, subjects.streamApi.create, config, 5_000);
    await apiRequest(admin, subjects.streamApi.update, { ...config, sealed: true }, 5_000);
    const failed = await natsNode(t, server.url, 'a').then(
      () => undefined,
      (error: Error) => error,
    );
    match(failed?.message ?? '', /bucket starling-test can not be used: .*nats kv del starling-test/);
  });

  test('too large a value is refused', async (t) => {
    const server = await startNatsServer(t);
    const { board } = await natsNode(t, server.url, 'a', { limits: { boardValueBytesMax: 10 } });
    await rejects(board.put('k', Buffer.alloc(11)), { code: 'PAYLOAD_TOO_LARGE' });
  });
});
