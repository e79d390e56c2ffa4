import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Corpus, generateCorpus } from './corpus.ts';
import { LONG_BYTES } from './corpus-text.ts';

interface Line {
  readonly type: string;
  readonly conversation_id?: string;
  readonly direct_user_ids?: readonly string[];
  readonly sender_user_id?: string;
  readonly client_message_id?: string;
  readonly create_time_ms?: number;
  readonly owner_user_id?: string;
  readonly member_user_ids?: readonly string[];
  readonly text?: string;
  readonly custom?: { readonly data_base64: string };
  readonly reply_to?: { readonly sender_user_id: string; readonly client_message_id: string };
}

const CORPUS: Corpus = generateCorpus({ seed: 1 });
const LINES = CORPUS.shuffled.map((line) => JSON.parse(line) as Line);
const MESSAGES = LINES.filter((line) => line.type === 'message');

function conversationOf(line: Line): string {
  return line.conversation_id ?? [...(line.direct_user_ids ?? [])].sort().join();
}

describe('corpus', () => {
  test('It has 20,000 messages, 50 conversations and 200 users, and every conversation is spoken in.', () => {
    assert.equal(MESSAGES.length, 20_000);
    assert.equal(new Set(MESSAGES.map(conversationOf)).size, 50);
    assert.equal(
      new Set(LINES.filter((line) => line.type === 'user').map((line) => JSON.stringify(line))).size,
      200,
    );
    assert.deepEqual([CORPUS.groups, CORPUS.directs], [30, 20]);
  });

  test('The same seed makes the same corpus, another seed another one.', () => {
    const small = { messages: 200, users: 20, conversations: 6 };
    assert.deepEqual(generateCorpus({ seed: 5, ...small }), generateCorpus({ seed: 5, ...small }));
    assert.notDeepEqual(
      generateCorpus({ seed: 5, ...small }).normal,
      generateCorpus({ seed: 6, ...small }).normal,
    );
  });

  test('Senders are members, ids are unique for a sender within a conversation, replies point back.', () => {
    const members = new Map(
      LINES.filter((line) => line.type === 'conversation').map((line) => [
        line.conversation_id,
        [line.owner_user_id, ...(line.member_user_ids ?? [])],
      ]),
    );
    const ids = new Set<string>();
    for (const line of MESSAGES) {
      const where = conversationOf(line);
      assert.ok(
        (members.get(line.conversation_id) ?? line.direct_user_ids)?.includes(line.sender_user_id ?? ''),
      );
      if (line.reply_to !== undefined)
        assert.ok(ids.has(`${where}/${line.reply_to.sender_user_id}/${line.reply_to.client_message_id}`));
      ids.add(`${where}/${line.sender_user_id}/${line.client_message_id}`);
    }
    assert.equal(ids.size, MESSAGES.length);
  });

  test('Bodies are Chinese, English and emoji, up to 60,000 bytes, and lines stay within the format.', () => {
    const texts = MESSAGES.flatMap((line) => (line.text === undefined ? [] : [line.text]));
    assert.ok(texts.some((text) => /\p{Script=Han}/u.test(text)));
    assert.ok(texts.some((text) => /[a-z]{3} [a-z]+/.test(text)));
    assert.ok(texts.some((text) => /\p{RGI_Emoji}/v.test(text)));
    assert.equal(Math.max(...texts.map((text) => Buffer.byteLength(text))), LONG_BYTES);
    assert.ok(texts.every((text) => text.length > 0 && text.isWellFormed()));
    assert.ok(MESSAGES.some((line) => line.custom !== undefined));
    assert.ok(CORPUS.shuffled.every((line) => Buffer.byteLength(line) < 256 * 1024));
  });

  test('The normal form holds the same lines, conversation by conversation, with times that never run back.', () => {
    const sorted = (lines: readonly string[]): string[] =>
      lines
        .map((line) => {
          const fields = JSON.parse(line) as Record<string, unknown>;
          for (const name of ['member_user_ids', 'direct_user_ids'])
            if (Array.isArray(fields[name])) fields[name] = fields[name].toSorted();
          return JSON.stringify(Object.entries(fields).sort(([one], [other]) => (one < other ? -1 : 1)));
        })
        .sort();
    assert.deepEqual(sorted(CORPUS.normal), sorted(CORPUS.shuffled));
    const lastTime = new Map<string, number>();
    let last = '';
    const closed = new Set<string>();
    for (const line of CORPUS.normal.map((text) => JSON.parse(text) as Line)) {
      if (line.type === 'user') continue;
      const where = conversationOf(line);
      if (where !== last) {
        assert.ok(!closed.has(where), 'a conversation stands in one piece');
        closed.add(last);
        last = where;
      }
      assert.ok((line.create_time_ms ?? 0) >= (lastTime.get(where) ?? 0));
      lastTime.set(where, line.create_time_ms ?? 0);
    }
  });
});
