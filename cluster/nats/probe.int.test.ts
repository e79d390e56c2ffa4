import { deepEqual, equal } from 'node:assert/strict';
import { describe, test } from 'node:test';
import { startNatsServer } from '../../tools/dev/nats-server.ts';
import type { ProbeAnswer } from '../membership/index.ts';
import { eventually } from './testing/eventually.ts';
import { natsNode } from './testing/node.ts';

/** A member that is one incarnation, in one state. */
function member(own: string, state: ProbeAnswer) {
  const handed: number[][] = [];
  return {
    all: handed,
    answerProbe: (incarnation: string): ProbeAnswer => (incarnation === own ? state : 'replaced'),
    handed: (shards: readonly number[]): void => {
      handed.push([...shards]);
    },
  };
}

describe('direct questions over NATS', () => {
  test('a node answers for its incarnation, and says when another one was asked for', async (t) => {
    const server = await startNatsServer(t);
    const a = await natsNode(t, server.url, 'a');
    const b = await natsNode(t, server.url, 'b');
    b.probe.serve(member('b1', 'unwell'));
    await b.listening();
    equal(await a.probe.ask('b', 'b1', 5_000), 'unwell');
    equal(await a.probe.ask('b', 'b0', 5_000), 'replaced');
    equal(await a.probe.ask('nobody', 'x', 5_000), 'silent');
  });

  test('of two processes of one name, the one that is asked for is heard', async (t) => {
    const server = await startNatsServer(t);
    const a = await natsNode(t, server.url, 'a');
    for (const own of ['b1', 'b2', 'b3']) {
      const b = await natsNode(t, server.url, 'b');
      b.probe.serve(member(own, 'well'));
      await b.listening();
    }
    for (const own of ['b1', 'b2', 'b3']) equal(await a.probe.ask('b', own, 5_000), 'well');
  });

  test('who does not answer in time, or can not be asked, is silent', async (t) => {
    const server = await startNatsServer(t);
    const a = await natsNode(t, server.url, 'a');
    await server.signal('SIGSTOP');
    equal(await a.probe.ask('a', 'a1', 50), 'silent');
    await server.signal('SIGKILL');
    equal(await a.probe.ask('a', 'a1', 50), 'silent');
    a.probe.nudge('a', [1]);
  });

  test('a nudge names the shards', async (t) => {
    const server = await startNatsServer(t);
    const a = await natsNode(t, server.url, 'a');
    const b = await natsNode(t, server.url, 'b');
    const target = member('b1', 'well');
    b.probe.serve(target);
    await b.listening();
    a.probe.nudge('b', [3, 4_095]);
    await eventually('it is told', () => target.all.length === 1);
    deepEqual(target.all, [[3, 4_095]]);
  });
});
