import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import * as ids from './ids.ts';

const userId = fc.stringMatching(/^[A-Za-z0-9_.@-]{1,64}$/);
const tokenId = fc.stringMatching(/^[A-Za-z0-9_-]{1,64}$/);

describe('ids', () => {
  it('are of their alphabet and length, and nothing else passes', () => {
    for (const bad of ['', 'a b', 'a/b', 'ä', 'a\u0000', 'a\n', '文', 'x'.repeat(65), 'a~b']) {
      assert.equal(ids.isUserId(bad), false, JSON.stringify(bad));
      assert.equal(ids.isDeviceId(bad), false);
      assert.equal(ids.isClientMessageId(bad), false);
    }
    assert.equal(ids.isDeviceId('a.b'), false);
    assert.equal(ids.isConversationId('x'.repeat(161)), false);
    assert.equal(ids.isGroupId('d_a~b'), false);
    assert.equal(ids.isGroupId('d_ab'), false, 'the space of direct conversations');
    assert.equal(ids.isGroupId('g_1'), true);
  });

  it('of a direct conversation are the same from both sides, and name both users', () => {
    fc.assert(
      fc.property(userId, userId, (a, b) => {
        fc.pre(a !== b);
        const id = ids.directConversationId(a, b);
        assert.equal(id, ids.directConversationId(b, a));
        assert.ok(ids.isConversationId(id));
        assert.deepEqual([...(ids.directUsers(id) ?? [])].sort(), [a, b].sort());
        assert.ok([`t/${a}`, `t/${b}`].includes(ids.directPlacement(`t/${id}`)));
      }),
      { seed: 7 },
    );
    for (const bad of ['g_1', 'd_a', 'd_a~a', 'd_b~a', 'd_a~b~c', 'd_~a'])
      assert.equal(ids.directUsers(bad), undefined, bad);
  });

  it('of messages are a pure function of who said it where under which id, and differ where any of these does (rule 15)', () => {
    fc.assert(
      fc.property(
        fc.tuple(tokenId, tokenId, tokenId, tokenId),
        fc.tuple(tokenId, tokenId, tokenId, tokenId),
        (one, other) => {
          const id = ids.messageIdOf(...one);
          assert.deepEqual(ids.messageIdOf(...one), id);
          assert.match(id.text, /^[0-9A-HJKMNP-TV-Z]{26}$/);
          if (one.join('/') !== other.join('/')) assert.notEqual(ids.messageIdOf(...other).text, id.text);
        },
      ),
      { seed: 7 },
    );
    assert.notEqual(ids.messageIdOf('t', 'c', 'ab', 'c').text, ids.messageIdOf('t', 'c', 'a', 'bc').text);
    assert.equal(
      ids.messageIdOf('main', 'd_a~b', 'a', 'm1').text,
      ids.messageIdOf('main', 'd_a~b', 'a', 'm1').text,
    );
  });

  it('of created groups are the same for the same request, and never those of a direct conversation', () => {
    const id = ids.createdGroupId('t', 'alice', 'r1');
    assert.equal(id, ids.createdGroupId('t', 'alice', 'r1'));
    assert.notEqual(id, ids.createdGroupId('t', 'bob', 'r1'));
    assert.equal(ids.isGroupId(id), true);
  });
});
