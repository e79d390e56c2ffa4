import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create } from '@bufbuild/protobuf';
import {
  ContentSchema,
  GroupChangedSchema,
  MemberRole,
  MemberRoleChangeSchema,
} from '../../../proto/gen/starling/im/v1/message_pb.ts';
import { control, text } from '../testing/index.ts';
import { announcement, controlText, isEmojiOnly, peopleOf, previewText, spokenText } from './content.ts';

const nameOf = (id: string) => ({ alice: 'Alice', bob: 'Bob', chen: '陈晨' })[id] ?? id;
const said = (message: ReturnType<typeof control>, me = 'zoe') => controlText(message.content, me, nameOf);

test('one to three emoji count as emoji only; text, digits and four emoji do not', () => {
  for (const emoji of ['🎉', '👍🏽', '👨‍👩‍👧 🇨🇳', '❤️🔥🎉']) assert.ok(isEmojiOnly(emoji), emoji);
  for (const other of ['', 'ok 🎉', '12', '🎉🎉🎉🎉', '#']) assert.ok(!isEmojiOnly(other), other);
});

test('whoever founds a group is told from whoever adds to it', () => {
  assert.equal(
    said(control(1, { actorUserId: 'alice', joinedUserIds: ['alice', 'bob', 'chen'] })),
    'Alice created the group with Bob and 陈晨',
  );
  assert.equal(said(control(2, { actorUserId: 'alice', joinedUserIds: ['bob'] })), 'Alice added Bob');
  assert.equal(said(control(2, { actorUserId: '', joinedUserIds: ['bob'] })), 'Bob joined');
});

test('that the founder owns the group goes without saying', () => {
  const roleChanges = [create(MemberRoleChangeSchema, { userId: 'alice', role: MemberRole.OWNER })];
  const entry = control(1, { actorUserId: 'alice', joinedUserIds: ['alice', 'bob'], roleChanges });
  assert.equal(said(entry), 'Alice created the group with Bob');
});

test('leaving is told from being removed', () => {
  assert.equal(said(control(3, { actorUserId: 'bob', leftUserIds: ['bob'] })), 'Bob left');
  assert.equal(said(control(3, { actorUserId: 'alice', leftUserIds: ['bob'] })), 'Alice removed Bob');
  assert.equal(said(control(3, { actorUserId: 'alice', leftUserIds: ['bob'] }), 'bob'), 'Alice removed you');
});

test('a change of role says what somebody is now', () => {
  const roleChanges = [create(MemberRoleChangeSchema, { userId: 'bob', role: MemberRole.ADMIN })];
  assert.equal(said(control(4, { actorUserId: 'alice', roleChanges })), 'Bob is now an admin');
  assert.equal(said(control(4, { actorUserId: 'alice', roleChanges }), 'bob'), 'You are now an admin');
});

test('a new name of a group is told with who gave it', () => {
  const value = create(GroupChangedSchema, { actorUserId: 'bob', info: { name: '周末' } });
  const content = create(ContentSchema, { body: { case: 'groupChanged', value } });
  assert.equal(controlText(content, 'zoe', nameOf), 'Bob named the group "周末"');
  assert.equal(controlText(content, 'bob', nameOf), 'You named the group "周末"');
});

test('content of a later version is named as such, not shown as empty', () => {
  assert.equal(controlText(create(ContentSchema), 'zoe', nameOf), 'Something that this version cannot show');
});

test('a custom payload is shown by its fallback text, or by its type', () => {
  const custom = (fallbackText: string) =>
    create(ContentSchema, { body: { case: 'custom', value: { type: 'poll', fallbackText } } });
  assert.equal(spokenText(custom('A poll: lunch?')), 'A poll: lunch?');
  assert.equal(spokenText(custom('')), '[poll]');
});

test('a preview is one line, and names the sender in a group only', () => {
  const message = text(1, 'bob', ' two\n\nlines ');
  assert.equal(previewText(message, { me: 'zoe', group: true, nameOf }), 'Bob: two lines');
  assert.equal(previewText(message, { me: 'zoe', group: false, nameOf }), 'two lines');
  assert.equal(previewText(message, { me: 'bob', group: true, nameOf }), 'You: two lines');
  assert.equal(previewText(undefined, { me: 'bob', group: true, nameOf }), '');
});

test('what looks like markup stays text', () => {
  assert.equal(spokenText(text(1, 'bob', '<b>&amp;</b>').content), '<b>&amp;</b>');
});

test('the last message of somebody else is said aloud, one of one’s own is not', () => {
  assert.equal(announcement([text(1, 'bob', 'one'), text(2, 'bob', 'two')], 'zoe', nameOf), 'Bob: two');
  assert.equal(announcement([text(1, 'zoe', 'one')], 'zoe', nameOf), '');
});

test('an entry names everybody it speaks of', () => {
  const entry = control(1, { actorUserId: 'alice', joinedUserIds: ['bob'], leftUserIds: ['chen'] });
  assert.deepEqual(new Set(peopleOf(entry)), new Set(['alice', 'bob', 'chen']));
});
