import assert from 'node:assert/strict';
import test from 'node:test';
import { parseRecord, RecordError } from './parse.ts';
import { formatRecord } from './record.ts';

const MESSAGE = {
  type: 'message',
  conversation_id: 'team',
  sender_user_id: 'alice',
  client_message_id: 'm1',
  create_time_ms: 1,
  text: 'hi',
};
const GROUP = { type: 'conversation', conversation_id: 'team', name: 'Team', owner_user_id: 'alice' };

function problemOf(value: unknown): string {
  try {
    parseRecord(typeof value === 'string' ? value : JSON.stringify(value));
  } catch (error) {
    assert.ok(error instanceof RecordError, String(error));
    return error.message;
  }
  return 'no problem';
}

test('a valid line of every form parses and is written as it was', () => {
  const lines = [
    '{"type":"user","user_id":"a.b@c-d_E","display_name":"陈晨","avatar_url":"https://x"}',
    '{"type":"conversation","conversation_id":"team","name":"团队","owner_user_id":"alice","member_user_ids":["bob"],"create_time_ms":5}',
    '{"type":"conversation","conversation_id":"c17","direct_user_ids":["alice","bob"]}',
    '{"type":"message","conversation_id":"team","sender_user_id":"","client_message_id":"m-1","create_time_ms":7,' +
      '"text":"👋","mention_user_ids":["bob"],"reply_to":{"sender_user_id":"bob","client_message_id":"m0"}}',
    '{"type":"message","direct_user_ids":["alice","bob"],"sender_user_id":"bob","client_message_id":"m2","create_time_ms":7,' +
      '"custom":{"type":"card.v1","data_base64":"AAEC","fallback_text":"a card"}}',
  ];
  for (const line of lines) assert.equal(formatRecord(parseRecord(line)), line);
});

test('every defect of a line is named with its field', () => {
  const cases: readonly (readonly [unknown, string])[] = [
    ['{', 'is not valid JSON'],
    ['[]', 'is not an object'],
    [{}, 'type: must be user, conversation or message, not nothing'],
    [{ type: 'usr' }, 'type: must be user, conversation or message, not "usr"'],
    [{ type: 'user' }, 'user_id: is missing'],
    [
      { type: 'user', user_id: 'a', displayname: 'x' },
      'displayname: unknown field (did you mean "display_name"?)',
    ],
    [{ type: 'user', user_id: 'a b' }, 'user_id: "a b" does not match ^[A-Za-z0-9_.@-]{1,64}$'],
    [
      { type: 'user', user_id: 'a', display_name: 'é'.repeat(65) },
      'display_name: must have 0 to 128 bytes, has 130',
    ],
    [{ type: 'user', user_id: 'a', display_name: 7 }, 'display_name: must be text, not 7'],
    ['{"type":"user","user_id":"a","display_name":"\\ud800"}', 'display_name: is not valid Unicode'],
    [{ ...GROUP, name: '' }, 'name: must have 1 to 200 bytes, has 0'],
    [
      { ...GROUP, conversation_id: 'd_x' },
      'conversation_id: d_ is for direct conversations, name direct_user_ids',
    ],
    [{ ...GROUP, member_user_ids: 'bob' }, 'member_user_ids: must be a list, not "bob"'],
    [{ ...GROUP, member_user_ids: ['b', 1] }, 'member_user_ids[1]: must be text, not 1'],
    [
      { type: 'conversation', conversation_id: 'c', direct_user_ids: ['a', 'a'] },
      'direct_user_ids: must be two different users',
    ],
    [
      { ...MESSAGE, direct_user_ids: ['alice', 'bob'] },
      'exactly one of conversation_id and direct_user_ids is needed',
    ],
    [{ ...MESSAGE, text: undefined }, 'exactly one of text and custom is needed'],
    [{ ...MESSAGE, text: '' }, 'text: must have 1 to 65000 bytes, has 0'],
    [{ ...MESSAGE, text: 'x'.repeat(65_001) }, 'text: must have 1 to 65000 bytes, has 65001'],
    [
      { ...MESSAGE, create_time_ms: 1.5 },
      'create_time_ms: must be milliseconds since 1970-01-01 UTC, an integer, not 1.5',
    ],
    [
      { ...MESSAGE, create_time_ms: '1' },
      'create_time_ms: must be milliseconds since 1970-01-01 UTC, an integer, not "1"',
    ],
    [
      { ...MESSAGE, conversation_id: undefined, direct_user_ids: ['bob', 'carl'] },
      'sender_user_id: must be one of direct_user_ids',
    ],
    [{ ...MESSAGE, reply_to: 3 }, 'reply_to: must be an object, not 3'],
    [{ ...MESSAGE, reply_to: { seq: 3 } }, 'reply_to.seq: unknown field'],
    [
      { ...MESSAGE, text: undefined, custom: { type: 'a', data_base64: 'AA' } },
      'custom.data_base64: is not base64 with padding',
    ],
    [
      { ...MESSAGE, text: undefined, custom: { type: 'A', data_base64: '' } },
      'type: "A" does not match ^[a-z0-9._-]{1,64}$',
    ],
  ];
  for (const [value, problem] of cases) {
    const {
      text: gone,
      conversation_id: also,
      ...rest
    } = (typeof value === 'string' ? {} : value) as {
      text?: string;
      conversation_id?: string;
    };
    const cleaned = { ...rest, ...(gone === undefined ? {} : { text: gone }) };
    const line =
      typeof value === 'string'
        ? value
        : { ...cleaned, ...(also === undefined ? {} : { conversation_id: also }) };
    assert.equal(problemOf(line), problem);
  }
});
