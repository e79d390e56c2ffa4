import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { StarlingClient, StarlingEvents } from './api.ts';
import { createClient } from './index.ts';

const MAIN = fileURLToPath(new URL('../cli/main.ts', import.meta.url));

/** A development node on free ports; resolves with its address. */
async function startNode(
  t: TestContext,
  home: string,
  port = '0',
): Promise<{ address: string; kill: () => Promise<void> }> {
  const args = [
    'dev',
    '--port',
    port,
    '--grpc-port',
    '0',
    '--no-web',
    '-o',
    'json',
    '--data',
    join(home, 'data'),
  ];
  const env = { PATH: process.env['PATH'], HOME: home, XDG_CONFIG_HOME: home };
  const child = spawn(process.execPath, [MAIN, ...args], {
    cwd: home,
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const closed = once(child, 'close');
  const kill = async (): Promise<void> => {
    child.kill('SIGKILL');
    await closed;
  };
  t.after(kill);
  const [line] = (await Promise.race([once(createInterface({ input: child.stdout }), 'line'), closed])) as [
    unknown,
  ];
  assert.equal(typeof line, 'string', 'the node did not start');
  const ready = JSON.parse(String(line)) as { http: string };
  return { address: ready.http, kill };
}

function clientOf(t: TestContext, address: () => string, userId: string): StarlingClient {
  const client = createClient({
    address: address(),
    token: async () => {
      const response = await fetch(`${address()}/demo/token`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ user_id: userId }),
      });
      return ((await response.json()) as { token: string }).token;
    },
  });
  t.after(() => client.disconnect());
  return client;
}

/** Resolves with the first event that `wanted` accepts. */
function next<E extends keyof StarlingEvents>(
  client: StarlingClient,
  event: E,
  wanted: (value: StarlingEvents[E]) => boolean,
): Promise<StarlingEvents[E]> {
  return new Promise((resolve) => {
    const stop = client.on(event, (value) => {
      if (!wanted(value)) return;
      stop();
      resolve(value);
    });
  });
}

const texts = (value: StarlingEvents['messages']): string[] =>
  value.messages.flatMap((each) =>
    each.content?.body.case === 'text' ? [each.content.body.value.text] : [],
  );

test('Two people chat through a node: direct, in a group, with unread, history and a node killed under them.', async (t) => {
  const home = await mkdtemp(join(tmpdir(), 'starling-sdk-'));
  t.after(() => rm(home, { recursive: true, force: true }));
  const node = await startNode(t, home);
  const alice = clientOf(t, () => node.address, 'alice');
  const bob = clientOf(t, () => node.address, 'bob');
  await Promise.all([alice.connect(), bob.connect()]);
  assert.deepEqual([alice.userId, bob.userId], ['alice', 'bob']);

  const heard = next(bob, 'messages', (value) => texts(value).includes('你好 👋'));
  const sent = await alice.sendText({ directUserId: 'bob' }, '你好 👋').done;
  const { conversationId } = await heard;
  assert.deepEqual([sent.state, sent.conversationId], ['sent', conversationId]);
  const view = await bob.conversation(conversationId);
  assert.equal(view?.unreadCount, 1n);
  const read = next(bob, 'conversation', (value) => value.unreadCount === 0n);
  await bob.markRead(conversationId, view?.lastSeq ?? 0n);
  await read;

  const group = await alice.createGroup('小组', ['bob']);
  const inGroup = { conversationId: group.conversationId };
  const inOrder = Array.from({ length: 40 }, (_none, at) => `m${at}`);
  const got: string[] = [];
  const all = next(bob, 'messages', (value) => {
    got.push(...(value.conversationId === group.conversationId ? texts(value) : []));
    return got.length >= inOrder.length;
  });
  const outcomes = await Promise.all(inOrder.map((text) => alice.sendText(inGroup, text).done));
  assert.ok(outcomes.every((each) => each.state === 'sent'));
  await all;
  assert.deepEqual(got, inOrder);
  await assert.rejects(bob.renameGroup(group.conversationId, 'x'), { code: 'ROLE_REQUIRED' });

  const lost = next(bob, 'state', (change) => change.state === 'connecting');
  await node.kill();
  await lost;
  const waiting = alice.sendText(inGroup, 'while it was away');
  const back = next(bob, 'messages', (value) => texts(value).includes('while it was away'));
  await startNode(t, home, new URL(node.address).port);
  assert.equal((await waiting.done).state, 'sent');
  await back;
  const log = await bob.history(group.conversationId, { limit: 200 });
  assert.deepEqual(texts({ conversationId: '', messages: log }), [...inOrder, 'while it was away']);
  const summary = (client: StarlingClient) => client.conversation(group.conversationId);
  assert.equal((await summary(bob))?.unreadCount, 41n);
  const server = await (async () => {
    const fresh = clientOf(t, () => node.address, 'bob');
    await fresh.connect();
    return await summary(fresh);
  })();
  assert.equal(server?.unreadCount, 41n, "the local count is the server's");
});
