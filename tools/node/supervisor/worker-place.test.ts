import { deepEqual, equal, rejects } from 'node:assert/strict';
import { describe, test } from 'node:test';
import { hostLimits } from '../../../cluster/host/index.ts';
import { StarlingError } from '../../../runtime/index.ts';
import { SimClock } from '../../../runtime/testing/index.ts';
import { type FromWorker, fromWorker, type ToWorker, toWorker } from './messages.ts';
import { WorkerPlace } from './worker-place.ts';

const start: Extract<ToWorker, { readonly kind: 'start' }> = {
  kind: 'start',
  host: 'h',
  sockets: { 'h-w1': '/tmp/w1', 'h-w2': '/tmp/w2' },
  // What it does not look at.
  config: {} as never,
};

function placed() {
  const said: FromWorker[] = [];
  const clock = new SimClock();
  const limits = { ...hostLimits, fenceAsksMax: 3, fenceMs: 1_000 };
  const place = new WorkerPlace({ start, clock, limits, send: (message) => said.push(message) });
  return { said, clock, place };
}

const code = (wanted: string) => (error: unknown) => error instanceof StarlingError && error.code === wanted;

describe('the place of a worker on its host', () => {
  test('knows the host and where its siblings listen, and waits until its incarnation was noted', async () => {
    const { place, said } = placed();
    equal(place.host, 'h');
    equal(place.sockets.get('h-w2'), '/tmp/w2');
    let isNoted = false;
    const begun = place.begun('h-w1.1').then(() => {
      isNoted = true;
    });
    await Promise.resolve();
    deepEqual([said, isNoted], [[{ kind: 'begun', incarnation: 'h-w1.1' }], false]);
    place.take({ kind: 'noted' });
    await begun;
  });

  test('W1: each answer is for the request of its number, in any order', async () => {
    const { place } = placed();
    const answers = [place.readLife('a'), place.readLife('a'), place.readLife('a')];
    place.take({ kind: 'life', id: 2, life: 'fenced' });
    place.take({ kind: 'life', id: 0, life: 'live' });
    place.take({ kind: 'life', id: 1, life: 'unknown' });
    await rejects(answers[1] ?? Promise.resolve(), code('OUTCOME_UNKNOWN'));
    deepEqual([await answers[0], await answers[2]], ['live', 'fenced']);
  });

  test('W1: an answer that comes too late, or to nobody, is for nobody', async () => {
    const { place, clock } = placed();
    const late = rejects(place.readLife('a'), code('OUTCOME_UNKNOWN'));
    await clock.advance(1_000);
    await late;
    place.take({ kind: 'life', id: 0, life: 'live' });
    place.take({ kind: 'life', id: 99, life: 'live' });
    const next = place.readLife('a');
    place.take({ kind: 'life', id: 1, life: 'fenced' });
    equal(await next, 'fenced');
  });

  test('W2: a supervisor that does not answer is asked no more than so often, and again once it does', async () => {
    const { place, clock, said } = placed();
    const asked = [1, 2, 3].map(() => rejects(place.readLife('a'), code('OUTCOME_UNKNOWN')));
    await clock.advance(1_000);
    await Promise.all(asked);
    await rejects(place.readLife('a'), code('OVERLOADED'));
    equal(said.length, 3);
    place.take({ kind: 'life', id: 0, life: 'live' });
    const again = place.readLife('a');
    place.take({ kind: 'life', id: 3, life: 'live' });
    equal(await again, 'live');
  });

  test('says that others were told only after they were', async () => {
    const { place, said } = placed();
    const told = Promise.withResolvers<void>();
    const heard: string[] = [];
    place.onEnded(async (incarnation, tell) => {
      heard.push(`${incarnation} ${tell}`);
      if (tell) await told.promise;
    });
    place.take({ kind: 'ended', incarnation: 'x', tell: false });
    place.take({ kind: 'ended', incarnation: 'y', tell: true });
    await Promise.resolve();
    deepEqual([heard, said], [['x false', 'y true'], []]);
    told.resolve();
    await new Promise((done) => setImmediate(done));
    deepEqual(said, [{ kind: 'told', incarnation: 'y' }]);
  });
});

describe('what a supervisor and its workers say', () => {
  test('comes out as it went in, and nothing else does', () => {
    const from: FromWorker[] = [
      { kind: 'begun', incarnation: 'a.1' },
      { kind: 'life', id: 1, incarnation: 'a.1' },
      { kind: 'ready', http: 'http://h:1', grpc: 'h:2', hasPage: true },
      { kind: 'told', incarnation: 'a.1' },
      { kind: 'failed', message: 'm', hint: 'h' },
    ];
    const to: ToWorker[] = [
      start,
      { kind: 'noted' },
      { kind: 'life', id: 1, life: 'unknown' },
      { kind: 'ended', incarnation: 'a.1', tell: true },
      { kind: 'stop' },
    ];
    for (const each of from) deepEqual(fromWorker(JSON.parse(JSON.stringify(each))), each);
    for (const each of to) deepEqual(toWorker(JSON.parse(JSON.stringify(each))), each);
    for (const each of [null, 1, 'x', {}, { kind: 'life', id: 'x', life: 'live' }, { kind: 'life', id: 1 }])
      deepEqual([fromWorker(each), toWorker(each)], [undefined, undefined]);
  });
});
