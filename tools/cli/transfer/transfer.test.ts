import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { CliError } from '../exit.ts';
import { RpcError } from '../rpc-error.ts';
import { runExport } from './export.ts';
import { runImport } from './import.ts';
import { MemoryServer } from './memory-server.fixture.ts';
import { normaliseTransfer } from './normalise.ts';
import { parseRecord } from './parse.ts';
import { planImport } from './plan.ts';
import type { RetryOptions } from './retry.ts';

function retry(signal = new AbortController().signal): RetryOptions {
  return { signal, random: () => 0, wait: async () => undefined };
}

async function fileOf(t: TestContext, lines: readonly unknown[]): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'starling-transfer-'));
  t.after(() => rm(directory, { recursive: true }));
  const path = join(directory, 'x.jsonl');
  await writeFile(
    path,
    lines.map((line) => (typeof line === 'string' ? line : JSON.stringify(line))).join('\n'),
  );
  return path;
}

async function importInto(server: MemoryServer, path: string, options: { signal?: AbortSignal } = {}) {
  const plan = await planImport(path);
  assert.deepEqual(plan.problems, []);
  return runImport({
    path,
    plan,
    api: server,
    concurrency: 4,
    retry: retry(options.signal),
    onProgress: () => undefined,
  });
}

async function exportFrom(server: MemoryServer, conversationId?: string): Promise<string[]> {
  const lines: string[] = [];
  const write = (line: string): void => {
    lines.push(line);
  };
  await runExport({ api: server, conversationId, retry: retry(), write, onProgress: () => undefined });
  return lines;
}

const message = (sender: string, id: string, more: object = {}) => ({
  type: 'message',
  conversation_id: 'team',
  sender_user_id: sender,
  client_message_id: id,
  create_time_ms: 2_000,
  text: `${sender} ${id}`,
  ...more,
});
const direct = { conversation_id: undefined, direct_user_ids: ['bob', 'alice'] };
const TEAM = {
  type: 'conversation',
  conversation_id: 'team',
  name: 'Team',
  owner_user_id: 'alice',
  member_user_ids: ['carl', 'bob', 'bob', 'alice'],
};
const MIXED = [
  message('alice', 'm1'),
  { type: 'user', user_id: 'bob', display_name: 'B' },
  message('bob', 'd1', { ...direct, create_time_ms: 5_000 }),
  TEAM,
  message('bob', 'm2', {
    create_time_ms: 1_000,
    reply_to: { sender_user_id: 'alice', client_message_id: 'm1' },
  }),
  message('alice', 'm1'),
  { type: 'conversation', conversation_id: 'chat-9', direct_user_ids: ['alice', 'bob'] },
  message('alice', 'd2', { conversation_id: 'chat-9', create_time_ms: 4_000 }),
  '',
  { type: 'user', user_id: 'bob', display_name: 'Bob' },
  { type: 'user', user_id: 'alice' },
  { type: 'user', user_id: 'lonely' },
  message('carl', 'm3', { reply_to: { sender_user_id: 'bob', client_message_id: 'm2' } }),
];

test('what was imported is exported as the normal form of the file', async (t) => {
  const server = new MemoryServer();
  const path = await fileOf(t, MIXED);
  const report = await importInto(server, path);
  assert.deepEqual(report, {
    users: 3,
    groups_created: 1,
    groups_repeated: 0,
    messages_added: 5,
    messages_repeated: 1,
    refused: 0,
    problems: [],
  });
  const exported = await exportFrom(server);
  const records = MIXED.filter((line) => line !== '').map((line) => parseRecord(JSON.stringify(line)));
  assert.deepEqual(exported, normaliseTransfer(records));
  assert.deepEqual(
    exported
      .map((line) => JSON.parse(line))
      .map((line) => line.client_message_id ?? line.user_id ?? line.name),
    ['alice', 'bob', 'lonely', 'Team', 'm1', 'm2', 'm3', 'd1', 'd2'],
  );
  assert.deepEqual(
    normaliseTransfer(exported.map(parseRecord)),
    exported,
    'the normal form is its own normal form',
  );
});

test('a second import of the same file adds nothing', async (t) => {
  const server = new MemoryServer();
  const path = await fileOf(t, MIXED);
  await importInto(server, path);
  const before = await exportFrom(server);
  const report = await importInto(server, path);
  assert.equal(report.messages_added, 0);
  assert.equal(report.messages_repeated, 6);
  assert.deepEqual(await exportFrom(server), before);
});

test('many mixed conversations keep their order, in batches that are bounded, one at a time each', async (t) => {
  const server = new MemoryServer();
  const lines: object[] = [];
  for (let group = 0; group < 7; group++) lines.push({ ...TEAM, conversation_id: `g${group}` });
  for (let n = 0; n < 12_000; n++) {
    lines.push(message('alice', `m${n}`, { conversation_id: `g${n % 7}`, create_time_ms: n + 1 }));
  }
  const path = await fileOf(t, lines);
  let widest = 0;
  server.onBatch = (_, messages) => {
    widest = Math.max(widest, messages.length);
  };
  const report = await importInto(server, path);
  assert.equal(report.messages_added, 12_000);
  assert.ok(widest <= 500, `${widest}`);
  assert.ok(server.calls < 100, `${server.calls} calls`);
  for (let group = 0; group < 7; group++) {
    const ids = (server.logs.get(`g${group}`) ?? [])
      .slice(1)
      .map((entry) => Number(entry.clientMessageId.slice(1)));
    assert.deepEqual(
      ids,
      ids.toSorted((left, right) => left - right),
    );
  }
});

test('a refused line is reported by its number, and the others of its batch still go', async (t) => {
  const server = new MemoryServer();
  const stranger = { sender_user_id: 'zoe', client_message_id: 'm2' };
  const path = await fileOf(t, [
    TEAM,
    message('alice', 'm1'),
    message('zoe', 'm2'),
    message('bob', 'm3'),
    message('bob', 'm4', { reply_to: stranger }),
    message('bob', 'm5', { conversation_id: 'nowhere' }),
    message('bob', 'm6'),
  ]);
  const report = await importInto(server, path);
  assert.equal(report.refused, 3);
  assert.equal(report.messages_added, 3);
  assert.deepEqual(report.problems, [
    { line: 3, message: 'Only members may do this. [NOT_A_MEMBER]' },
    { line: 5, message: 'reply_to: the message it answers was refused' },
    { line: 6, message: 'There is no such conversation. [CONVERSATION_NOT_FOUND]' },
  ]);
  const kept = (server.logs.get('team') ?? []).map((entry) => entry.clientMessageId);
  assert.deepEqual(kept, ['', 'm1', 'm3', 'm6']);
});

test('a passing failure is repeated, and leaves no repeats and no hole', async (t) => {
  const server = new MemoryServer();
  const path = await fileOf(t, MIXED);
  let failures = 3;
  server.onBatch = () => {
    if (failures-- > 0)
      throw new RpcError('UNAVAILABLE', 'The node is shutting down.', { reason: 'SHUTTING_DOWN' });
  };
  const report = await importInto(server, path);
  assert.equal(report.messages_added + report.messages_repeated, 6);
  assert.equal(report.refused, 0);
});

test('a failure that concerns every line ends the import with that failure', async (t) => {
  const server = new MemoryServer();
  const path = await fileOf(t, MIXED);
  server.onBatch = () => {
    throw new RpcError('UNAUTHENTICATED', 'The token has expired.', { reason: 'TOKEN_EXPIRED' });
  };
  await assert.rejects(
    importInto(server, path),
    (error) => error instanceof CliError && error.exit === 'refused',
  );
});

test('an interrupted import is continued by running it again', async (t) => {
  const server = new MemoryServer();
  const lines = [TEAM, ...Array.from({ length: 2_000 }, (_, n) => message('alice', `m${n}`))];
  const path = await fileOf(t, lines);
  const interrupt = new AbortController();
  server.onBatch = () => {
    if (server.calls === 2) interrupt.abort();
  };
  await assert.rejects(importInto(server, path, { signal: interrupt.signal }), { name: 'AbortError' });
  assert.ok((server.logs.get('team')?.length ?? 0) < 2_001);
  const report = await importInto(server, path);
  assert.equal(report.messages_added + report.messages_repeated, 2_000);
  assert.ok(report.messages_repeated > 0);
  assert.equal(server.logs.get('team')?.length, 2_001);
});

test('problems are found before anything is written, each with its line', async (t) => {
  const path = await fileOf(t, [
    '{"type":"user"}',
    TEAM,
    { type: 'conversation', conversation_id: 'team', direct_user_ids: ['alice', 'bob'] },
    'nonsense',
  ]);
  const plan = await planImport(path);
  assert.deepEqual(plan.problems, [
    { line: 1, message: 'user_id: is missing' },
    { line: 3, message: 'conversation_id: "team" names another one above' },
    { line: 4, message: 'is not valid JSON' },
  ]);
  const more = await planImport(
    await fileOf(t, [
      message('zoe', 'm1', { conversation_id: 'chat' }),
      { type: 'conversation', conversation_id: 'chat', direct_user_ids: ['alice', 'bob'] },
      message('bob', 'm2', { conversation_id: 'd_x' }),
    ]),
  );
  assert.deepEqual(more.problems, [
    { line: 1, message: 'sender_user_id: must be one of alice, bob' },
    { line: 3, message: 'conversation_id: name a direct conversation by direct_user_ids' },
  ]);
  const late = { reply_to: { sender_user_id: 'bob', client_message_id: 'm2' } };
  const replies = await planImport(
    await fileOf(t, [TEAM, message('alice', 'm1', late), message('bob', 'm2')]),
  );
  assert.deepEqual(replies.problems, [
    { line: 2, message: 'reply_to: names no earlier message of the same conversation in this file' },
  ]);
});

test('a line that is too long or is not UTF-8 is reported, and many problems are counted but not all kept', async (t) => {
  const long = await planImport(
    await fileOf(t, ['{"type":"user","user_id":"a"}', `"${'x'.repeat(300_000)}"`]),
  );
  assert.deepEqual(long.problems, [{ line: 2, message: 'has more than 262144 bytes' }]);
  const path = await fileOf(t, []);
  await writeFile(path, Buffer.from([0x7b, 0xff, 0x7d, 0x0a]));
  assert.deepEqual((await planImport(path)).problems, [{ line: 1, message: 'is not valid UTF-8' }]);
  const many = await planImport(
    await fileOf(
      t,
      Array.from({ length: 200 }, () => '{}'),
    ),
  );
  assert.equal(many.problemCount, 200);
  assert.equal(many.problems.length, 50);
});

test('a file that is not there is named', async () => {
  await assert.rejects(planImport('/nonexistent/x.jsonl'), (error) => {
    assert.ok(error instanceof CliError);
    assert.equal(error.exit, 'usage');
    assert.match(error.message, /there is no such file/);
    return true;
  });
});

test('one conversation alone is exported with its people', async (t) => {
  const server = new MemoryServer();
  await importInto(server, await fileOf(t, MIXED));
  const lines = await exportFrom(server, 'team');
  assert.equal(lines.length, 6);
  await assert.rejects(
    exportFrom(server, 'other'),
    (error) => error instanceof CliError && error.exit === 'missing',
  );
});
