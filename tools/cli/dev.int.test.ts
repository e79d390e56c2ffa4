import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import test, { type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { normaliseTransfer } from './transfer/normalise.ts';
import { parseRecord } from './transfer/parse.ts';

const MAIN = fileURLToPath(new URL('./main.ts', import.meta.url));

interface Result {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

function start(args: readonly string[], directory: string): ChildProcess {
  const { PATH } = process.env;
  const environment = { PATH, HOME: directory, XDG_CONFIG_HOME: directory };
  return spawn(process.execPath, [MAIN, ...args], { cwd: directory, env: environment });
}

async function finish(child: ChildProcess): Promise<Result> {
  let out = '';
  let err = '';
  child.stdout?.on('data', (chunk) => {
    out += chunk;
  });
  child.stderr?.on('data', (chunk) => {
    err += chunk;
  });
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, out, err };
}

async function directory(t: TestContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'starling-dev-'));
  t.after(() => rm(path, { recursive: true, force: true }));
  return path;
}

/** Starts a node on free ports; resolves with what it prints when ready. */
async function startNode(t: TestContext, home: string, args: readonly string[] = []) {
  const child = start(['dev', '--port', '0', '--grpc-port', '0', '--no-web', '-o', 'json', ...args], home);
  t.after(() => child.kill('SIGKILL'));
  let err = '';
  child.stderr?.on('data', (chunk) => {
    err += chunk;
  });
  const lines = createInterface({ input: child.stdout ?? process.stdin });
  const [line] = (await Promise.race([once(lines, 'line'), once(child, 'close').then(() => [])])) as [
    string?,
  ];
  assert.ok(line !== undefined, `the node did not start: ${err}`);
  const ready = JSON.parse(line) as { http: string; grpc: string; pid: number; ready_ms: number };
  return { child, ready, cli: (...more: string[]) => finish(start(more, home)) };
}

test('the check starts a node, sends a message, sees it pushed and in the history, and leaves nothing behind', async (t) => {
  const home = await directory(t);
  const { code, out, err } = await finish(start(['dev', '--check', '-o', 'json'], home));
  assert.equal(code, 0, err);
  const report = JSON.parse(out) as { ok: boolean; message_id: string; steps: { name: string }[] };
  assert.equal(report.ok, true);
  assert.match(report.message_id, /^[0-9A-HJKMNP-TV-Z]{26}$/);
  assert.equal(report.steps.length, 6);
});

test('a node on this machine is found without a flag, shows its users, and stops in order on SIGTERM', async (t) => {
  const home = await directory(t);
  const file = join(home, 'ready.json');
  const { child, ready, cli } = await startNode(t, home, ['--ready-file', file]);
  const { http, grpc, pid } = ready;
  assert.deepEqual(JSON.parse(await readFile(file, 'utf8')), { http, grpc, pid });
  assert.equal(pid, child.pid);
  assert.equal((await fetch(`${http}/healthz`)).status, 200);
  assert.equal((await fetch(`${http}/readyz`)).status, 200);

  const user = await cli('user', 'show', 'chenchen', '-o', 'json');
  assert.equal(user.code, 0, user.err);
  assert.equal((JSON.parse(user.out) as { user: { display_name: string } }).user.display_name, '陈晨');
  assert.equal((await cli('user', 'show', 'nobody')).code, 5);
  assert.equal((await cli('conversation', 'show', 'nothing')).code, 5);
  const node = await cli('node', 'show');
  assert.match(node.out, /store {8}ok/);
  const token = await cli('token', 'issue', '--user', 'alice');
  assert.match(token.out, /^[\w-]+\.[\w-]+\.[\w-]+\n$/);
  const refused = await cli('node', 'show', '--address', http, '--token', token.out.trim());
  assert.equal(refused.code, 4, 'a token of scope user may not look');

  const closed = once(child, 'close');
  child.kill('SIGTERM');
  assert.deepEqual(await closed, [0, null]);
  await assert.rejects(stat(file), 'the ready file is taken back');
  assert.equal((await cli('node', 'show')).code, 3);
});

test('demo users sign in without a password, but not from a page of another site', async (t) => {
  const { ready } = await startNode(t, await directory(t));
  const users = (await (await fetch(`${ready.http}/demo/users`)).json()) as { users: unknown[] };
  assert.equal(users.users.length, 6);
  const ask = (headers: Record<string, string>) =>
    fetch(`${ready.http}/demo/token`, { method: 'POST', body: '{"user_id":"fatima"}', headers });
  const good = (await (await ask({})).json()) as { token: string; user_id: string };
  assert.equal(good.user_id, 'fatima');
  assert.equal((await ask({ origin: 'https://evil.example' })).status, 403);
});

test('what was imported comes out as the normal form, a second import adds nothing, and a restart keeps all', async (t) => {
  const home = await directory(t);
  const message = (sender: string, n: number, more: object) => ({
    type: 'message',
    sender_user_id: sender,
    client_message_id: `m${n}`,
    create_time_ms: 1_760_000_000_000 + n,
    text: `${n} 你好 👋`,
    ...more,
  });
  const lines: object[] = [
    ...['alice', 'bob', 'carl', 'dora'].map((id) => ({
      type: 'user',
      user_id: id,
      display_name: `名 ${id}`,
    })),
    {
      type: 'conversation',
      conversation_id: 'team',
      name: '团队',
      owner_user_id: 'bob',
      member_user_ids: ['alice', 'carl'],
      create_time_ms: 1_759_000_000_000,
    },
    ...Array.from({ length: 1_200 }, (_, n) =>
      message(n % 2 === 0 ? 'alice' : 'carl', n, { conversation_id: 'team' }),
    ),
    ...Array.from({ length: 300 }, (_, n) => message('dora', n, { direct_user_ids: ['dora', 'alice'] })),
    message('carl', 5_000, {
      conversation_id: 'team',
      reply_to: { sender_user_id: 'alice', client_message_id: 'm0' },
    }),
    message('bob', 5_001, {
      conversation_id: 'team',
      text: undefined,
      custom: { type: 'card.v1', data_base64: 'AAEC', fallback_text: 'card' },
    }),
  ];
  await writeFile(join(home, 'x.jsonl'), lines.map((line) => JSON.stringify(line)).join('\n'));
  const expected = normaliseTransfer(lines.map((line) => parseRecord(JSON.stringify(line))));

  const first = await startNode(t, home, ['--no-demo-users']);
  const imported = await first.cli('import', 'x.jsonl', '-o', 'json');
  assert.equal(imported.code, 0, imported.err);
  assert.equal((JSON.parse(imported.out) as { messages_added: number }).messages_added, 1_502);
  const again = await first.cli('import', 'x.jsonl', '-o', 'json');
  assert.equal((JSON.parse(again.out) as { messages_added: number }).messages_added, 0);
  const exported = await first.cli('export', '--out', 'y.jsonl');
  assert.equal(exported.code, 0, exported.err);
  assert.deepEqual((await readFile(join(home, 'y.jsonl'), 'utf8')).trimEnd().split('\n'), expected);

  const closed = once(first.child, 'close');
  first.child.kill('SIGKILL');
  await closed;
  const second = await startNode(t, home, ['--no-demo-users']);
  const after = await second.cli('export');
  assert.equal(after.code, 0, after.err);
  assert.deepEqual(after.out.trimEnd().split('\n'), expected, 'a kill loses nothing');
});

test('a line that the server refuses is named by its number, and the others are there', async (t) => {
  const home = await directory(t);
  const { cli } = await startNode(t, home);
  const message = (sender: string, id: string) =>
    JSON.stringify({
      type: 'message',
      conversation_id: 'team',
      sender_user_id: sender,
      client_message_id: id,
      create_time_ms: 9,
      text: id,
    });
  const group = {
    type: 'conversation',
    conversation_id: 'team',
    name: 'T',
    owner_user_id: 'alice',
    create_time_ms: 1,
  };
  await writeFile(
    join(home, 'x.jsonl'),
    [JSON.stringify(group), message('alice', 'm1'), message('bob', 'm2'), message('alice', 'm3')].join('\n'),
  );
  const { code, out, err } = await cli('import', 'x.jsonl');
  assert.equal(code, 4);
  assert.match(err, /^line 3: .*\[NOT_A_MEMBER\]$/m);
  assert.match(out, /Imported 0 users, 1 groups, 2 messages/);
});

test('a port in use, and a data directory in use, are told with what to do', async (t) => {
  const home = await directory(t);
  const taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  t.after(() => taken.close());
  const { port } = taken.address() as { port: number };
  const busy = await finish(start(['dev', '--port', `${port}`, '--grpc-port', '0'], home));
  assert.equal(busy.code, 1);
  assert.match(busy.err, new RegExp(`Port ${port} is in use\\.\\n.*--port .*ss -ltnp`));
  const busyGrpc = await finish(start(['dev', '--port', '0', '--grpc-port', `${port}`], home));
  assert.equal(busyGrpc.code, 1);
  assert.match(busyGrpc.err, /--grpc-port/);

  const { ready, child } = await startNode(t, home);
  const twice = await finish(start(['dev', '--port', '0', '--grpc-port', '0'], home));
  assert.equal(twice.code, 1);
  assert.match(twice.err, new RegExp(`A node runs on .* already: pid ${child.pid}`));
  assert.match(twice.err, new RegExp(ready.http));
  assert.equal((await fetch(`${ready.http}/readyz`)).status, 200, 'the first one goes on');
});

test('a full store refuses with what to do, says so on the health page, and keeps what was acknowledged', async (t) => {
  const home = await directory(t);
  const { child, ready, cli } = await startNode(t, home, ['--set', 'store.map_bytes_max=16777216']);
  const group = {
    type: 'conversation',
    conversation_id: 'team',
    name: 'T',
    owner_user_id: 'alice',
    create_time_ms: 1,
  };
  const message = (n: number) => ({
    type: 'message',
    conversation_id: 'team',
    sender_user_id: 'alice',
    client_message_id: `m${n}`,
    create_time_ms: n + 1,
    text: 'x'.repeat(60_000),
  });
  const lines = [group, ...Array.from({ length: 600 }, (_, n) => message(n))];
  await writeFile(join(home, 'x.jsonl'), lines.map((line) => JSON.stringify(line)).join('\n'));
  const { code, err } = await cli('import', 'x.jsonl');
  assert.equal(code, 4);
  assert.match(err, /\[STORAGE_FULL\]\nGive the store more room/);
  const health = await fetch(`${ready.http}/readyz`);
  assert.equal(health.status, 503);
  assert.match(await health.text(), /full/);
  const node = await cli('node', 'show');
  assert.match(node.out, /^! store: .*full/);

  const closed = once(child, 'close');
  child.kill('SIGTERM');
  assert.deepEqual(await closed, [0, null]);
  const roomy = await startNode(t, home);
  const exported = await roomy.cli('export', '--conversation', 'team');
  assert.equal(exported.code, 0, exported.err);
  const kept = exported.out
    .split('\n')
    .flatMap((line) => /"client_message_id":"m(\d+)"/.exec(line)?.[1] ?? []);
  assert.ok(kept.length > 0);
  assert.deepEqual(kept.map(Number), [...kept.keys()], 'what was acknowledged is there, without a hole');
});
