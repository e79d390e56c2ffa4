import { deepEqual, equal, ok, rejects } from 'node:assert/strict';
import { type ChildProcess, fork } from 'node:child_process';
import { describe, type TestContext, test } from 'node:test';
import { StarlingError } from '../../runtime/index.ts';
import { type NatsServer, startNatsServer } from '../../tools/dev/nats-server.ts';
import { eventually } from './testing/eventually.ts';
import { natsNode, serve } from './testing/node.ts';

const MS = 10_000;

function bytes(text: string): Uint8Array {
  return Buffer.from(text);
}

function text(found: Uint8Array): string {
  return Buffer.from(found).toString();
}

/** The code with which a promise rejects, or what it resolved with. */
async function outcome(promise: Promise<Uint8Array>): Promise<string> {
  try {
    return text(await promise);
  } catch (error) {
    return error instanceof StarlingError ? error.code : String(error);
  }
}

/** A child that is ready; it ends with the test. */
async function echoChild(t: TestContext, server: NatsServer, node: string): Promise<ChildProcess> {
  const child = fork(new URL('./testing/echo.child.ts', import.meta.url), [server.url, node]);
  const ended = new Promise((resolve) => child.once('exit', resolve));
  t.after(async () => {
    child.kill('SIGKILL');
    await ended;
  });
  await new Promise((resolve) => child.once('message', resolve));
  return child;
}

describe('calls between nodes over NATS', () => {
  test('calls of one tick for one node are one message, and arrive in order; so do the answers', async (t) => {
    const server = await startNatsServer(t);
    const a = await natsNode(t, server.url, 'a');
    const b = await natsNode(t, server.url, 'b');
    const seen: string[] = [];
    await serve(b, async (envelope) => {
      seen.push(text(envelope));
      return envelope;
    });
    equal(text(await a.transport.request('b', bytes('first'), MS)), 'first');
    const before = { asked: a.transport.sent.calls, answered: b.transport.sent.calls };
    const wanted = Array.from({ length: 500 }, (_, index) => `call ${index}`);
    const answers = await Promise.all(wanted.map((each) => a.transport.request('b', bytes(each), MS)));
    deepEqual(answers.map(text), wanted);
    deepEqual(seen.slice(1), wanted);
    const { sent } = a.transport;
    equal(sent.calls.envelopes - before.asked.envelopes, 500);
    equal(sent.calls.messages - before.asked.messages, 1);
    equal(b.transport.sent.calls.messages - before.answered.messages, 1);
    equal(sent.bulk.messages, 0);
  });

  test('mass travels on a connection of its own', async (t) => {
    const server = await startNatsServer(t);
    const a = await natsNode(t, server.url, 'a');
    await serve(a, async (envelope) => envelope);
    equal(text(await a.transport.request('a', bytes('x'), MS, 'bulk')), 'x');
    deepEqual(a.transport.sent, {
      calls: { messages: 0, envelopes: 0 },
      bulk: { messages: 2, envelopes: 2 },
    });
  });

  test('an envelope larger than a message travels in pieces, one above the bound is refused', async (t) => {
    const server = await startNatsServer(t);
    const a = await natsNode(t, server.url, 'a');
    const b = await natsNode(t, server.url, 'b', { limits: { envelopeBytesMax: 4_000_000 } });
    await serve(b, async (envelope) => envelope);
    const large = Buffer.from(Array.from({ length: 3_000_000 }, (_, index) => index % 251));
    const answers = await Promise.all([
      a.transport.request('b', bytes('before'), MS),
      a.transport.request('b', large, MS),
      a.transport.request('b', bytes('after'), MS),
    ]);
    ok(large.equals(answers[1] ?? bytes('')));
    equal(text(answers[2] ?? bytes('')), 'after');
    equal(await outcome(a.transport.request('b', Buffer.alloc(9_000_000), MS)), 'PAYLOAD_TOO_LARGE');
  });

  test('an answer that is too large, and a handler that fails, are failures with a code', async (t) => {
    const server = await startNatsServer(t);
    const a = await natsNode(t, server.url, 'a', { limits: { envelopeBytesMax: 1_000 } });
    await serve(a, async (envelope) => {
      if (text(envelope) === 'full') throw new StarlingError('STORAGE_FULL');
      if (text(envelope) === 'defect') throw new TypeError('of our own');
      return new Uint8Array(2_000);
    });
    equal(await outcome(a.transport.request('a', bytes('large'), MS)), 'INTERNAL');
    equal(await outcome(a.transport.request('a', bytes('full'), MS)), 'STORAGE_FULL');
    equal(await outcome(a.transport.request('a', bytes('defect'), MS)), 'INTERNAL');
  });

  test('a node that is not there is no owner of anything', async (t) => {
    const server = await startNatsServer(t);
    const a = await natsNode(t, server.url, 'a');
    await rejects(a.transport.request('nobody', bytes('x'), MS), { code: 'NOT_OWNER' });
  });

  test('a call that is not answered ends by its deadline', async (t) => {
    const server = await startNatsServer(t);
    const a = await natsNode(t, server.url, 'a');
    await serve(a, () => new Promise(() => {}));
    await rejects(a.transport.request('a', bytes('x'), 60), { code: 'DEADLINE_EXCEEDED' });
  });

  test('what waits for a process that is known to have ended is unknown at once; other processes are waited for', async (t) => {
    const server = await startNatsServer(t);
    const a = await natsNode(t, server.url, 'a');
    const held = new Map<string, () => void>();
    for (const node of ['b', 'c']) {
      const one = await natsNode(t, server.url, node, { process: `${node}-1` });
      await serve(one, async (envelope) => {
        if (text(envelope) === 'hold') await new Promise<void>((resolve) => held.set(node, resolve));
        return envelope;
      });
      await a.transport.request(node, bytes('first'), MS);
    }
    const lost = outcome(a.transport.request('b', bytes('hold'), MS));
    const kept = outcome(a.transport.request('c', bytes('hold'), MS));
    await eventually('both have what they are asked', () => held.size === 2);
    a.transport.forget('b-1');
    equal(await lost, 'OUTCOME_UNKNOWN');
    held.get('c')?.();
    equal(await kept, 'hold');
    for (const resolve of held.values()) resolve();
    equal(text(await a.transport.request('b', bytes('again'), MS)), 'again');
  });

  test('requests beyond the credits of a link are refused, and none is lost', async (t) => {
    const server = await startNatsServer(t);
    const a = await natsNode(t, server.url, 'a', { limits: { linkRequestsMax: 100 } });
    const b = await natsNode(t, server.url, 'b');
    const { promise, resolve } = Promise.withResolvers<void>();
    await serve(b, (envelope) => promise.then(() => envelope));
    const outcomes = Array.from({ length: 150 }, (_, index) =>
      outcome(a.transport.request('b', bytes(`${index}`), MS)),
    );
    equal(await outcomes[149], 'OVERLOADED');
    resolve();
    const found = await Promise.all(outcomes);
    deepEqual(
      found.slice(0, 100),
      Array.from({ length: 100 }, (_, index) => `${index}`),
    );
    deepEqual(new Set(found.slice(100)), new Set(['OVERLOADED']));
  });

  test('a process that stands still fills no buffer of the server, and answers all it was sent once it goes on', async (t) => {
    const server = await startNatsServer(t);
    const child = await echoChild(t, server, 'slow');
    const a = await natsNode(t, server.url, 'a', { limits: { silentMs: 60_000, linkBytesMax: 4_000_000 } });
    equal(await outcome(a.transport.request('slow', bytes('x'), MS)), '1');
    child.kill('SIGSTOP');
    const outcomes = Array.from({ length: 100 }, () =>
      outcome(a.transport.request('slow', Buffer.alloc(100_000), MS)),
    );
    // The wire is idle again: all that the window allows has left.
    await a.board.list('');
    ok(a.transport.sent.calls.envelopes <= 12);
    equal(await outcomes[99], 'OVERLOADED');
    child.kill('SIGCONT');
    const found = await Promise.all(outcomes);
    const answered = found.filter((each) => each === '100000').length;
    equal(answered + found.filter((each) => each === 'OVERLOADED').length, 100);
    // What fits the bound of what waits, and what left before.
    ok(answered >= 40 && answered <= 51);
  });

  test('calls to a process that was killed end as unknown, not at their deadline; later ones find nobody', async (t) => {
    const server = await startNatsServer(t);
    const child = await echoChild(t, server, 'victim');
    const a = await natsNode(t, server.url, 'a', { limits: { quietMs: 100 } });
    equal(await outcome(a.transport.request('victim', bytes('x'), MS)), '1');
    child.kill('SIGSTOP');
    const asked = outcome(a.transport.request('victim', bytes('x'), 600_000));
    await eventually('the call has left', () => a.transport.sent.calls.envelopes === 2);
    child.kill('SIGKILL');
    equal(await asked, 'OUTCOME_UNKNOWN');
    equal(await outcome(a.transport.request('victim', bytes('x'), MS)), 'NOT_OWNER');
  });

  test('a process that stands still too long is given up, and its successor is found', async (t) => {
    const server = await startNatsServer(t);
    const child = await echoChild(t, server, 'node');
    const a = await natsNode(t, server.url, 'a', { limits: { quietMs: 100, silentMs: 300 } });
    equal(await outcome(a.transport.request('node', bytes('x'), MS)), '1');
    child.kill('SIGSTOP');
    const asked = outcome(a.transport.request('node', bytes('x'), 600_000));
    equal(await asked, 'OUTCOME_UNKNOWN');
    const successor = await natsNode(t, server.url, 'node');
    await serve(successor, async () => bytes('successor'));
    equal(await outcome(a.transport.request('node', bytes('x'), MS)), 'successor');
    child.kill('SIGCONT');
  });

  test('calls in flight end as unknown when the server dies, and later ones work when it is back', async (t) => {
    const server = await startNatsServer(t);
    const a = await natsNode(t, server.url, 'a');
    const b = await natsNode(t, server.url, 'b');
    let answers = true;
    await serve(b, (envelope) => (answers ? Promise.resolve(envelope) : new Promise(() => {})));
    equal(await outcome(a.transport.request('b', bytes('x'), MS)), 'x');
    answers = false;
    const asked = outcome(a.transport.request('b', bytes('x'), 600_000));
    await eventually('the call has left', () => a.transport.sent.calls.envelopes === 2);
    await server.signal('SIGKILL');
    equal(await asked, 'OUTCOME_UNKNOWN');
    equal(a.health().ok, false);
    ok(a.health().problems.some((problem) => problem.includes('calls connection')));
    equal(await outcome(a.transport.request('b', bytes('x'), MS)), 'NOT_OWNER');
    answers = true;
    await server.restart();
    await eventually(
      'both are connected',
      () => a.health().connections.calls === 'connected' && b.health().connections.calls === 'connected',
    );
    equal(await outcome(a.transport.request('b', bytes('again'), MS)), 'again');
    ok(a.events.some(({ kind }) => kind === 'up'));
  });

  test('a node that stops answers what it has begun, and is no owner of what comes then', async (t) => {
    const server = await startNatsServer(t);
    const a = await natsNode(t, server.url, 'a');
    const b = await natsNode(t, server.url, 'b', { limits: { drainMs: MS } });
    const { promise, resolve } = Promise.withResolvers<void>();
    await serve(b, async (envelope) => {
      if (text(envelope) === 'slow') await promise;
      return envelope;
    });
    equal(await outcome(a.transport.request('b', bytes('x'), MS)), 'x');
    const begun = outcome(a.transport.request('b', bytes('slow'), MS));
    equal(await outcome(a.transport.request('b', bytes('y'), MS)), 'y');
    const closed = b.close();
    equal(await outcome(a.transport.request('b', bytes('z'), MS)), 'NOT_OWNER');
    resolve();
    equal(await begun, 'slow');
    await closed;
    equal(await outcome(a.transport.request('b', bytes('z'), MS)), 'NOT_OWNER');
    await rejects(b.transport.request('a', bytes('x'), MS), { code: 'SHUTTING_DOWN' });
  });
});
