import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { create } from '@bufbuild/protobuf';
import fc from 'fast-check';
import {
  type RunRequest,
  RunRequestSchema,
  RunResponseSchema,
} from '../proto/gen/starling/test/v1/script_pb.ts';
import { methodOf } from './actor-type.ts';
import type { Call } from './call.ts';
import { StarlingError } from './errors.ts';
import { byNode, fanOutLocally, type Refused } from './fan-out.ts';
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

describe('a fan-out in any order of answers, failures and expiry', () => {
  const outcome = fc.constantFrom('taken', 'says', 'fails', 'twice', 'silent');
  const receiver = fc.record({ outcome, order: fc.integer({ min: 0, max: 9 }), now: fc.boolean() });

  it('is done exactly once, and reports each receiver that did not take it exactly once', () => {
    fc.assert(
      fc.property(fc.array(receiver, { maxLength: 12 }), fc.nat(10), (receivers, expiresAt) => {
        const plan = receivers.map((one, i) => ({ ...one, key: `k${i}` }));
        const results: (readonly Refused[])[] = [];
        const expected: string[] = [];
        const act = (call: Call, { key, outcome: how }: (typeof plan)[number]): void => {
          if (how !== 'taken' && how !== 'silent' && call.pending) expected.push(key);
          if (how === 'taken') call.resolve(create(RunResponseSchema));
          if (how === 'says' || how === 'twice') call.resolve(create(RunResponseSchema, { text: 'no' }));
          if (how === 'fails' || how === 'twice') call.reject(new StarlingError('OVERLOADED'));
        };
        const waiting: { readonly call: Call; readonly one: (typeof plan)[number] }[] = [];
        const expire = fanOutLocally({
          type,
          method: methodOf(type, 'run'),
          requests: plan.map(({ key }) => ({ key, request: create(RunRequestSchema) })),
          deadline: 100,
          deliver: (call) => {
            const one = plan.find(({ key }) => key === call.key);
            assert.ok(one !== undefined);
            if (one.now) act(call, one);
            else waiting.push({ call, one });
          },
          done: (refused) => results.push([...refused]),
        });
        waiting.sort((a, b) => a.one.order - b.one.order);
        for (const { call, one } of waiting.slice(0, expiresAt)) act(call, one);
        expected.push(
          ...plan.filter(({ now, outcome: how }) => now && how === 'silent').map(({ key }) => key),
        );
        for (const { call, one } of waiting) if (call.pending) expected.push(one.key);
        expire(new StarlingError('DEADLINE_EXCEEDED'));
        for (const { call, one } of waiting.slice(expiresAt)) act(call, one);
        expire(new StarlingError('DEADLINE_EXCEEDED'));
        assert.equal(results.length, 1);
        assert.deepEqual(results[0]?.map(({ key }) => key).sort(), [...new Set(expected)].sort());
      }),
    );
  });
});

describe('receivers by node', () => {
  it('keep their order, each in one place', () => {
    const receivers = ['a1', 'b1', 'here', 'a2'].map((key) => ({ key, own: {} }));
    const { here, elsewhere } = byNode(receivers, (key) => (key === 'here' ? undefined : key[0]));
    assert.deepEqual(
      [here, ...elsewhere.values()].map((parts) => parts.map(({ key }) => key)),
      [['here'], ['a1', 'a2'], ['b1']],
    );
  });
});
