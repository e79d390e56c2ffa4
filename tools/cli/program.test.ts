import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { announce, ensureKeyFile, openAuthority } from '../node/internal.ts';
import { CliError, EXIT_CODES } from './exit.ts';
import type { Io } from './io.ts';
import { report, run } from './program.ts';
import { RpcError, statusName } from './rpc-error.ts';

async function cli(t: TestContext, args: readonly string[], environment: Record<string, string> = {}) {
  const home = await mkdtemp(join(tmpdir(), 'starling-cli-'));
  t.after(() => rm(home, { recursive: true }));
  let out = '';
  let err = '';
  const io: Io = {
    out: (text) => {
      out += text;
    },
    drained: async () => undefined,
    err: (text) => {
      err += text;
    },
    outTty: false,
    errTty: false,
    columns: 100,
    environment: { XDG_CONFIG_HOME: home, STARLING_DATA: join(home, 'data'), ...environment },
    now: () => Date.now(),
    monotonic: () => performance.now(),
    self: 'starling',
    interruption: () => new AbortController().signal,
  };
  const code = await run(args, io);
  return { code, out, err, home };
}

test('help is no failure, lists the exit codes, and goes to standard output', async (t) => {
  const { code, out, err } = await cli(t, ['--help']);
  assert.equal(code, 0);
  assert.equal(err, '');
  for (const entry of Object.values(EXIT_CODES))
    assert.match(out, new RegExp(`${entry.code}  ${entry.text.slice(0, 20)}`));
});

test('wrong use ends with 2 and says what is near', async (t) => {
  const unknown = await cli(t, ['usr', 'show', 'alice']);
  assert.equal(unknown.code, 2);
  assert.match(unknown.err, /Did you mean user\?/);
  assert.equal((await cli(t, ['user', 'show'])).code, 2);
  assert.equal((await cli(t, ['user', 'show', 'a b'])).code, 2);
  assert.equal((await cli(t, ['token', 'issue'])).code, 2);
  assert.equal((await cli(t, ['token', 'issue', '--user', 'a', '--ttl', '5'])).code, 2);
  assert.equal((await cli(t, ['user', 'show', 'a', '-o', 'xml'])).code, 2);
});

test('a wrong configuration ends with 2 and names every problem', async (t) => {
  const { code, err } = await cli(t, ['dev', '--port', 'x', '--set', 'log.levle=info'], {
    STARLING_HTTP_HOTS: 'h',
  });
  assert.equal(code, 2);
  assert.match(err, /--port must be an integer from 0 to 65535, not "x"/);
  assert.match(err, /did you mean "log\.level"\?/);
  assert.match(err, /did you mean "STARLING_HTTP_HOST"\?/);
});

test('without a node the answer is 3, with how to start one', async (t) => {
  const { code, err } = await cli(t, ['user', 'show', 'alice']);
  assert.equal(code, 3);
  assert.match(err, /No node runs on .*starling dev/s);
});

test('a node that is gone without having stopped is told apart', async (t) => {
  const data = await mkdtemp(join(tmpdir(), 'starling-gone-'));
  t.after(() => rm(data, { recursive: true }));
  // Process ids end far below this one.
  await announce(data, { http: 'http://127.0.0.1:1', grpc: '127.0.0.1:2', pid: 2 ** 30 });
  const { code, err } = await cli(t, ['node', 'show', '--data', data]);
  assert.equal(code, 3);
  assert.match(err, /is gone and did not stop in order/);
});

test('a server that does not answer is 3, and a named server without a token is 2', async (t) => {
  const address = ['--address', 'http://127.0.0.1:1'];
  const silent = await cli(t, ['node', 'show', ...address, '--token', 'x']);
  assert.equal(silent.code, 3);
  assert.match(silent.err, /Cannot reach http:\/\/127\.0\.0\.1:1/);
  assert.equal((await cli(t, ['node', 'show', ...address])).code, 2);
});

test('a token is issued from the key of a data directory, with no server', async (t) => {
  const data = await mkdtemp(join(tmpdir(), 'starling-token-'));
  t.after(() => rm(data, { recursive: true }));
  const key = join(data, 'signing-key.json');
  await ensureKeyFile(key);
  const flags = ['--user', 'alice', '--device', 'phone', '--ttl', '1h', '--scope', 'backend', '--data', data];
  const plain = await cli(t, ['token', 'issue', ...flags]);
  assert.equal(plain.code, 0);
  const json = await cli(t, ['token', 'issue', ...flags, '-o', 'json']);
  const issued = JSON.parse(json.out) as { token: string; expire_time_ms: number };
  const authority = await openAuthority(key);
  for (const token of [plain.out.trim(), issued.token]) {
    const principal = await authority?.authenticate(`Bearer ${token}`);
    assert.equal(principal?.userId, 'alice');
    assert.equal(principal?.deviceId, 'phone');
    assert.equal(principal?.scope, 'backend');
  }
  assert.ok(issued.expire_time_ms > Date.now());
});

test('a file is validated without a server, and every bad line is named', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'starling-import-'));
  t.after(() => rm(directory, { recursive: true }));
  const path = join(directory, 'x.jsonl');
  await writeFile(path, '{"type":"user","user_id":"a"}\n');
  const good = await cli(t, ['import', path, '--dry-run']);
  assert.equal(good.code, 0);
  assert.match(good.out, /is valid: 1 users, 0 conversations, 0 messages/);
  await writeFile(path, '{"type":"user","user_id":"a"}\n{"type":"user"}\nx\n');
  const bad = await cli(t, ['import', path, '--dry-run']);
  assert.equal(bad.code, 2);
  assert.match(bad.err, /line 2: user_id: is missing\nline 3: is not valid JSON\n/);
  const json = await cli(t, ['import', path, '-o', 'json']);
  assert.equal(json.code, 2);
  assert.deepEqual((JSON.parse(json.out) as { problems: unknown }).problems, [
    { line: 2, message: 'user_id: is missing' },
    { line: 3, message: 'is not valid JSON' },
  ]);
});

test('contexts are kept, listed without their tokens, and used', async (t) => {
  const home = await mkdtemp(join(tmpdir(), 'starling-home-'));
  t.after(() => rm(home, { recursive: true }));
  const here = { XDG_CONFIG_HOME: home };
  const address = ['--address', 'http://127.0.0.1:1', '--token', 'secret'];
  assert.equal((await cli(t, ['context', 'set', 'prod', ...address], here)).code, 0);
  const list = await cli(t, ['context', 'list', '-o', 'json'], here);
  assert.deepEqual(JSON.parse(list.out), {
    current: 'prod',
    contexts: [{ name: 'prod', address: 'http://127.0.0.1:1', has_token: true }],
  });
  const used = await cli(t, ['node', 'show'], here);
  assert.equal(used.code, 3);
  assert.match(used.err, /Cannot reach http:\/\/127\.0\.0\.1:1/);
  const local = await cli(t, ['node', 'show', '--data', join(home, 'none')], here);
  assert.match(local.err, /No node runs on/, '--data is stronger than the context in use');
  assert.equal((await cli(t, ['context', 'use', 'test'], here)).code, 5);
});

test('every status of gRPC and every kind of failure has its exit code', () => {
  const codeOf = (error: unknown): number => report(error, { err: () => undefined });
  const byStatus = (status: number): number => codeOf(new RpcError(statusName(status), 'x'));
  assert.deepEqual(
    [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16].map(byStatus),
    [130, 1, 4, 6, 5, 4, 4, 4, 4, 6, 4, 4, 1, 6, 1, 4],
  );
  const full = new RpcError('RESOURCE_EXHAUSTED', 'x', { reason: 'STORAGE_FULL' });
  assert.equal(full.hint, 'Give the store more room, then restart.');
  assert.equal(new RpcError('INVALID_ARGUMENT', 'x', { reason: 'INVALID_REQUEST' }).hint, '');
  assert.equal(codeOf(new CliError('broken', 'x')), 70);
  assert.equal(codeOf(new DOMException('x', 'AbortError')), 130);
  assert.equal(codeOf(new Error('unexpected')), 1);
});
