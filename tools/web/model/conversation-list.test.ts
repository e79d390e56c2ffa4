import assert from 'node:assert/strict';
import { test } from 'node:test';
import { conversation, groupConversation, text } from '../testing/index.ts';
import {
  badge,
  findDirect,
  inOrder,
  type ListContext,
  listRow,
  matches,
  windowTitle,
} from './conversation-list.ts';
import { TimeFormat } from './time.ts';

const context: ListContext = {
  me: 'alice',
  nameOf: (id) => ({ bob: 'Bob Okafor' })[id] ?? id,
  time: new TimeFormat({ locale: 'en-GB', timeZone: 'UTC' }),
  nowMs: Date.UTC(2026, 10, 1, 18),
  draftOf: () => '',
};

test('pinned conversations stand first, then the one with the latest message', () => {
  const list = [
    conversation('old', ['alice', 'bob'], { last: text(1, 'bob', 'a') }),
    conversation('none', ['alice', 'dana']),
    conversation('new', ['alice', 'chen'], { last: text(9, 'chen', 'b') }),
    groupConversation('pinned', { last: text(2, 'bob', 'c'), pinned: true }),
  ];
  assert.deepEqual(
    inOrder(list).map((one) => one.conversationId),
    ['pinned', 'new', 'old', 'none'],
  );
});

test('conversations whose last messages have the same time keep one order', () => {
  const same = { last: text(1, 'bob', 'a') };
  const [a, b] = [conversation('a', ['alice', 'x'], same), conversation('b', ['alice', 'y'], same)];
  assert.deepEqual(inOrder([b, a]), inOrder([a, b]));
});

test('a line carries title, preview, time, unread and settings', () => {
  const row = listRow(
    conversation('c', ['alice', 'bob'], { last: text(5, 'bob', 'Hi'), unread: 2, muted: true }),
    context,
  );
  assert.deepEqual(
    {
      title: row.title,
      preview: row.preview,
      time: row.time,
      unread: row.unread,
      muted: row.muted,
      avatarId: row.avatarId,
    },
    { title: 'Bob Okafor', preview: 'Hi', time: '12:05', unread: 2, muted: true, avatarId: 'bob' },
  );
});

test('a draft stands in the place of the last message', () => {
  const row = listRow(conversation('c', ['alice', 'bob'], { last: text(5, 'bob', 'Hi') }), {
    ...context,
    draftOf: () => 'not\nsent',
  });
  assert.ok(row.draft);
  assert.equal(row.preview, 'not sent');
});

test('every word of the filter has to be found, in any case, in name, id or last message', () => {
  const row = listRow(conversation('c', ['alice', 'bob'], { last: text(5, 'bob', '开会 at noon') }), context);
  for (const filter of ['okafor', 'BOB noon', '开会', '']) assert.ok(matches(row, filter), filter);
  for (const filter of ['dana', 'bob midnight']) assert.ok(!matches(row, filter), filter);
});

test('the direct conversation with a user is found, a group with that user is not', () => {
  const list = [groupConversation('g'), conversation('d', ['alice', 'bob'])];
  assert.equal(findDirect(list, 'alice', 'bob')?.conversationId, 'd');
  assert.equal(findDirect(list, 'alice', 'dana'), undefined);
});

test('a badge shows up to 99', () => {
  assert.equal(badge(99), '99');
  assert.equal(badge(100n), '99+');
});

test('the window’s title begins with the unread total', () => {
  assert.equal(windowTitle(3n, 'Bob'), '(3) Bob · Starling');
  assert.equal(windowTitle(0n, ''), 'Starling');
});
