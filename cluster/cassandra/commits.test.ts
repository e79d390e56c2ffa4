import { deepEqual, rejects } from 'node:assert/strict';
import { test } from 'node:test';
import { Commits } from './commits.ts';
import type { Failure } from './failures.ts';
import { stripePartition } from './partition.ts';
import type { Op } from './writer.ts';

const op = (name: string): Op => ({ query: name, params: [], bytes: 1, partition: stripePartition(0, 0) });
const away: Failure = { fate: 'not_done', repeat: true, code: 'OVERLOADED', detail: 'away' };

/** Holds every write until it is answered. */
function held() {
  const written: string[] = [];
  const answers: ((failure?: Failure) => void)[] = [];
  const commits = new Commits({
    write: ([first], settle) => {
      written.push(first?.query ?? '');
      answers.push(settle);
    },
  });
  const commit = (id: string, rest: string, mark?: string): Promise<void> =>
    commits.run(
      { kind: 'user', key: id, shard: 0 },
      { marks: mark === undefined ? [] : [op(mark)], rest: [op(rest)] },
    );
  return { written, commits, commit, answer: (failure?: Failure) => answers.shift()?.(failure) };
}

test('D1: the second commit of an actor is sent when the first is known, that of another at once', async () => {
  const { written, commit, answer } = held();
  const first = commit('a', 'a1');
  const second = commit('a', 'a2');
  commit('b', 'b1');
  deepEqual(written, ['a1', 'b1']);
  answer(away);
  await rejects(first, { code: 'OVERLOADED' });
  deepEqual(written, ['a1', 'b1', 'a2']);
  answer();
  answer();
  await second;
});

test('S4: rows are sent when their marks are durable, and not at all when those were refused', async () => {
  const { written, commit, answer } = held();
  const done = commit('a', 'rows', 'mark');
  deepEqual(written, ['mark']);
  answer();
  deepEqual(written, ['mark', 'rows']);
  answer();
  await done;
  const refused = commit('a', 'rows', 'mark');
  answer(away);
  await rejects(refused, { code: 'OVERLOADED' });
  deepEqual(written, ['mark', 'rows', 'mark']);
});

test('D2: a commit whose marks are written is unknown when its rows are refused', async () => {
  const { commit, answer } = held();
  const done = commit('a', 'rows', 'mark');
  answer();
  answer(away);
  await rejects(done, { code: 'OUTCOME_UNKNOWN' });
});

test('closing waits for what is under way and for what waits behind it', async () => {
  const { commits, commit, answer } = held();
  const order: string[] = [];
  const all = [commit('a', '1'), commit('a', '2')].map((one, at) => one.then(() => order.push(`${at}`)));
  const idle = commits.idle().then(() => order.push('idle'));
  answer();
  answer();
  await Promise.all([...all, idle]);
  deepEqual(order, ['0', '1', 'idle']);
  await commits.idle();
});
