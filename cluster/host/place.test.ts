import { deepEqual, equal, rejects } from 'node:assert/strict';
import { describe, test } from 'node:test';
import { StarlingError } from '../../runtime/index.ts';
import { settle } from '../../runtime/testing/index.ts';
import { ModelTable } from '../ownership/testing/model-table.ts';
import { HostTable } from './index.ts';

type Life = 'live' | 'fenced';

/** A process `a` whose host answers when a test says so. */
async function setUp() {
  const store = new ModelTable();
  await store.markLive('a');
  const asked: PromiseWithResolvers<Life>[] = [];
  const readLife = (): Promise<Life> => {
    const answer = Promise.withResolvers<Life>();
    asked.push(answer);
    return answer.promise;
  };
  const reads = (): number => store.calls.filter((call) => call.startsWith('life')).length;
  return { store, asked, reads, table: new HostTable(store, 'a', { readLife }) };
}

const unknown = (): StarlingError => new StarlingError('OUTCOME_UNKNOWN');

describe('the fence of a process that shares a host', () => {
  test('is read by the host; that of anybody else by the process', async () => {
    const { table, asked, reads } = await setUp();
    const own = table.readLife('a');
    equal(await table.readLife('b'), 'fenced');
    asked[0]?.resolve('live');
    equal(await own, 'live');
    deepEqual([asked.length, reads()], [1, 1]);
  });
  test('P2: is read by the process where the host has no answer, so it learns that it was fenced', async () => {
    const { store, table, asked } = await setUp();
    const own = table.readLife('a');
    await store.fence('a');
    asked[0]?.reject(unknown());
    equal(await own, 'fenced');
  });
  test('P2: a host without an answer is waited for no more, asked one question at a time, and used again once it answers', async () => {
    const { table, asked, reads } = await setUp();
    const first = table.readLife('a');
    asked[0]?.reject(unknown());
    equal(await first, 'live');
    for (let n = 0; n < 3; n++) equal(await table.readLife('a'), 'live');
    deepEqual([asked.length, reads()], [2, 4]);
    asked[1]?.reject(unknown());
    await settle();
    equal(await table.readLife('a'), 'live');
    asked[2]?.resolve('live');
    await settle();
    const last = table.readLife('a');
    asked[3]?.resolve('live');
    equal(await last, 'live');
    deepEqual([asked.length, reads()], [4, 5]);
  });
  test('P1: an answer of the host to an earlier question is none to a later one', async () => {
    const { store, table, asked } = await setUp();
    const first = table.readLife('a');
    asked[0]?.reject(unknown());
    equal(await first, 'live');
    equal(await table.readLife('a'), 'live');
    await store.fence('a');
    const later = table.readLife('a');
    asked[1]?.resolve('live');
    equal(await later, 'fenced');
  });
  test('a read that neither can make is no answer', async () => {
    const { store, table, asked } = await setUp();
    store.faultOf = () => 'lost';
    const own = table.readLife('a');
    asked[0]?.reject(unknown());
    await rejects(own, { code: 'OUTCOME_UNKNOWN' });
  });
});
