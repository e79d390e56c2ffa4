import assert from 'node:assert/strict';
import { test } from 'node:test';
import { entriesMax } from '../model/log-window.ts';
import type { Route } from '../model/route.ts';
import { ClientDouble, conversation, outgoing, text } from '../testing/index.ts';
import { changeSettings, resend, sendText } from './acts.ts';
import { ChatSession } from './session.ts';

/** Lets all that is ready run: the double answers within microtasks. */
const settle = () => new Promise<void>((resolve) => setImmediate(resolve));

async function signedIn(client: ClientDouble) {
  const routes: Route[] = [];
  const stored = new Map<string, string>();
  const session = new ChatSession({
    client,
    me: 'alice',
    deviceId: 'device-1',
    storage: {
      getItem: (key) => stored.get(key) ?? null,
      setItem: (key, value) => void stored.set(key, value),
      removeItem: (key) => void stored.delete(key),
    },
    navigate: (route) => {
      routes.push(route);
      session.follow(route);
    },
  });
  await session.start();
  await session.connect();
  return { session, routes, stored };
}

function withBob(
  messages: number,
  fields: { readSeq?: number; unread?: number; draft?: string } = {},
): ClientDouble {
  const client = new ClientDouble('alice');
  client.names.set('bob', 'Bob');
  const log = Array.from({ length: messages }, (_, at) => text(at + 1, 'bob', `message ${at + 1}`));
  const last = log.at(-1);
  client.logs.set('c1', log);
  client.summaries.set('c1', conversation('c1', ['alice', 'bob'], { ...(last && { last }), ...fields }));
  return client;
}

const openBob = { kind: 'conversation', conversationId: 'c1' } as const;

test('the open chat shows the newest page, and older pages when asked', async () => {
  const { session } = await signedIn(withBob(120));
  session.follow(openBob);
  await settle();
  assert.equal(session.chat.value?.window.value.entries[0]?.conversationSeq, 71n);
  await session.loadOlder();
  await session.loadOlder();
  assert.equal(session.chat.value?.window.value.entries.length, 120);
  assert.equal(session.chat.value?.hasOlder.value, false);
});

test('a message that is pushed while the page is read is neither lost nor doubled', async () => {
  const client = withBob(3);
  const { session } = await signedIn(client);
  session.follow(openBob);
  client.tell('messages', {
    conversationId: 'c1',
    messages: [text(3, 'bob', 'message 3'), text(4, 'bob', 'new')],
  });
  await settle();
  const seqs = session.chat.value?.window.value.entries.map((entry) => entry.conversationSeq);
  assert.deepEqual(seqs, [1n, 2n, 3n, 4n]);
});

test('a push for another conversation leaves the open chat alone and is said aloud', async () => {
  const client = withBob(1);
  const { session } = await signedIn(client);
  session.follow(openBob);
  await settle();
  client.tell('messages', {
    conversationId: 'other',
    messages: [text(9, 'bob', 'psst', { conversationId: 'other' })],
  });
  assert.equal(session.chat.value?.window.value.entries.length, 1);
  assert.equal(session.announcement.value, 'Bob: psst');
});

test('a failure to read a chat is shown with the words of its error, and reading again mends it', async () => {
  const client = withBob(1);
  const { session } = await signedIn(client);
  client.failures.set('history', new Error('No answer in time.'));
  session.follow(openBob);
  await settle();
  assert.equal(session.chat.value?.phase.value, 'failed');
  assert.equal(session.chat.value?.error.value, 'No answer in time.');
  await session.retry();
  assert.equal(session.chat.value?.phase.value, 'ready');
});

test('a chat that could not be read is read again when the connection is back', async () => {
  const client = withBob(1);
  const { session } = await signedIn(client);
  client.failures.set('history', new Error('No answer in time.'));
  session.follow(openBob);
  await settle();
  client.tell('state', { state: 'connected', code: '', reason: '', terminal: false });
  await settle();
  assert.equal(session.chat.value?.phase.value, 'ready');
});

test('nothing is marked as read before the end of the chat is in sight', async () => {
  const client = withBob(3, { readSeq: 1, unread: 2 });
  const { session } = await signedIn(client);
  session.follow(openBob);
  await settle();
  assert.ok(!client.calls.some((call) => call.startsWith('markRead')));
  session.endInSight.value = true;
  await settle();
  assert.deepEqual(
    client.calls.filter((call) => call.startsWith('markRead')),
    ['markRead c1 3'],
  );
});

test('a mark that failed is made again when the connection is back', async () => {
  const client = withBob(3, { readSeq: 1, unread: 2 });
  const { session } = await signedIn(client);
  client.failures.set('markRead', new Error('The connection failed.'));
  session.follow(openBob);
  session.endInSight.value = true;
  await settle();
  session.endInSight.value = true;
  await settle();
  client.tell('state', { state: 'connected', code: '', reason: '', terminal: false });
  await settle();
  assert.equal(client.calls.filter((call) => call === 'markRead c1 3').length, 2);
});

test('sending empties the composer and shows the message at once', async () => {
  const client = withBob(1);
  const { session } = await signedIn(client);
  session.follow(openBob);
  await settle();
  session.drafts.write('c1', 'hello');
  sendText(session, 'hello');
  assert.equal(session.drafts.text('c1'), '');
  assert.equal(session.chat.value?.outgoing.value[0]?.state, 'sending');
  assert.ok(client.calls.includes('sendText c1 hello'));
});

test('a failed message that is sent again leaves its place', async () => {
  const client = withBob(1);
  client.queue.push(outgoing({ clientMessageId: 'f', state: 'failed', error: 'NOT_A_MEMBER' }));
  const { session } = await signedIn(client);
  session.follow(openBob);
  await settle();
  resend(session, 'f');
  assert.deepEqual(session.chat.value?.outgoing.value, []);
  assert.ok(client.calls.includes('resend f'));
});

test('the first message to somebody new opens the conversation that comes to be', async () => {
  const client = new ClientDouble('alice');
  const { session, routes } = await signedIn(client);
  session.gotoUser('bob');
  await settle();
  sendText(session, 'hello');
  assert.ok(client.calls.includes('sendText @bob hello'));
  client.logs.set('c9', [text(1, 'alice', 'hello', { conversationId: 'c9', clientMessageId: 'sent-1' })]);
  client.tell(
    'outgoing',
    outgoing({
      clientMessageId: 'sent-1',
      directUserId: 'bob',
      conversationId: 'c9',
      state: 'sent',
      conversationSeq: 1n,
    }),
  );
  await settle();
  assert.deepEqual(routes.at(-1), { kind: 'conversation', conversationId: 'c9' });
  assert.equal(session.chat.value?.window.value.entries.length, 1);
});

test('what is being typed while the conversation comes to be stays in the composer', async () => {
  const client = new ClientDouble('alice');
  const { session } = await signedIn(client);
  session.gotoUser('bob');
  sendText(session, 'hello');
  session.drafts.write('direct:bob', 'next');
  client.tell(
    'outgoing',
    outgoing({ clientMessageId: 'sent-1', directUserId: 'bob', conversationId: 'c9', state: 'sent' }),
  );
  assert.equal(session.chat.value?.key, 'c9');
  assert.equal(session.drafts.text('c9'), 'next');
});

test('what was written to a new peer before the conversation was known stays in sight', async () => {
  const client = withBob(1);
  client.queue.push(outgoing({ clientMessageId: 'second', conversationId: '', directUserId: 'bob' }));
  const { session } = await signedIn(client);
  session.follow(openBob);
  await settle();
  assert.deepEqual(
    session.chat.value?.outgoing.value.map((one) => one.clientMessageId),
    ['second'],
  );
});

test('going to a user who was written to before opens that conversation', async () => {
  const { session, routes } = await signedIn(withBob(1));
  session.gotoUser('bob');
  assert.deepEqual(routes, [openBob]);
});

test('a draft is kept in the browser at once, and told to the other devices when the chat is left', async () => {
  const client = withBob(1);
  const { session, stored } = await signedIn(client);
  session.follow(openBob);
  session.drafts.write('c1', 'not yet');
  assert.deepEqual([...stored.values()], ['not yet']);
  session.follow({ kind: 'list' });
  assert.ok(client.calls.includes('updateConversation c1 {"draft":"not yet"}'));
});

test('a draft of another device is taken, but not over what is being typed here', async () => {
  const client = withBob(1, { draft: 'from the phone' });
  const { session } = await signedIn(client);
  assert.equal(session.drafts.text('c1'), 'from the phone');
  session.drafts.write('c1', 'typed here');
  client.tell('conversation', conversation('c1', ['alice', 'bob'], { draft: 'from the phone, longer' }));
  assert.equal(session.drafts.text('c1'), 'typed here');
});

test('a setting that is refused is told with the words of its error', async () => {
  const client = withBob(1);
  const { session } = await signedIn(client);
  client.failures.set('updateConversation', new Error('Only members may do this.'));
  await changeSettings(session, 'c1', { pinned: true });
  assert.deepEqual(
    session.notices.shown.value.map((notice) => notice.text),
    ['Only members may do this.'],
  );
});

test('names are asked for once for all people in sight, and again only if asking failed', async () => {
  const client = withBob(2);
  client.names.set('dana', 'Dana');
  const { session } = await signedIn(client);
  await settle();
  assert.equal(session.people.nameOf('bob'), 'Bob');
  client.failures.set('users', new Error('The connection failed.'));
  client.tell('conversation', conversation('c2', ['alice', 'dana']));
  await settle();
  assert.equal(session.people.nameOf('dana'), 'dana');
  client.tell('state', { state: 'connected', code: '', reason: '', terminal: false });
  await settle();
  assert.equal(session.people.nameOf('dana'), 'Dana');
  const asked = client.calls.filter((call) => call.startsWith('users')).length;
  client.tell('conversation', conversation('c1', ['alice', 'bob']));
  await settle();
  assert.equal(client.calls.filter((call) => call.startsWith('users')).length, asked);
});

test('a rebuilt local view is read anew', async () => {
  const client = withBob(1);
  const { session } = await signedIn(client);
  client.summaries.set('c2', conversation('c2', ['alice', 'dana']));
  client.tell('reset', { reason: 'TRIMMED' });
  await settle();
  assert.ok(session.summaries.byId.value.has('c2'));
});

test('a long log is walked to its beginning and back within the bound, without a hole', async () => {
  const client = withBob(900);
  const { session } = await signedIn(client);
  session.follow(openBob);
  await settle();
  const held = () =>
    session.chat.value?.window.value.entries.map((entry) => Number(entry.conversationSeq)) ?? [];
  while (session.chat.value?.hasOlder.value) await session.loadOlder();
  assert.deepEqual(
    held(),
    Array.from({ length: entriesMax }, (_, at) => at + 1),
  );
  client.tell('messages', { conversationId: 'c1', messages: [text(901, 'bob', 'news')] });
  assert.equal(held().at(-1), entriesMax);
  while (session.chat.value?.window.value.detached) await session.loadNewer();
  assert.deepEqual(
    held(),
    Array.from({ length: entriesMax }, (_, at) => 900 - entriesMax + at + 1),
  );
});
