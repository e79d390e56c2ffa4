import { deepEqual, equal, ok } from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { describe, type TestContext, test } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { WatchRequestSchema } from '../../proto/gen/starling/test/v1/script_pb.ts';
import { createRuntime, type Runtime, type ServerStream } from '../../runtime/index.ts';
import { keyOn, SimOwnership, SimStore, scripted } from '../../runtime/testing/index.ts';
import { Line } from '../../runtime/testing/relay-nodes.ts';
import { startNatsServer } from '../../tools/dev/nats-server.ts';
import { systemClock, systemRandom } from '../clock/index.ts';
import { eventually } from './testing/eventually.ts';
import { natsNode } from './testing/node.ts';

const SHARDS = 4;
const NAMES = ['n0', 'n1'];

/** Two runtimes joined by NATS, and the streams that actors have, by key. */
async function twoNodes(t: TestContext, url: string) {
  const streams = new Map<string, ServerStream>();
  const { type, definition } = scripted({
    watch: (text, stream) => {
      streams.set(text, stream);
      stream.send(Buffer.from('welcome'));
    },
  });
  const make = async (name: string, i: number): Promise<Runtime> => {
    const nats = await natsNode(t, url, name, { process: `${name}-${randomUUID()}` });
    const ownership = new SimOwnership();
    for (let shard = 0; shard < SHARDS; shard++) if (shard % 2 !== i) ownership.lose(shard);
    const directory = { nodeOf: (shard: number) => NAMES[shard % 2] };
    const runtime = createRuntime({
      ...{ node: name, ownership, shards: SHARDS, clock: systemClock(), random: systemRandom() },
      store: new SimStore({ type: 'immediate' }),
      peers: { transport: nats.transport, directory },
      limits: { relaySilentMs: 2_000 },
    });
    runtime.register(definition);
    await nats.listening();
    t.after(() => runtime.stop(100));
    return runtime;
  };
  const nodes = await Promise.all(NAMES.map(make));
  const [gateway] = nodes;
  ok(gateway !== undefined);
  const key = keyOn(type, 1);
  const open = (name: string): Line => {
    const line = new Line();
    gateway.open(type, key, 'watch', create(WatchRequestSchema, { text: name }), line);
    return line;
  };
  return { gateway, streams, open };
}

describe('streams that are relayed over NATS', () => {
  test('bring every frame once and in order, to many clients at a time', async (t) => {
    const { url } = await startNatsServer(t);
    const { streams, open, gateway } = await twoNodes(t, url);
    const lines = Array.from({ length: 100 }, (_, n) => open(`client ${n}`));
    await eventually('all are open', () => lines.every(({ frames }) => frames.length === 1));
    const sent = Array.from({ length: 200 }, (_, n) => `frame ${n}`);
    for (const text of sent) for (const stream of streams.values()) stream.send(Buffer.from(text));
    await eventually('all have all', () => lines.every(({ frames }) => frames.length === 1 + sent.length));
    for (const { frames } of lines) deepEqual(frames, ['welcome', ...sent]);
    for (const line of lines) line.leave();
    await eventually('the actors know that they left', () =>
      [...streams.values()].every(({ closed }) => closed),
    );
    equal(gateway.stats().relayed.out, 0);
  });

  test('end on both sides when the server is gone for long, and are opened again when it is back', async (t) => {
    const server = await startNatsServer(t);
    const { streams, open } = await twoNodes(t, server.url);
    const line = open('first');
    await eventually('it is open', () => line.frames.length === 1);
    await server.signal('SIGKILL');
    await eventually('both sides have ended it', () => line.closed && streams.get('first')?.closed === true);
    equal(line.outcome, 'NOT_OWNER');
    await server.restart();
    let again = open('again');
    await eventually('it is open again', () => {
      if (again.closed) again = open('again');
      return again.frames.length === 1;
    });
  });
});
