import assert from 'node:assert/strict';
import test from 'node:test';
import { create } from '@bufbuild/protobuf';
import {
  InspectActorResponseSchema,
  InspectConversationResponseSchema,
  InspectNodeResponseSchema,
  InspectUserResponseSchema,
} from '../../proto/gen/starling/admin/v1/admin_pb.ts';
import { ConversationType, MemberRole } from '../../proto/gen/starling/im/v1/message_pb.ts';
import { actorView } from './actor-view.ts';
import { conversationView, nodeView, userView } from './views.ts';

const now = Date.UTC(2026, 10, 22, 3, 0, 0);
const options = { now, self: 'starling' };
const place = { shard: 17, epoch: 65_536n, node: 'local' };

test('a user: what is wrong stands first, then the facts, then what to look at next', () => {
  const info = { type: ConversationType.GROUP, name: '团队' };
  const answer = create(InspectUserResponseSchema, {
    user: { userId: 'chenchen', displayName: '陈晨' },
    place,
    timelineIncarnation: 'abcd',
    headUserSeq: 5_000n,
    floorUserSeq: 1n,
    devices: [
      {
        deviceId: 'web',
        deviceName: 'Chrome',
        connected: true,
        ackedUserSeq: 5_000n,
        lastOpenTimeMs: BigInt(now - 60_000),
      },
      { deviceId: 'phone', ackedUserSeq: 10n, lastOpenTimeMs: BigInt(now - 86_400_000) },
    ],
    conversations: [{ conversationId: 'team', info, unreadCount: 3n, lastSeq: 40n, member: true }],
    conversationCount: 25,
  });
  assert.equal(
    userView('chenchen', answer, options),
    `! device phone is 4,990 entries behind, away since 2026-11-21 03:00:00Z (1d ago)

user      chenchen  陈晨
devices   2, 1 connected
timeline  1 to 5,000, incarnation abcd
unread    3
place     node local, shard 17, epoch 65536

DEVICE  NAME    STATE      BEHIND  LAST OPENED
web     Chrome  connected       0  2026-11-22 02:59:00Z (1m ago)
phone           away        4,990  2026-11-21 03:00:00Z (1d ago)

CONVERSATION  NAME  UNREAD  LAST  STATE   LAST MESSAGE
team          团队       3    40  member  never
… and 24 more (-o json lists them)

next: starling conversation show team
`,
  );
});

test('a user without a profile is pointed out', () => {
  const view = userView('zoe', create(InspectUserResponseSchema, { place }), options);
  assert.match(view, /^! zoe has no profile/);
  assert.match(view, /timeline {2}empty/);
});

test('a conversation: members that are behind stand first, and content cannot drive the terminal', () => {
  const answer = create(InspectConversationResponseSchema, {
    info: { type: ConversationType.GROUP, name: 'Team' },
    place,
    lastSeq: 52n,
    deliveredSeq: 40n,
    members: [
      { member: { userId: 'alice', role: MemberRole.OWNER, joinSeq: 1n }, deliveredSeq: 52n },
      { member: { userId: 'bob', role: MemberRole.MEMBER, joinSeq: 1n }, deliveredSeq: 40n },
    ],
    lastMessages: [
      {
        conversationSeq: 1n,
        createTimeMs: BigInt(now - 1_000),
        content: { body: { case: 'membersChanged', value: { joinedUserIds: ['alice', 'bob'] } } },
      },
      {
        conversationSeq: 52n,
        senderId: 'alice',
        createTimeMs: BigInt(now),
        content: { body: { case: 'text', value: { text: 'hi\u001b[2J\nthere' } } },
      },
    ],
  });
  const view = conversationView('team', answer, options);
  assert.match(view, /^! 1 of 2 members are not given everything yet; furthest behind: bob by 12\n/);
  assert.match(view, /bob {5}member {10}1 {9}40 {6}12\nalice/);
  assert.match(view, /system {2}\+alice \+bob/);
  assert.ok(!view.includes('\u001b'));
  assert.match(view, /next: starling user show bob\n$/);
});

test('a node: a store that is not well stands first', () => {
  const answer = create(InspectNodeResponseSchema, {
    node: 'local',
    version: '0.1.0',
    uptimeMs: 3_600_000n,
    streams: 12_345,
    store: 'The store failed: EIO',
  });
  const view = nodeView('http://h', answer, options);
  assert.match(view, /^! store: The store failed: EIO\n/);
  assert.match(view, /up {11}1h, since 2026-11-22 02:00:00Z \(1h ago\)/);
  assert.match(view, /streams {6}12,345/);
  const well = nodeView('http://h', create(InspectNodeResponseSchema, { store: 'ok' }), options);
  assert.ok(!well.includes('!') && !well.includes('next:'));
});

test('an actor: a call that waits too long and a reminder that is overdue stand first', () => {
  const answer = create(InspectActorResponseSchema, {
    place,
    stored: true,
    activation: 'active',
    idleMs: 1_500n,
    waiting: 12,
    oldestMs: 4_000n,
    tail: 512n,
    floor: 1n,
    asOf: 500n,
    version: 1,
    reminders: [{ name: 'expiry', dueMs: BigInt(now - 3_600_000), method: 'expire' }],
  });
  const text = actorView({ kind: 'packet', key: 'acme/1' }, answer, options);
  assert.match(text, /^! a call has waited for 4.0s\n! reminder expiry is overdue\n/);
  assert.match(text, /actor +packet\/acme\/1\n/);
  assert.match(text, /log +1 to 512, checkpoint at 500/);
  assert.match(text, /expiry +2026-11-22 02:00:00Z \(1h ago\) +once +expire/);
});

test('an actor that another node serves: whom to ask', () => {
  const elsewhere = { ...place, epoch: 0n };
  const answer = create(InspectActorResponseSchema, { place: elsewhere, servedBy: 'n2', activation: 'none' });
  const text = actorView({ kind: 'user', key: 'main/alice' }, answer, options);
  assert.match(text, /^! nothing is stored under this name/);
  assert.match(text, /served by +n2/);
  assert.match(text, /ask the node that serves it: n2/);
});
