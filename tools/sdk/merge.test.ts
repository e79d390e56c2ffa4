// Random interleavings of entries, pushes, losses, repeats, notifications, cuts, full syncs and time: whatever happens,
// the local view ends where the server's timeline is, and the application was told every entry once and in order.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { ConversationChangeSchema } from '../../proto/gen/starling/im/v1/sync_pb.ts';
import { lost } from './testing/fake-server.ts';
import { Harness } from './testing/harness.ts';
import { quiet } from './testing/sim.ts';

type Step =
  | { readonly kind: 'write'; readonly conversation: number; readonly pushed: boolean }
  | { readonly kind: 'read'; readonly conversation: number }
  | { readonly kind: 'push'; readonly back: number; readonly count: number }
  | { readonly kind: 'notify' | 'cut' | 'trim' | 'restart' | 'outage' | 'rotate' | 'quiet' }
  | { readonly kind: 'time'; readonly ms: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('write' as const),
      conversation: fc.integer({ min: 0, max: 3 }),
      pushed: fc.boolean(),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('read' as const),
      conversation: fc.integer({ min: 0, max: 3 }),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('push' as const),
      back: fc.integer({ min: 0, max: 8 }),
      count: fc.integer({ min: 1, max: 4 }),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constantFrom('notify', 'cut', 'trim', 'restart', 'outage', 'rotate', 'quiet' as const),
    }) as fc.Arbitrary<Step>,
  },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant('time' as const), ms: fc.integer({ min: 1, max: 5_000 }) }),
  },
);

async function perform(h: Harness, each: Step): Promise<void> {
  const { server } = h;
  const open = server.streams.length > 0 && !server.stream.ended;
  switch (each.kind) {
    case 'write':
      server.pushes = each.pushed;
      server.write(`g${each.conversation}`);
      server.pushes = false;
      return;
    case 'read': {
      const view = server.views().get(`g${each.conversation}`);
      if (view?.lastMessage === undefined) return;
      const { lastMessage, ...rest } = view;
      const conversation = {
        ...rest,
        readSeq: view.lastSeq,
        readContentCount: lastMessage.contentCount,
        unreadCount: 0n,
      };
      server.deliver({
        case: 'conversationChange',
        value: create(ConversationChangeSchema, { conversation }),
      });
      return;
    }
    case 'push': {
      const from = server.head - BigInt(each.back);
      const seqs = Array.from({ length: each.count }, (_none, at) => from + BigInt(at)).filter(
        (seq) => seq > 0n,
      );
      if (open && seqs.length > 0) server.push(...seqs.filter((seq) => seq <= server.head));
      return;
    }
    case 'notify':
      if (open) server.stream.push({ case: 'notify', value: { headUserSeq: server.head } });
      return;
    case 'cut':
      if (open) server.stream.end(lost());
      return;
    case 'rotate':
      if (open) server.stream.push({ case: 'rotate', value: { spreadMs: 100 } });
      return;
    case 'trim':
      server.trimmed = server.head;
      return;
    case 'restart':
      // A new incarnation comes with new streams: the user actor has lost its timeline.
      server.restart(server.incarnation + 1n);
      server.trimmed = 0n;
      if (open) server.stream.end(lost());
      return;
    case 'outage': {
      let failures = 2;
      server.intercept = () => {
        failures -= 1;
        if (failures >= 0) throw lost();
        return undefined;
      };
      return;
    }
    case 'quiet':
      return await quiet();
    case 'time':
      return await h.clock.advance(each.ms);
  }
}

test("SDK-22: after any interleaving of pushes, pulls, losses, cuts and full syncs the local view is the server's.", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), fc.nat(1_000), async (steps, seed) => {
      const h = new Harness({ seed });
      h.server.pageSize = 2;
      h.server.pullMax = 3;
      h.server.write('g0');
      h.client.connect().catch(() => undefined);
      for (const each of steps) await perform(h, each);
      h.server.intercept = undefined;
      await h.clock.advance(120_000);
      if (h.server.stream.ended) await h.clock.advance(60_000);
      h.server.stream.push({ case: 'heartbeat', value: { headUserSeq: h.server.head } });
      await h.clock.advance(30_000);
      assert.deepEqual(await h.view(), h.expected());
      assertOrdered(h);
      await h.client.disconnect();
    }),
    { numRuns: 60 },
  );
});

/** Between two resets every conversation's entries rise by one. */
function assertOrdered(h: Harness): void {
  let last = new Map<string, bigint>();
  for (const { event, value } of h.told) {
    if (event === 'reset') last = new Map();
    if (event !== 'messages') continue;
    const { conversationId, messages } = value as {
      conversationId: string;
      messages: { conversationSeq: bigint }[];
    };
    for (const { conversationSeq } of messages) {
      const before = last.get(conversationId);
      if (before !== undefined) assert.equal(conversationSeq, before + 1n, conversationId);
      last.set(conversationId, conversationSeq);
    }
  }
}
