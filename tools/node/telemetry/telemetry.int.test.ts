import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { defaultConfig } from '../config.ts';
import { startNode } from '../node.ts';
import type { NodeConfig } from '../settings.ts';
import { METRICS } from './index.ts';

/** A port that nobody listens on at the moment. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Takes what exporters send. */
async function collector(t: TestContext) {
  const bodies: { readonly path: string; readonly text: string }[] = [];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    bodies.push({ path: request.url ?? '', text: Buffer.concat(chunks).toString() });
    response.setHeader('content-type', 'application/json').end('{}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  return { bodies, endpoint: `http://127.0.0.1:${port}` };
}

async function start(t: TestContext, overrides: Partial<NodeConfig>) {
  const data = await mkdtemp(join(tmpdir(), 'starling-telemetry-'));
  t.after(() => rm(data, { recursive: true, force: true }));
  const config = defaultConfig({ data, 'http.port': 0, 'grpc.port': 0, 'stop.grace_ms': 100, ...overrides });
  const node = await startNode(config, { log: () => {} });
  t.after(() => node.stop());
  return node;
}

/** Any unary call that needs no token. */
async function checkHealth(http: string, headers: Record<string, string> = {}): Promise<void> {
  const response = await fetch(`${http}/grpc.health.v1.Health/Check`, {
    method: 'POST',
    headers: { 'content-type': 'application/grpc-web+proto', ...headers },
    body: new Uint8Array(5),
  });
  assert.equal(response.status, 200);
  await response.arrayBuffer();
}

test('the page of metrics shows every metric of the table in the form that Prometheus reads', async (t) => {
  const port = await freePort();
  await start(t, { 'telemetry.metrics_port': port, 'demo.enabled': true });
  const page = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  for (const name of Object.keys(METRICS))
    assert.match(page, new RegExp(`^# HELP ${name.replaceAll('.', '_')}`, 'm'));
  const turns = /^starling_turn_duration\w*_count\{[^}]*kind="user",method="register"[^}]*\} (\d+)$/m.exec(
    page,
  );
  assert.equal(turns?.[1], '6', 'the demo users were registered');
  assert.match(page, /^starling_commit_rows\S* \d+$/m);
  for (const direction of ['out', 'in'])
    assert.match(
      page,
      new RegExp(`^starling_streams_relayed\\{[^}]*direction="${direction}"[^}]*\\} 0$`, 'm'),
    );
});

test('a collector gets metrics, and the spans of a call whose client asks for them', async (t) => {
  const { bodies, endpoint } = await collector(t);
  const node = await start(t, { 'telemetry.otlp_endpoint': endpoint, 'telemetry.traces_per_million': 0 });
  const trace = '0af7651916cd43dd8448eb211c80319c';
  await checkHealth(node.address.http);
  await checkHealth(node.address.http, { traceparent: `00-${trace}-b7ad6b7169203331-01` });
  await node.stop();
  const spans = bodies.filter(({ path }) => path === '/v1/traces').map(({ text }) => text);
  assert.equal(spans.length, 1);
  const [sent = ''] = spans;
  assert.equal(
    sent.match(/"name":"grpc\.health\.v1\.Health\/Check"/g)?.length,
    1,
    'the other call is not traced',
  );
  assert.ok(sent.includes(trace));
  assert.ok(
    bodies.some(({ path, text }) => path === '/v1/metrics' && text.includes('starling.turn.duration')),
  );
});

test('a collector that is not there keeps nobody from anything', async (t) => {
  const node = await start(t, {
    'telemetry.otlp_endpoint': `http://127.0.0.1:${await freePort()}`,
    'telemetry.traces_per_million': 1_000_000,
  });
  for (let i = 0; i < 20; i++) await checkHealth(node.address.http);
});
