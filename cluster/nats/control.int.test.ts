import { deepEqual, equal } from 'node:assert/strict';
import { describe, test } from 'node:test';
import { startNatsServer } from '../../tools/dev/nats-server.ts';
import type { ControlAnswer, ControlCommand, NodeStatus } from '../membership/index.ts';
import { natsNode } from './testing/node.ts';

const STATUS: NodeStatus = {
  state: 'draining',
  store: true,
  lease: false,
  planner: true,
  alarm: true,
  placementOf: 12,
  serving: new Set([0, 7, 8, 4_095]),
  draining: 2,
  claiming: 3,
  waiting: 4,
  refused: [17, 4_000],
  dependencies: [
    { name: 'nats', ok: true, detail: 'ok' },
    { name: 'cassandra', ok: false, detail: 'Cassandra has served nothing for 7 s: down' },
  ],
  uptimeMs: 123_456,
};

/** A node that is one incarnation and obeys everything but an order to stop. */
function target(own: string) {
  const obeyed: ControlCommand[] = [];
  return {
    obeyed,
    answer: (incarnation: string, command: ControlCommand): ControlAnswer => {
      if (incarnation !== own) return { kind: 'replaced' };
      if (command.kind === 'stop') return { kind: 'refused', reason: 'It still serves 4 shards.' };
      obeyed.push(command);
      return { kind: 'done', status: STATUS };
    },
  };
}

describe('commands over NATS', () => {
  test('a node obeys each command that is meant for its incarnation, and tells how it is', async (t) => {
    const server = await startNatsServer(t);
    const a = await natsNode(t, server.url, 'a');
    const b = await natsNode(t, server.url, 'b');
    const obeying = target('b.1');
    b.control.serve(obeying);
    await b.listening();
    const commands: ControlCommand[] = [
      { kind: 'status' },
      { kind: 'drain' },
      { kind: 'uncordon' },
      { kind: 'dismiss', incarnation: 'c.1' },
    ];
    for (const command of commands)
      deepEqual(await a.control.ask('b', 'b.1', command, 5_000), { kind: 'done', status: STATUS });
    deepEqual(obeying.obeyed, commands);
    const refused = await a.control.ask('b', 'b.1', { kind: 'stop' }, 5_000);
    deepEqual(refused, { kind: 'refused', reason: 'It still serves 4 shards.' });
    deepEqual(await a.control.ask('b', 'b.0', { kind: 'drain' }, 5_000), { kind: 'replaced' });
    equal(obeying.obeyed.length, commands.length);
  });

  test('of two processes of one name the one that is meant obeys; nobody of that name is silent', async (t) => {
    const server = await startNatsServer(t);
    const a = await natsNode(t, server.url, 'a');
    const both = [target('b.1'), target('b.2')];
    for (const each of both) {
      const b = await natsNode(t, server.url, 'b');
      b.control.serve(each);
      await b.listening();
    }
    for (const own of ['b.1', 'b.2']) {
      const answer = await a.control.ask('b', own, { kind: 'drain' }, 5_000);
      equal(answer === 'silent' ? answer : answer.kind, 'done');
    }
    deepEqual(
      both.map(({ obeyed }) => obeyed.length),
      [1, 1],
    );
    equal(await a.control.ask('nobody', 'x', { kind: 'status' }, 5_000), 'silent');
    await a.close();
    equal(await a.control.ask('b', 'b.1', { kind: 'drain' }, 5_000), 'silent');
  });
});
