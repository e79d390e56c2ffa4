// Longer than 300 lines because the cases of one subject share their set-up.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { create, type DescMessage, fromBinary, type MessageInitShape } from '@bufbuild/protobuf';
import * as conv from '../../proto/gen/starling/im/v1/conversation_pb.ts';
import * as groups from '../../proto/gen/starling/im/v1/group_pb.ts';
import * as send from '../../proto/gen/starling/im/v1/send_pb.ts';
import * as session from '../../proto/gen/starling/im/v1/session_pb.ts';
import * as sync from '../../proto/gen/starling/im/v1/sync_pb.ts';
import * as server from '../../proto/gen/starling/server/v1/server_pb.ts';
import type { StarlingError } from '../../runtime/index.ts';
import { ImNode } from '../testing/im-node.ts';

async function start(): Promise<ImNode> {
  const node = new ImNode();
  await call(node, 'backend', 'server.v1.DirectoryService', 'upsertUsers', server.UpsertUsersRequestSchema, {
    users: ['alice', 'bob', 'carol'].map((userId) => ({ userId })),
  });
  await call(
    node,
    'alice',
    'im.v1.MessageService',
    'sendMessage',
    send.SendMessageRequestSchema,
    message({}),
  );
  await node.settle();
  return node;
}

function call<I extends DescMessage>(
  node: ImNode,
  who: string,
  service: string,
  method: string,
  input: I,
  init: MessageInitShape<I>,
) {
  const decode = (bytes: Uint8Array) => fromBinary(sync.PullResponseSchema, bytes);
  return node.call(who, `starling.${service}`, method, create(input, init), { decode });
}

type SendInit = MessageInitShape<typeof send.SendMessageRequestSchema>;

function message(fields: object): SendInit {
  const text = { body: { case: 'text' as const, value: { text: 'hello' } } };
  const target = { case: 'directUserId' as const, value: 'bob' };
  return { target, clientMessageId: 'm1', deviceId: 'phone', content: text, ...fields } as SendInit;
}

/** What a request comes to: `CODE field`. */
async function refusal(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => 'OK',
    ({ code, violations }: StarlingError) => [code, ...violations.map(({ field }) => field)].join(' '),
  );
}

/** Everything the store has of conversations and users. */
async function written(node: ImNode): Promise<unknown> {
  const parts: unknown[] = [];
  for (const kind of ['user', 'group']) {
    for (const key of await node.store.listActors(kind, { actorsMax: 1000 })) {
      for (let shard = 0; shard < 16; shard++) {
        const rows = await node.store.readRows({ kind, key, shard }, { from: 1, rowsMax: 1000 });
        if (rows.length > 0) parts.push(`${kind}/${key}: ${rows.length}`);
      }
    }
  }
  return [...new Set(parts)];
}

const long = (n: number): string => 'x'.repeat(n);
const body = (value: object) => ({ content: { body: value } });
const text = (value: object) => body({ case: 'text', value });
const custom = (value: object) => body({ case: 'custom', value: { type: 'x', ...value } });

const SENDS: [object, string][] = [
  [{ clientMessageId: '' }, 'INVALID_REQUEST client_message_id'],
  [{ clientMessageId: 'a b' }, 'INVALID_REQUEST client_message_id'],
  [{ clientMessageId: long(65) }, 'INVALID_REQUEST client_message_id'],
  [{ deviceId: '' }, 'INVALID_REQUEST device_id'],
  [{ deviceId: 'a/b' }, 'INVALID_REQUEST device_id'],
  [{ target: { case: undefined } }, 'INVALID_REQUEST target'],
  [{ target: { case: 'directUserId', value: '' } }, 'INVALID_REQUEST direct_user_id'],
  [{ target: { case: 'directUserId', value: 'alice' } }, 'INVALID_REQUEST direct_user_id'],
  [{ target: { case: 'conversationId', value: 'a/b' } }, 'INVALID_REQUEST conversation_id'],
  [{ target: { case: 'conversationId', value: long(161) } }, 'INVALID_REQUEST conversation_id'],
  [{ target: { case: 'conversationId', value: 'g_none' } }, 'CONVERSATION_NOT_FOUND'],
  [{ target: { case: 'conversationId', value: 'd_bob~carol' } }, 'CONVERSATION_NOT_FOUND'],
  [{ target: { case: 'directUserId', value: 'nobody' } }, 'USER_NOT_FOUND'],
  [{ content: undefined }, 'INVALID_REQUEST content'],
  [{ content: {} }, 'INVALID_REQUEST content'],
  [text({ text: '' }), 'INVALID_REQUEST content.text.text'],
  [text({ text: long(65_001) }), 'INVALID_REQUEST content.text.text'],
  [text({ text: '文'.repeat(21_700) }), 'INVALID_REQUEST content.text.text'],
  [
    text({ text: 'x', mentionUserIds: Array.from({ length: 51 }, (_, i) => `u${i}`) }),
    'INVALID_REQUEST content.text.mention_user_ids',
  ],
  [text({ text: 'x', mentionUserIds: ['a b'] }), 'INVALID_REQUEST content.text.mention_user_ids'],
  [
    text({ text: long(64_000), mentionUserIds: Array.from({ length: 50 }, () => long(64)) }),
    'INVALID_REQUEST content',
  ],
  [custom({ type: 'Über' }), 'INVALID_REQUEST content.custom.type'],
  [custom({ data: new Uint8Array(65_001) }), 'INVALID_REQUEST content.custom.data'],
  [custom({ fallbackText: long(1025) }), 'INVALID_REQUEST content.custom.fallback_text'],
  [body({ case: 'membersChanged', value: {} }), 'INVALID_REQUEST content'],
  [body({ case: 'groupChanged', value: {} }), 'INVALID_REQUEST content'],
  [{ replyToSeq: 99n }, 'MESSAGE_NOT_FOUND'],
  [{ order: { session: 0n, deviceSeq: 1n } }, 'INVALID_REQUEST order.session'],
  [{ order: { session: 1n, deviceSeq: 0n } }, 'INVALID_REQUEST order.device_seq'],
  [{ order: { session: 1n, deviceSeq: 2n ** 53n } }, 'INVALID_REQUEST order.device_seq'],
  [
    { order: { session: 1n, deviceSeq: 1n, settledDeviceSeq: 2n ** 60n } },
    'INVALID_REQUEST order.settled_device_seq',
  ],
  [{ order: { session: 1n, deviceSeq: 900n } }, 'OUT_OF_ORDER'],
];

describe('bad input', () => {
  it('in a send is refused with the field, and nothing is written', async () => {
    const node = await start();
    const before = await written(node);
    for (const [fields, expected] of SENDS) {
      const request = message({ clientMessageId: 'm2', ...fields });
      const sent = call(
        node,
        'alice',
        'im.v1.MessageService',
        'sendMessage',
        send.SendMessageRequestSchema,
        request,
      );
      assert.equal(
        await refusal(sent),
        expected,
        JSON.stringify(fields, (_k, v) => (typeof v === 'bigint' ? `${v}` : v)).slice(0, 200),
      );
    }
    assert.deepEqual(await written(node), before);
  });

  it('from somebody who is not a member is refused wherever a conversation is named', async () => {
    const node = await start();
    const { group } = (await call(
      node,
      'alice',
      'im.v1.GroupService',
      'createGroup',
      groups.CreateGroupRequestSchema,
      {
        name: 'Trip',
        memberUserIds: ['bob'],
        requestId: 'r1',
      },
    )) as unknown as groups.CreateGroupResponse;
    const conversationId = group?.conversationId ?? '';
    const as = <I extends DescMessage>(
      service: string,
      method: string,
      input: I,
      init: MessageInitShape<I>,
    ) => refusal(call(node, 'carol', `im.v1.${service}`, method, input, init));
    const target = { case: 'conversationId' as const, value: conversationId };
    assert.equal(
      await as('MessageService', 'sendMessage', send.SendMessageRequestSchema, message({ target })),
      'NOT_A_MEMBER',
    );
    const range = { conversationId, conversationSeq: 1n };
    assert.equal(
      await as('MessageService', 'listMessages', send.ListMessagesRequestSchema, { conversationId }),
      'NOT_A_MEMBER',
    );
    assert.equal(
      await as('MessageService', 'getMessage', send.GetMessageRequestSchema, range),
      'NOT_A_MEMBER',
    );
    assert.equal(
      await as('GroupService', 'getGroup', groups.GetGroupRequestSchema, { conversationId }),
      'NOT_A_MEMBER',
    );
    assert.equal(
      await as('GroupService', 'listMembers', groups.ListMembersRequestSchema, { conversationId }),
      'NOT_A_MEMBER',
    );
    const change = { conversationId, userIds: ['carol'] };
    assert.equal(
      await as('GroupService', 'addMembers', groups.AddMembersRequestSchema, change),
      'NOT_A_MEMBER',
    );
    assert.equal(
      await as('GroupService', 'removeMembers', groups.RemoveMembersRequestSchema, change),
      'NOT_A_MEMBER',
    );
    assert.equal(
      await as('ConversationService', 'markRead', conv.MarkReadRequestSchema, {
        conversationId,
        readSeq: 1n,
      }),
      'CONVERSATION_NOT_FOUND',
    );
  });

  it('in tokens of pages, masks, counts and ids is refused with the field', async () => {
    const node = await start();
    const conversationId = 'd_alice~bob';
    const as = <I extends DescMessage>(
      service: string,
      method: string,
      input: I,
      init: MessageInitShape<I>,
    ) => refusal(call(node, 'alice', `im.v1.${service}`, method, input, init));
    for (const pageToken of [
      'x',
      Buffer.from('[1,2]').toString('base64url'),
      Buffer.from('{').toString('base64url'),
    ]) {
      assert.equal(
        await as('ConversationService', 'listConversations', conv.ListConversationsRequestSchema, {
          pageToken,
        }),
        'INVALID_REQUEST page_token',
      );
    }
    assert.equal(
      await as('GroupService', 'listMembers', groups.ListMembersRequestSchema, {
        conversationId,
        pageToken: 'IA',
      }),
      'INVALID_REQUEST page_token',
    );
    const update = (paths: string[], settings = {}) =>
      as('ConversationService', 'updateConversation', conv.UpdateConversationRequestSchema, {
        conversationId,
        settings,
        updateMask: { paths },
      });
    assert.equal(await update([]), 'INVALID_REQUEST update_mask');
    assert.equal(await update(['nothing']), 'INVALID_REQUEST update_mask');
    assert.equal(await update(['draft'], { draft: long(4097) }), 'INVALID_REQUEST settings.draft');
    assert.equal(await update(['labels'], { labels: [''] }), 'INVALID_REQUEST settings.labels');
    const many = Array.from({ length: 17 }, (_, i) => `l${i}`);
    assert.equal(await update(['labels'], { labels: many }), 'INVALID_REQUEST settings.labels');
    assert.equal(
      await as('GroupService', 'createGroup', groups.CreateGroupRequestSchema, { name: '', requestId: 'r' }),
      'INVALID_REQUEST name',
    );
    assert.equal(
      await as('GroupService', 'createGroup', groups.CreateGroupRequestSchema, {
        name: 'x',
        requestId: 'r',
        memberUserIds: ['nobody'],
      }),
      'USER_NOT_FOUND',
    );
    assert.equal(
      await as('MessageService', 'getMessage', send.GetMessageRequestSchema, { conversationId }),
      'INVALID_REQUEST conversation_seq',
    );
    const beyond = { conversationId, conversationSeq: 2n ** 64n - 1n };
    assert.equal(
      await as('MessageService', 'getMessage', send.GetMessageRequestSchema, beyond),
      'MESSAGE_NOT_FOUND',
    );
    assert.equal(
      await as('SessionService', 'kickDevice', session.KickDeviceRequestSchema, { deviceId: 'a/b' }),
      'DEVICE_NOT_FOUND',
    );
    assert.equal(
      await as('SessionService', 'ack', session.AckRequestSchema, { deviceId: 'phone' }),
      'INVALID_REQUEST cursor',
    );
  });

  it('from a back end is refused with the field: times, ids, batches', async () => {
    const node = await start();
    const entry = {
      senderUserId: 'alice',
      clientMessageId: 'b1',
      content: { body: { case: 'text' as const, value: { text: 'x' } } },
    };
    const post = (fields: object, target: object = { case: 'conversationId', value: 'd_alice~bob' }) =>
      refusal(
        call(
          node,
          'backend',
          'server.v1.ConversationService',
          'sendMessages',
          server.SendMessagesRequestSchema,
          {
            target,
            messages: [{ ...entry, ...fields }],
          } as MessageInitShape<typeof server.SendMessagesRequestSchema>,
        ),
      );
    assert.equal(await post({ createTimeMs: -1n }), 'INVALID_REQUEST messages.create_time_ms');
    assert.equal(await post({ createTimeMs: 2n ** 62n }), 'INVALID_REQUEST messages.create_time_ms');
    assert.equal(await post({ clientMessageId: '' }), 'INVALID_REQUEST messages.client_message_id');
    assert.equal(await post({ senderUserId: 'a b' }), 'INVALID_REQUEST messages.sender_user_id');
    assert.equal(await post({ senderUserId: 'carol' }), 'NOT_A_MEMBER');
    assert.equal(await post({}, { case: undefined }), 'INVALID_REQUEST target');
    assert.equal(
      await post({}, { case: 'direct', value: { userId: 'alice', peerUserId: 'alice' } }),
      'INVALID_REQUEST direct',
    );
    const group = { ownerUserId: 'alice', name: 'x' };
    const make = (fields: object) =>
      refusal(
        call(
          node,
          'backend',
          'server.v1.ConversationService',
          'createGroup',
          server.CreateGroupRequestSchema,
          { ...group, ...fields },
        ),
      );
    assert.equal(await make({ conversationId: 'd_a~b' }), 'INVALID_REQUEST conversation_id');
    assert.equal(
      await make({ conversationId: 'g1', createTimeMs: 2n ** 62n }),
      'INVALID_REQUEST create_time_ms',
    );
    const list = (pageToken: string) =>
      refusal(
        call(
          node,
          'backend',
          'server.v1.ConversationService',
          'listConversations',
          server.ListConversationsRequestSchema,
          { pageToken },
        ),
      );
    assert.equal(
      await list(Buffer.from(`a\u0000${long(5000)}`).toString('base64url')),
      'INVALID_REQUEST page_token',
    );
  });

  it('from the system is told from what the system writes itself, also by its id', async () => {
    const node = await start();
    const posted = (await call(
      node,
      'backend',
      'server.v1.ConversationService',
      'sendMessages',
      server.SendMessagesRequestSchema,
      {
        target: { case: 'conversationId', value: 'd_alice~bob' },
        messages: [
          { clientMessageId: 'control-1', content: { body: { case: 'text', value: { text: 'x' } } } },
        ],
      },
    )) as unknown as server.SendMessagesResponse;
    const first = (await call(
      node,
      'alice',
      'im.v1.MessageService',
      'getMessage',
      send.GetMessageRequestSchema,
      {
        conversationId: 'd_alice~bob',
        conversationSeq: 1n,
      },
    )) as unknown as send.GetMessageResponse;
    assert.notEqual(posted.results[0]?.messageId, first.message?.messageId);
  });
});
