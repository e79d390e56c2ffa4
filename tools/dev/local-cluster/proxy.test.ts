import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { describe, type TestContext, test } from 'node:test';
import { type Link, openLink } from './proxy.ts';

/** What one end of a connection has received, and a wait for more of it. */
class Ear {
  text = '';
  ended = false;
  readonly #socket: Socket;

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (bytes) => {
      this.text += bytes.toString();
    });
    socket.on('end', () => {
      this.ended = true;
    });
    socket.on('error', () => {});
  }

  async hears(text: string): Promise<void> {
    while (!this.text.includes(text)) await once(this.#socket, 'data');
  }
}

interface Server {
  readonly port: number;
  /** The next connection that comes in. */
  next(): Promise<{ socket: Socket; ear: Ear }>;
}

async function serve(t: TestContext): Promise<Server> {
  const waiting: { socket: Socket; ear: Ear }[] = [];
  const wanted: ((found: { socket: Socket; ear: Ear }) => void)[] = [];
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    const found = { socket, ear: new Ear(socket) };
    const take = wanted.shift();
    if (take === undefined) waiting.push(found);
    else take(found);
    t.after(() => socket.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const address = server.address();
  assert.ok(typeof address === 'object' && address !== null);
  return {
    port: address.port,
    next: () => {
      const found = waiting.shift();
      return found === undefined ? new Promise((resolve) => wanted.push(resolve)) : Promise.resolve(found);
    },
  };
}

async function dial(t: TestContext, link: Link): Promise<{ socket: Socket; ear: Ear }> {
  const socket = connect({ port: link.port, host: '127.0.0.1', allowHalfOpen: true });
  const ear = new Ear(socket);
  await once(socket, 'connect');
  t.after(() => socket.destroy());
  return { socket, ear };
}

async function linked(t: TestContext) {
  const server = await serve(t);
  const link = await openLink({ host: '127.0.0.1', port: server.port });
  t.after(() => link.close());
  return { server, link };
}

describe('a link', () => {
  test('Bytes and the ends of streams pass both ways.', async (t) => {
    const { server, link } = await linked(t);
    const near = await dial(t, link);
    const far = await server.next();
    near.socket.end('question');
    await far.ear.hears('question');
    if (!far.ear.ended) await once(far.socket, 'end');
    far.socket.end('answer');
    await near.ear.hears('answer');
    if (!near.ear.ended) await once(near.socket, 'end');
  });

  test('A cut of requests holds them back while answers pass, and mending lets them arrive in order.', async (t) => {
    const { server, link } = await linked(t);
    const near = await dial(t, link);
    const far = await server.next();
    near.socket.write('1');
    await far.ear.hears('1');
    link.cut('requests');
    const second = held(link);
    near.socket.write('2');
    await second;
    far.socket.write('answer');
    await near.ear.hears('answer');
    assert.equal(far.ear.text, '1');
    link.mend();
    near.socket.write('3');
    await far.ear.hears('123');
  });

  test('A cut of answers holds them back while requests pass.', async (t) => {
    const { server, link } = await linked(t);
    const near = await dial(t, link);
    const far = await server.next();
    link.cut('answers');
    far.socket.write('early ');
    near.socket.write('question');
    await far.ear.hears('question');
    assert.equal(near.ear.text, '');
    link.mend();
    far.socket.write('late');
    await near.ear.hears('early late');
  });

  test('Requests of a client that died during the cut still arrive, before the end of its connection.', async (t) => {
    const { server, link } = await linked(t);
    const near = await dial(t, link);
    const far = await server.next();
    link.cut();
    const sent = held(link);
    near.socket.write('last words');
    await sent;
    const gone = once(near.socket, 'close');
    near.socket.destroy();
    await gone;
    assert.equal(far.ear.ended, false);
    link.mend();
    await far.ear.hears('last words');
    if (!far.ear.ended) await once(far.socket, 'end');
  });

  test('Mending with a reset ends the connections of the cut and forgets their bytes.', async (t) => {
    const { server, link } = await linked(t);
    const near = await dial(t, link);
    const far = await server.next();
    link.cut();
    const sent = held(link);
    near.socket.write('never');
    await sent;
    const closed = closing(far.socket);
    link.mend({ reset: true });
    await closed;
    assert.equal(far.ear.text, '');
    const again = await dial(t, link);
    again.socket.write('new');
    await (await server.next()).ear.hears('new');
  });

  test('A connection made during a cut reaches the server once it is mended.', async (t) => {
    const { server, link } = await linked(t);
    link.cut();
    const near = await dial(t, link);
    const sent = held(link);
    near.socket.write('patience');
    await sent;
    link.mend();
    await (await server.next()).ear.hears('patience');
  });

  test('A cut may refuse new connections.', async (t) => {
    const { link } = await linked(t);
    link.cut(undefined, { newConnections: 'refused' });
    const socket = connect({ port: link.port, host: '127.0.0.1' });
    await closing(socket);
  });

  test('Stranded connections stay held when the link is mended, while new ones pass, until they are released.', async (t) => {
    const { server, link } = await linked(t);
    const old = await dial(t, link);
    const oldFar = await server.next();
    const stranded = link.strand();
    const sent = held(link);
    old.socket.write('ghost');
    await sent;
    link.mend();
    const young = await dial(t, link);
    young.socket.write('present');
    await (await server.next()).ear.hears('present');
    assert.equal(oldFar.ear.text, '');
    assert.equal(stranded.requestBytes, 5);
    stranded.release();
    await oldFar.ear.hears('ghost');
  });

  test('Bytes that a listener has the link cut for are held too.', async (t) => {
    const { server, link } = await linked(t);
    const near = await dial(t, link);
    const far = await server.next();
    const seen = new Promise<void>((resolve) => {
      link.onRequests((bytes) => {
        if (!bytes.includes('swap')) return bytes;
        link.cut('requests');
        resolve();
        return bytes;
      });
    });
    near.socket.write('read ');
    await far.ear.hears('read ');
    near.socket.write('swap');
    await seen;
    assert.equal(far.ear.text, 'read ');
    link.mend();
    await far.ear.hears('read swap');
  });

  test('A listener may have other bytes go on, connection by connection.', async (t) => {
    const { server, link } = await linked(t);
    const [one, other] = [await dial(t, link), await dial(t, link)];
    const [oneFar, otherFar] = [await server.next(), await server.next()];
    const seen = new Map<object, string>();
    link.onRequests((bytes, connection) => {
      seen.set(connection, (seen.get(connection) ?? '') + bytes.toString());
      return bytes.includes('secret') ? Buffer.alloc(0) : bytes;
    });
    one.socket.write('secret');
    other.socket.write('open');
    await otherFar.ear.hears('open');
    one.socket.write('later');
    await oneFar.ear.hears('later');
    assert.equal(oneFar.ear.text, 'later');
    assert.deepEqual([...seen.values()].map((text) => text.replace('secret', '')).toSorted(), [
      'later',
      'open',
    ]);
  });

  test('A delay keeps the order of bytes.', async (t) => {
    const { server, link } = await linked(t);
    const near = await dial(t, link);
    const far = await server.next();
    link.delay(20);
    const first = held(link);
    near.socket.write('one ');
    await first;
    link.delay(0);
    near.socket.write('two');
    await far.ear.hears('one two');
  });

  test('A server that is not there ends the connection.', async (t) => {
    const { server, link } = await linked(t);
    const gone = await openLink({ host: '127.0.0.1', port: await closedPort() });
    t.after(() => gone.close());
    const socket = connect({ port: gone.port, host: '127.0.0.1' });
    await closing(socket);
    const near = await dial(t, link);
    near.socket.write('still here');
    await (await server.next()).ear.hears('still here');
  });
});

/** Resolves when a socket has closed, however it came to that. */
function closing(socket: Socket): Promise<void> {
  socket.on('error', () => {});
  return new Promise((resolve) => socket.once('close', () => resolve()));
}

/** Resolves once the link has the next bytes of a client. */
function held(link: Link): Promise<void> {
  return new Promise((resolve) =>
    link.onRequests((bytes) => {
      resolve();
      return bytes;
    }),
  );
}

async function closedPort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  assert.ok(typeof address === 'object' && address !== null);
  return address.port;
}
