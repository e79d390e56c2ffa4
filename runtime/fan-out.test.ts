import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { create } from '@bufbuild/protobuf';
import {
  type RunRequest,
  RunRequestSchema,
  RunResponseSchema,
} from '../proto/gen/starling/test/v1/script_pb.ts';
import { methodOf } from './actor-type.ts';
import type { Call } from './call.ts';
import { StarlingError } from './errors.ts';
import { fanOutLocally, type Refused } from './fan-out.ts';
import { scripted } from './testing/index.ts';

const { type } = scripted();

function setUp(keys: readonly string[]) {
  const calls = new Map<string, Call>();
  const results: Refused[][] = [];
  const expire = fanOutLocally({
    type,
    method: methodOf(type, 'run'),
    requests: keys.map((key) => ({ key, request: create(RunRequestSchema, { text: key }) })),
    deadline: 100,
    deliver: (call) => {
      calls.set(call.key, call);
    },
    done: (refused) => results.push(refused),
  });
  const answer = (key: string, text: string): void =>
    calls.get(key)?.resolve(create(RunResponseSchema, { text }));
  return { calls, results, expire, answer };
}

describe('a fan-out', () => {
  it('gives each receiver its own request', () => {
    const { calls } = setUp(['a', 'b']);
    assert.deepEqual(
      [...calls.values()].map((call) => (call.request as RunRequest).text),
      ['a', 'b'],
    );
  });

  it('reports once, when all have answered, those whose answer says something or who failed', () => {
    const { calls, results, answer } = setUp(['a', 'b', 'c']);
    answer('a', '');
    answer('b', 'no');
    assert.equal(results.length, 0);
    calls.get('c')?.reject(new StarlingError('OVERLOADED'));
    assert.equal(results.length, 1);
    const said = results[0]?.map(
      ({ key, outcome }) => `${key} ${outcome.ok ? 'answer' : outcome.error.code}`,
    );
    assert.deepEqual(said, ['b answer', 'c OVERLOADED']);
    answer('a', 'again');
    assert.equal(results.length, 1);
  });

  it('to nobody is over at once', () => {
    assert.deepEqual(setUp([]).results, [[]]);
  });

  it('ends by its deadline: whoever has not answered is reported', () => {
    const { results, expire, answer } = setUp(['a', 'b']);
    answer('a', '');
    expire(new StarlingError('DEADLINE_EXCEEDED'));
    assert.deepEqual(
      results[0]?.map(({ key }) => key),
      ['b'],
    );
  });
});
