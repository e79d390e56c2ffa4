import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect as connectHttp2 } from 'node:http2';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Edge, EdgeOptions } from './index.ts';
import {
  framed,
  parseBody,
  STREAM_PATH,
  type TestHandlers,
  testEdge,
  UNARY_PATH,
  webCall,
  webStream,
} from './testing/index.ts';

async function withEdge(
  run: (url: string, edge: Edge) => Promise<void>,
  options: Partial<EdgeOptions> = {},
  handlers: TestHandlers = {},
): Promise<void> {
  const { edge } = await testEdge(handlers, options);
  try {
    await run(`http://${edge.httpAddress}`, edge);
  } finally {
    await edge.close();
  }
}

async function dial(edge: Edge): Promise<Socket> {
  const [host, port] = edge.httpAddress.split(':');
  const socket = connect(Number(port), host);
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  return socket;
}

const preflight = (url: string, origin: string) =>
  fetch(`${url}${UNARY_PATH}`, {
    method: 'OPTIONS',
    headers: { origin, 'access-control-request-headers': 'authorization,content-type,x-grpc-web' },
  });

test('A page of an allowed origin may call, and the browser may remember it.', async () => {
  await withEdge(async (url, edge) => {
    const origin = 'https://chat.example.com';
    const { status, headers } = await preflight(url, origin);
    assert.equal(status, 204);
    assert.equal(headers.get('access-control-allow-origin'), origin);
    assert.equal(headers.get('access-control-allow-headers'), 'authorization,content-type,x-grpc-web');
    assert.equal(headers.get('access-control-max-age'), '7200');
    const call = await webCall(edge.httpAddress, UNARY_PATH, {
      headers: { origin },
      body: framed(new Uint8Array()),
    });
    assert.equal(call.headers['access-control-allow-origin'], origin);
    assert.match(String(call.headers['access-control-expose-headers']), /grpc-status-details-bin/);
    assert.equal(call.headers['vary'], 'origin');
  });
});

test('A page of another origin is not let in by CORS.', async () => {
  await withEdge(async (url) => {
    const { headers } = await preflight(url, 'https://evil.example.com');
    assert.equal(headers.get('access-control-allow-origin'), null);
  });
});

test('Alive and ready are two questions.', async () => {
  const health = { ok: true, detail: 'ok' };
  await withEdge(
    async (url) => {
      assert.equal((await fetch(`${url}/readyz`)).status, 200);
      health.ok = false;
      health.detail = 'the store is full';
      const notReady = await fetch(`${url}/readyz`);
      assert.deepEqual([notReady.status, await notReady.text()], [503, 'the store is full\n']);
      assert.equal((await fetch(`${url}/healthz`)).status, 200);
    },
    { health: () => health },
  );
});

test('The page is served with its type, cached by its content, and under a strict policy.', async () => {
  const staticDir = await mkdtemp(join(tmpdir(), 'edge-'));
  try {
    await mkdir(join(staticDir, 'assets'));
    await writeFile(join(staticDir, 'index.html'), '<!doctype html><title>聊</title>');
    await writeFile(join(staticDir, 'assets', 'app-1a2b.js'), `console.log(1);${' '.repeat(2000)}`);
    await withEdge(
      async (url) => {
        const page = await fetch(`${url}/`);
        assert.equal(page.headers.get('content-type'), 'text/html; charset=utf-8');
        assert.match(page.headers.get('content-security-policy') ?? '', /default-src 'self'/);
        assert.match(await page.text(), /聊/);
        const etag = page.headers.get('etag') ?? '';
        const again = await fetch(`${url}/`, { headers: { 'if-none-match': etag } });
        assert.equal(again.status, 304);
        const route = await fetch(`${url}/chat/c1?x=1`);
        assert.equal(route.headers.get('etag'), etag);
        const script = await fetch(`${url}/assets/app-1a2b.js`);
        assert.equal(script.headers.get('cache-control'), 'public, max-age=31536000, immutable');
        assert.equal(script.headers.get('content-encoding'), 'gzip');
        assert.match(await script.text(), /console/);
        for (const path of ['/assets/none.js', '/..%2f..%2fetc/passwd.txt', '/../package.json']) {
          assert.equal((await fetch(`${url}${path}`)).status, 404, path);
        }
        const head = await fetch(`${url}/`, { method: 'HEAD' });
        assert.deepEqual([head.status, await head.text()], [200, '']);
        assert.equal((await fetch(`${url}/`, { method: 'DELETE' })).status, 405);
      },
      { staticDir },
    );
  } finally {
    await rm(staticDir, { recursive: true });
  }
});

test('A request whose headers never end is answered with 408 and closed.', async () => {
  await withEdge(
    async (_url, edge) => {
      const socket = await dial(edge);
      socket.write(`POST ${UNARY_PATH} HTTP/1.1\r\nhost: a\r\n`);
      const [chunk] = await once(socket, 'data');
      assert.match(String(chunk), /^HTTP\/1\.1 408 /);
      await once(socket, 'close');
    },
    { limits: { headersMsMax: 20, requestMsMax: 40 } },
  );
});

test('A request whose body never ends is answered with 408 and closed.', async () => {
  await withEdge(
    async (_url, edge) => {
      const socket = await dial(edge);
      socket.write(
        `POST ${UNARY_PATH} HTTP/1.1\r\nhost: a\r\nauthorization: user\r\ncontent-type: application/grpc-web\r\ncontent-length: 9\r\n\r\n`,
      );
      const [chunk] = await once(socket, 'data');
      assert.match(String(chunk), /^HTTP\/1\.1 408 /);
      await once(socket, 'close');
    },
    { limits: { headersMsMax: 20, requestMsMax: 40 } },
  );
});

test('A call over HTTP/2 whose body never ends is ended with DEADLINE_EXCEEDED.', async () => {
  await withEdge(
    async (url) => {
      const session = connectHttp2(url);
      const headers = { authorization: 'user', 'content-type': 'application/grpc-web' };
      const stream = session.request({ ':method': 'POST', ':path': UNARY_PATH, ...headers });
      stream.write(Buffer.from([0, 0]));
      const chunks: Buffer[] = [];
      stream.on('data', (chunk) => chunks.push(chunk));
      await once(stream, 'end');
      assert.equal(parseBody(Buffer.concat(chunks)).trailers.get('grpc-status'), '4');
      session.destroy();
    },
    { limits: { requestMsMax: 30 } },
  );
});

test('An HTTP/2 connection whose peer answers no ping is closed.', async () => {
  await withEdge(
    async (_url, edge) => {
      const socket = await dial(edge);
      socket.resume();
      // Preface and empty SETTINGS, and nothing after that.
      socket.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\u0004\0\0\0\0\0', 'latin1');
      await once(socket, 'close');
    },
    { limits: { keepAliveMs: 20 } },
  );
});

test('A connection that says nothing is closed.', async () => {
  await withEdge(
    async (_url, edge) => {
      const socket = await dial(edge);
      socket.resume();
      await once(socket, 'close');
    },
    { limits: { idleMsMax: 20 } },
  );
});

test('Headers beyond the bound are answered with 431.', async () => {
  await withEdge(
    async (url) => {
      const { status } = await fetch(`${url}/healthz`, { headers: { 'x-much': 'a'.repeat(3000) } });
      assert.equal(status, 431);
    },
    { limits: { metadataBytesMax: 2000 } },
  );
});

test('Connections beyond the bound are closed, and those within it go on.', async () => {
  await withEdge(
    async (_url, edge) => {
      const [first, second] = [await dial(edge), await dial(edge)];
      const third = await dial(edge);
      third.resume();
      await once(third, 'close');
      first.write('GET /healthz HTTP/1.1\r\nhost: a\r\n\r\n');
      const [chunk] = await once(first, 'data');
      assert.match(String(chunk), /^HTTP\/1\.1 200 /);
      first.destroy();
      second.destroy();
    },
    { limits: { connectionsMax: 2 } },
  );
});

test('Requests sent in one go are answered in order.', async () => {
  await withEdge(async (_url, edge) => {
    const socket = await dial(edge);
    const get = (path: string) => `GET ${path} HTTP/1.1\r\nhost: a\r\n\r\n`;
    const last = 'GET /healthz HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n';
    socket.write(get('/none.txt') + get('/readyz') + last);
    let text = '';
    socket.on('data', (chunk) => {
      text += String(chunk);
    });
    await once(socket, 'close');
    assert.deepEqual(text.match(/HTTP\/1\.1 \d+/g), ['HTTP/1.1 404', 'HTTP/1.1 200', 'HTTP/1.1 200']);
  });
});

test('A drain lets calls that run end, refuses new ones, and then closes.', async () => {
  const entered = Promise.withResolvers<void>();
  const answer = Promise.withResolvers<string>();
  const unary = () => {
    entered.resolve();
    return answer.promise;
  };
  await withEdge(
    async (_url, edge) => {
      const body = framed(new Uint8Array());
      const socket = await dial(edge);
      const running = webCall(edge.httpAddress, UNARY_PATH, { body });
      await entered.promise;
      const drained = edge.drain(60_000);
      socket.write('GET /readyz HTTP/1.1\r\nhost: a\r\n\r\n');
      const [chunk] = await once(socket, 'data');
      assert.match(String(chunk), /^HTTP\/1\.1 503 /);
      answer.resolve('done');
      assert.equal((await running).status, 0);
      await drained;
      await assert.rejects(webCall(edge.httpAddress, UNARY_PATH, { body }));
    },
    {},
    { unary },
  );
});

test('A stream that is open when the grace is over ends with SHUTTING_DOWN.', async () => {
  await withEdge(async (_url, edge) => {
    const call = webCall(edge.httpAddress, STREAM_PATH, { body: framed(new Uint8Array()) });
    const other = await webStream(edge.httpAddress, STREAM_PATH, { body: framed(new Uint8Array()) });
    while (edge.streams < 2) await new Promise((resolve) => setImmediate(resolve));
    other.resume();
    await edge.drain(1);
    assert.equal((await call).status, 14);
    assert.equal(edge.streams, 0);
  });
});
