import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { MemberSchema } from '../../../proto/gen/starling/im/v1/group_pb.ts';
import { MemberRole } from '../../../proto/gen/starling/im/v1/message_pb.ts';
import { connectionView } from './connection.ts';
import { errorText } from './errors.ts';
import { mayRemove, memberOrder } from './members.ts';
import { parseRoute, parseSignIn, parseUserIds, routeHash, signInQuery } from './route.ts';

const state = { state: 'connecting', code: '', reason: '', terminal: false } as const;

test('there is no banner while connected or while connecting for the first time', () => {
  assert.equal(connectionView({ ...state, state: 'connected' }, true).banner, '');
  assert.equal(connectionView(state, true).banner, '');
});

test('while connecting again the banner gives the reason and says that nothing is lost', () => {
  const view = connectionView({ ...state, code: 'network', reason: 'The connection failed' }, true);
  assert.equal(view.banner, 'Connecting again. What you write is kept and sent then. The connection failed.');
});

test('without a network the banner says so, whatever the reason', () => {
  assert.match(connectionView({ ...state, code: 'network' }, false).banner, /^You are offline\./);
});

test('a device that was signed out is told so and may sign in again', () => {
  const view = connectionView(
    { state: 'disconnected', code: 'kicked_signed_out', reason: '', terminal: true },
    true,
  );
  assert.ok(view.signIn);
  assert.equal(view.banner, 'This device was signed out from another device.');
});

test('the words of an error are those of the typed error', () => {
  assert.equal(errorText(new Error('Only members may do this.')), 'Only members may do this.');
  assert.equal(errorText('nonsense'), 'Something went wrong inside the page.');
});

test('a route survives its fragment, whatever its id is made of', () => {
  for (const id of ['d_alice_bob', 'a/b?c#d', '周末', '%']) {
    const route = { kind: 'conversation', conversationId: id } as const;
    assert.deepEqual(parseRoute(routeHash(route)), route);
  }
  assert.deepEqual(parseRoute(routeHash({ kind: 'direct', userId: 'a.b@c' })), {
    kind: 'direct',
    userId: 'a.b@c',
  });
});

test('a fragment that means nothing is the list', () => {
  for (const hash of ['', '#', '#/c/', '#/x/y', '#/c/%'])
    assert.deepEqual(parseRoute(hash), { kind: 'list' });
});

test('the query names user and device, and characters a device id may not have are replaced', () => {
  const signIn = { userId: 'alice', displayName: '爱丽丝', device: 'phone' };
  assert.deepEqual(parseSignIn(signInQuery(signIn)), signIn);
  assert.equal(parseSignIn('?user=alice&device=my phone')?.device, 'my-phone');
  assert.equal(parseSignIn('?device=phone'), undefined);
});

test('user ids may be separated by spaces, commas and Chinese commas, each counts once', () => {
  assert.deepEqual(parseUserIds(' alice, bob，alice、chen '), ['alice', 'bob', 'chen']);
});

test('only somebody of a lower role may be removed', () => {
  assert.ok(mayRemove(MemberRole.OWNER, MemberRole.ADMIN));
  assert.ok(!mayRemove(MemberRole.ADMIN, MemberRole.ADMIN));
  assert.ok(!mayRemove(MemberRole.MEMBER, MemberRole.MEMBER));
});

test('members are listed by role, then by name', () => {
  const member = (userId: string, role: MemberRole) => create(MemberSchema, { userId, role });
  const list = [
    member('z', MemberRole.MEMBER),
    member('a', MemberRole.MEMBER),
    member('m', MemberRole.OWNER),
  ];
  assert.deepEqual(
    memberOrder(list, (id) => id).map((one) => one.userId),
    ['m', 'a', 'z'],
  );
});
