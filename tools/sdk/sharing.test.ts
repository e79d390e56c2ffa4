import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MessageService } from '../../proto/gen/starling/im/v1/send_pb.ts';
import { memoryStore } from './memory.ts';
import type { Sharing } from './ports.ts';
import { FakeServer, lost, refusal } from './testing/fake-server.ts';
import { Harness } from './testing/harness.ts';
import { quiet, SimClock } from './testing/sim.ts';

const { sendMessage } = MessageService.method;

/** Locks and channels of one browser. A page that is killed says nothing any more and loses its lock. */
class FakeBrowser {
  readonly #listeners = new Map<string, Set<(message: unknown) => void>>();
  readonly #queues = new Map<string, { start: () => void }[]>();

  page(): { sharing: Sharing; kill: () => void } {
    let alive = true;
    const releases: (() => void)[] = [];
    const sharing: Sharing = {
      channel: (name, onMessage) => {
        const all = this.#listeners.get(name) ?? new Set();
        this.#listeners.set(name, all);
        const listen = (message: unknown): void => {
          if (alive) onMessage(message);
        };
        all.add(listen);
        return {
          post: (message) => {
            if (!alive) return;
            // What cannot be cloned cannot pass between pages.
            const copy = structuredClone(message);
            for (const each of all) if (each !== listen) queueMicrotask(() => each(copy));
          },
          close: () => all.delete(listen),
        };
      },
      lock: (name, signal, held) =>
        new Promise((resolve, reject) => {
          const queue = this.#queues.get(name) ?? [];
          this.#queues.set(name, queue);
          const waiting = {
            start: () => {
              const release = (): void => {
                if (queue[0] !== waiting) return;
                queue.shift();
                queue[0]?.start();
              };
              releases.push(release);
              held().then(() => {
                release();
                resolve();
              }, reject);
            },
          };
          signal.addEventListener('abort', () => {
            if (queue[0] === waiting || !queue.includes(waiting)) return;
            queue.splice(queue.indexOf(waiting), 1);
            reject(new Error('aborted'));
          });
          queue.push(waiting);
          if (queue.length === 1) waiting.start();
        }),
    };
    const kill = (): void => {
      alive = false;
      for (const release of releases) release();
    };
    return { sharing, kill };
  }
}

interface Pages {
  readonly server: FakeServer;
  readonly clock: SimClock;
  readonly first: Harness;
  readonly second: Harness;
  readonly killFirst: () => void;
}

async function twoPages(): Promise<Pages> {
  const browser = new FakeBrowser();
  const server = new FakeServer();
  const clock = new SimClock();
  const store = memoryStore();
  server.write('g1');
  const one = browser.page();
  const first = new Harness({ server, clock, store, sharing: one.sharing, seed: 1 });
  await first.connected();
  const second = new Harness({ server, clock, store, sharing: browser.page().sharing, seed: 2 });
  await second.connected();
  server.pushes = true;
  return { server, clock, first, second, killFirst: one.kill };
}

test('SDK-72: pages share one stream, and all of them see the same events and the same view.', async () => {
  const { server, first, second } = await twoPages();
  assert.equal(server.streams.length, 1);
  assert.equal(second.client.state, 'connected');
  assert.equal(second.client.userId, 'alice');
  assert.equal(second.client.deviceId, first.client.deviceId);
  const before = [first.told.length, second.told.length];
  server.write('g1');
  server.write('g2');
  await quiet();
  assert.deepEqual(second.told.slice(before[1]), first.told.slice(before[0]));
  assert.deepEqual(await second.view(), server === second.server ? second.expected() : {});
  assert.equal((await second.client.history('g1')).length, 3);
});

test('SDK-72: a page that does not lead sends through the one that does, and gets outcomes and errors.', async () => {
  const { server, first, second } = await twoPages();
  const sent = second.client.sendText({ conversationId: 'g1' }, 'from the second page');
  const outcome = await sent.done;
  assert.equal(outcome.state, 'sent');
  assert.ok(first.all('outgoing').some((each) => each.clientMessageId === sent.clientMessageId));
  server.intercept = (call) => {
    if (call.method !== 'GetGroup') return undefined;
    throw refusal('NOT_A_MEMBER', { status: 'PERMISSION_DENIED', metadata: { who: 'alice' } });
  };
  await assert.rejects(second.client.group('g1'), { code: 'NOT_A_MEMBER', metadata: { who: 'alice' } });
});

test('SDK-73: when the page that leads closes, another one takes over where it was.', async () => {
  const { server, clock, first, second } = await twoPages();
  await first.client.disconnect();
  await clock.advance(10);
  assert.equal(server.streams.length, 2);
  assert.equal(second.client.state, 'connected');
  assert.ok(!second.states().includes('disconnected:closed'), 'that another page leaves is no end');
  server.write('g1');
  await quiet();
  assert.deepEqual(second.seqs('g1'), [3n]);
  assert.equal(first.client.state, 'disconnected');
});

test('SDK-73: what a page had sent through one that died is sent by the next, once.', async () => {
  const { server, clock, second, killFirst } = await twoPages();
  server.intercept = (call) => {
    if (call.method === 'SendMessage') throw lost();
    return undefined;
  };
  const sent = second.client.sendText({ conversationId: 'g1' }, 'survives');
  await quiet();
  assert.ok(server.requests(sendMessage).length > 0);
  killFirst();
  server.intercept = undefined;
  await clock.advance(60_000);
  assert.equal((await sent.done).state, 'sent');
  assert.equal(server.sent.size, 1);
  assert.equal(second.client.state, 'connected');
});

test('SDK-72: pages that name different devices are clients of their own.', async () => {
  const browser = new FakeBrowser();
  const server = new FakeServer();
  const one = new Harness({ server, sharing: browser.page().sharing, client: { deviceId: 'a' } });
  const two = new Harness({ server, sharing: browser.page().sharing, client: { deviceId: 'b' } });
  await one.connected();
  await two.connected();
  assert.deepEqual(
    server.streams.map((stream) => stream.request.deviceId),
    ['a', 'b'],
  );
});
