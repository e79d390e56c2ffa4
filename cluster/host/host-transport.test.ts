import { deepEqual, equal, ok, rejects } from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { StarlingError, type Transport } from '../../runtime/index.ts';
import { systemClock } from '../clock/index.ts';
import { type HostLimits, HostTransport, hostLimits } from './index.ts';

/** The way to every node, which notes what it carries. */
class Far implements Transport {
  readonly carried: string[] = [];

  async request(node: string, envelope: Uint8Array): Promise<Uint8Array> {
    this.carried.push(`${node} ${Buffer.from(envelope)}`);
    return Buffer.from('from afar');
  }

  serve(): void {}
}

interface Pair {
  readonly a: HostTransport;
  readonly b: HostTransport;
  readonly far: Far;
  readonly sockets: ReadonlyMap<string, string>;
}

async function pair(t: TestContext, limits: Partial<HostLimits> = {}): Promise<Pair> {
  const directory = await mkdtemp(join(tmpdir(), 'starling-host-'));
  t.after(() => rm(directory, { recursive: true, force: true }));
  const sockets = new Map(['a', 'b'].map((node) => [node, join(directory, node)]));
  const far = new Far();
  const make = (node: string): HostTransport => {
    const clock = systemClock();
    const transport = new HostTransport({
      ...{ node, sockets, far, clock },
      limits: { ...hostLimits, reconnectMs: 0, ...limits },
    });
    t.after(() => transport.close());
    return transport;
  };
  const made = { a: make('a'), b: make('b'), far, sockets };
  await made.b.listen();
  return made;
}

/** Asks b until the connection is there: the answers before come from afar. */
async function connected({ a }: Pair, lane: 'call' | 'bulk' = 'call'): Promise<void> {
  while (a.sent === 0) {
    await a.request('b', Buffer.from('hello'), 1_000, lane);
    await new Promise((done) => setImmediate(done));
  }
}

const echo = async (envelope: Uint8Array): Promise<Uint8Array> =>
  Buffer.concat([Buffer.from('echo '), envelope]);

const code =
  (wanted: string) =>
  (error: unknown): boolean =>
    error instanceof StarlingError && error.code === wanted;

describe('envelopes between the processes of a host', () => {
  test('they go by the host once it is connected, and by the far way before and to other hosts', async (t) => {
    const made = await pair(t);
    made.b.serve(echo);
    equal(`${await made.a.request('b', Buffer.from('first'), 1_000)}`, 'from afar');
    await connected(made);
    const carried = made.far.carried.length;
    const answers = await Promise.all(
      ['call', 'bulk'].map(() => made.a.request('b', Buffer.from('x'), 1_000)),
    );
    deepEqual(answers.map(String), ['echo x', 'echo x']);
    equal(made.far.carried.length, carried);
    equal(`${await made.a.request('c', Buffer.from('y'), 1_000)}`, 'from afar');
  });

  test('answers find their requests in any order, the large ones too', async (t) => {
    const made = await pair(t);
    made.b.serve(async (envelope) => {
      const turns = envelope.length % 7;
      for (let turn = 0; turn < turns; turn++) await new Promise((done) => setImmediate(done));
      return envelope;
    });
    await connected(made);
    const sizes = [0, 1, 70_000, 3, 2_000_000, 12, 65_536, 5];
    const answers = await Promise.all(
      sizes.map((size) => made.a.request('b', Buffer.alloc(size, size & 255), 10_000)),
    );
    for (const [at, size] of sizes.entries()) {
      equal(answers[at]?.length, size);
      ok(answers[at]?.every((byte) => byte === (size & 255)));
    }
  });

  test('what was handed to a process that ended has an unknown outcome and is not sent again; the rest goes afar', async (t) => {
    const made = await pair(t);
    made.b.serve(async (envelope) => (`${envelope}` === 'hello' ? envelope : new Promise(() => {})));
    await connected(made);
    const carried = made.far.carried.length;
    const lost = rejects(made.a.request('b', Buffer.from('lost'), 10_000), code('OUTCOME_UNKNOWN'));
    await made.b.close();
    await lost;
    equal(made.far.carried.length, carried);
    equal(`${await made.a.request('b', Buffer.from('later'), 1_000)}`, 'from afar');
  });

  test('a process in the place of one that ended is connected to again', async (t) => {
    const made = await pair(t);
    made.b.serve(echo);
    await connected(made);
    await made.b.close();
    const next = new HostTransport({
      node: 'b',
      sockets: made.sockets,
      far: made.far,
      clock: systemClock(),
      limits: hostLimits,
    });
    t.after(() => next.close());
    await next.listen();
    next.serve(async () => Buffer.from('next'));
    let answer = '';
    while (answer !== 'next') {
      answer = `${await made.a.request('b', Buffer.from('x'), 1_000).catch(() => '')}`;
      await new Promise((done) => setImmediate(done));
    }
  });

  test('a request ends by its deadline', async (t) => {
    const made = await pair(t);
    made.b.serve(async (envelope) => (`${envelope}` === 'hello' ? envelope : new Promise(() => {})));
    await connected(made);
    await rejects(made.a.request('b', Buffer.from('slow'), 20), code('DEADLINE_EXCEEDED'));
  });

  test('a failure of the other side keeps its code, and what it can not take is refused', async (t) => {
    const made = await pair(t, { requestsMax: 2, envelopeBytesMax: 64 });
    made.b.serve(async (envelope) => {
      if (`${envelope}` === 'wait') return new Promise(() => {});
      if (`${envelope}` === 'large') return Buffer.alloc(65);
      if (`${envelope}` === 'fail') throw new StarlingError('STORAGE_FULL', 'No room.');
      return envelope;
    });
    await connected(made);
    await rejects(made.a.request('b', Buffer.from('fail'), 1_000), code('STORAGE_FULL'));
    await rejects(made.a.request('b', Buffer.from('large'), 1_000), code('INTERNAL'));
    await rejects(made.a.request('b', Buffer.alloc(65), 1_000), code('PAYLOAD_TOO_LARGE'));
    const waiting = [1, 2].map(() =>
      rejects(made.a.request('b', Buffer.from('wait'), 10_000), code('OUTCOME_UNKNOWN')),
    );
    await rejects(made.a.request('b', Buffer.from('more'), 1_000), code('OVERLOADED'));
    await made.b.close();
    await Promise.all(waiting);
  });

  test('a node that does not serve yet refuses, so that who asks looks again', async (t) => {
    const made = await pair(t);
    let refused: unknown;
    while (refused === undefined) {
      await made.a.request('b', Buffer.from('early'), 1_000).catch((error: unknown) => {
        refused = error;
      });
      await new Promise((done) => setImmediate(done));
    }
    ok(code('NOT_OWNER')(refused));
  });

  test('a connection that says what none of ours would is closed', async (t) => {
    const { sockets } = await pair(t);
    const path = sockets.get('b') ?? '';
    const socket = connect({ path });
    socket.write('GET / HTTP/1.1\r\n\r\n');
    socket.resume();
    await new Promise((closed) => socket.once('close', closed));
  });

  test('a socket that a former process of the same place has left is replaced', async (t) => {
    const { sockets } = await pair(t);
    const path = sockets.get('a') ?? '';
    const former = createServer();
    await new Promise<void>((listening) => former.listen(path, listening));
    t.after(() => former.close());
    const a = new HostTransport({
      node: 'a',
      sockets,
      far: new Far(),
      clock: systemClock(),
      limits: hostLimits,
    });
    t.after(() => a.close());
    await a.listen();
  });
});
