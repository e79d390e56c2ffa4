import { deepEqual, equal, ok, throws } from 'node:assert/strict';
import { test } from 'node:test';
import type { Failure } from './failures.ts';
import { stripePartition } from './partition.ts';
import type { Bound } from './session.ts';
import { type Op, Writer } from './writer.ts';

const op = (name: string, stripe = 0, bytes = 100): Op => ({
  query: name,
  params: [],
  bytes,
  partition: stripePartition(stripe, 0),
});

const tooLarge: Failure = {
  fate: 'refused',
  repeat: false,
  code: 'PAYLOAD_TOO_LARGE',
  detail: 'Batch too large',
};
const away: Failure = { fate: 'not_done', repeat: true, code: 'OVERLOADED', detail: 'away' };
const timeOut: Failure = { fate: 'unknown', repeat: true, code: 'OUTCOME_UNKNOWN', detail: 'time-out' };

/** Records requests; `answer` says what becomes of one. */
function recording(answer: (names: readonly string[]) => Failure | undefined | Promise<undefined>) {
  const requests: string[][] = [];
  const writer = new Writer(async (bounds: readonly Bound[]) => {
    const names = bounds.map(({ query }) => query);
    requests.push(names);
    return answer(names);
  });
  const write = (...ops: readonly Op[]): Promise<Failure | undefined> =>
    new Promise((resolve) => writer.write(ops, resolve));
  return { writer, requests, write };
}

test('G2: what is handed over at once shares a request for each partition', async () => {
  const { requests, write } = recording(() => undefined);
  await Promise.all([write(op('a')), write(op('b', 1)), write(op('c')), write(op('d', 1))]);
  deepEqual(requests, [
    ['a', 'c'],
    ['b', 'd'],
  ]);
});

test('G2: one request of a partition is under way; what arrives meanwhile goes with the next', async () => {
  const { promise, resolve } = Promise.withResolvers<undefined>();
  const { requests, write } = recording((names) => (names.includes('a') ? promise : undefined));
  const first = write(op('a'));
  await write(op('x', 1));
  const later = [write(op('b')), write(op('c'))];
  await write(op('y', 1));
  deepEqual(requests, [['a'], ['x'], ['y']]);
  resolve(undefined);
  await Promise.all([first, ...later]);
  deepEqual(requests.at(-1), ['b', 'c']);
});

test('G2: where enough requests are under way, a further one is sent when it is full, or when one of them ends', async () => {
  const { promise, resolve } = Promise.withResolvers<undefined>();
  const { requests, write } = recording((names) => (names.includes('first') ? promise : undefined));
  const first = Array.from({ length: 16 }, (_, stripe) => write(op('first', stripe)));
  await write(op('full', 99, 200_000));
  const late = [write(op('a', 77)), write(op('b', 77))];
  await write(op('full', 98, 200_000));
  const names = requests.flat();
  equal(names.filter((name) => name === 'full').length, 2);
  ok(!names.includes('a'));
  resolve(undefined);
  await Promise.all([...first, ...late]);
  deepEqual(requests.at(-1), ['a', 'b']);
});

test('a request is bounded by bytes, and what is larger alone goes alone', async () => {
  const { requests, write } = recording(() => undefined);
  await Promise.all([write(op('a', 0, 30_000)), write(op('big', 0, 900_000)), write(op('b', 0, 30_000))]);
  deepEqual(requests, [['a'], ['big'], ['b']]);
});

test('G3: a write that is refused fails alone, those beside it are done', async () => {
  const { requests, write } = recording((names) => (names.includes('poison') ? tooLarge : undefined));
  const names = ['a', 'b', 'poison', 'c', 'd'];
  const failures = await Promise.all(names.map((name) => write(op(name))));
  deepEqual(
    failures.map((failure) => failure?.code),
    [undefined, undefined, 'PAYLOAD_TOO_LARGE', undefined, undefined],
  );
  deepEqual(requests[0], names);
  ok(requests.slice(1).some((request) => request.length > 1));
});

test('G4: after a refusal for size requests stay below that size', async () => {
  const { writer, requests, write } = recording((names) => (names.length > 20 ? tooLarge : undefined));
  const burst = (): Promise<unknown> =>
    Promise.all(Array.from({ length: 100 }, (_, at) => write(op(`${at}`, 0, 400))));
  await burst();
  const learned = writer.batchBytes;
  ok(learned <= 20 * 400, `${learned} bytes`);
  requests.length = 0;
  deepEqual(await burst(), new Array(100).fill(undefined));
  ok(
    requests.every((request) => request.length <= 20),
    `${requests.map((request) => request.length)}`,
  );
});

test('G3, G5: of a unit that is halved a refused rest leaves the whole unknown', async () => {
  const { write } = recording((names) => (names.includes('poison') ? tooLarge : undefined));
  equal((await write(op('a'), op('poison')))?.fate, 'unknown');
  equal((await write(op('poison')))?.fate, 'refused');
});

test('G5: a unit over two partitions is not done only if both were refused', async () => {
  const failures: Record<string, Failure | undefined> = { away, timeOut, done: undefined };
  const { write } = recording(([name = '']) => failures[name]);
  const fate = async (a: string, b: string) => (await write(op(a), op(b, 1)))?.fate;
  equal(await fate('done', 'done'), undefined);
  equal(await fate('away', 'away'), 'not_done');
  equal(await fate('away', 'done'), 'unknown');
  equal(await fate('timeOut', 'away'), 'unknown');
  equal(await fate('done', 'timeOut'), 'unknown');
});

test('more writes than the bound are refused at once and leave room for others later', async () => {
  const { promise, resolve } = Promise.withResolvers<undefined>();
  const { writer, write } = recording(() => promise);
  const huge = op('a', 0, 300 * 1024 * 1024);
  throws(() => writer.write([huge], () => {}), { code: 'OVERLOADED' });
  const many = Array.from({ length: 100_000 }, () => op('b'));
  const all = write(...many);
  throws(() => writer.write([op('c')], () => {}), { code: 'OVERLOADED' });
  resolve(undefined);
  equal(await all, undefined);
  equal(await write(op('c')), undefined);
});

test('a sender that throws leaves its writes unknown and holds up nothing', async () => {
  const { write } = recording(([name]) => {
    if (name === 'a') throw new Error('defect');
    return undefined;
  });
  equal((await write(op('a')))?.fate, 'unknown');
  equal(await write(op('b')), undefined);
});
