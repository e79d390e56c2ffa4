import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { type RunResponse, RunResponseSchema } from '../proto/gen/starling/test/v1/script_pb.ts';
import { invalidRequest, type StarlingError } from './errors.ts';
import type { Interceptor } from './interceptor.ts';
import { codeOf, keyOn, scripted, settle, twoNodes } from './testing/index.ts';
import type { Turn } from './turn.ts';

/** A text that has no encoding: the defect of an author who went around the types. */
const broken = {
  toString: () => {
    throw new Error('This is no text.');
  },
} as unknown as string;

describe('between nodes', () => {
  it('a request that can not be encoded is a failed call, and leaves the actor that asks alone', async () => {
    const target = scripted({ kind: 'target', rank: 20 });
    const asked: string[] = [];
    const source = scripted({
      kind: 'source',
      run: (text, turn) => {
        turn.append(text);
        turn.ask(target.type, keyOn(target.type, 1)).run({ text: broken }, (outcome) => {
          asked.push(outcome.ok ? 'OK' : outcome.error.code);
        });
        return text;
      },
    });
    const two = twoNodes([target.definition, source.definition]);
    const client = two.nodes[0].client(source.type, keyOn(source.type, 0));
    assert.equal((await client.run({ text: 'a' })).text, 'a');
    await two.clock.advance(100);
    assert.deepEqual(asked, ['INTERNAL']);
    assert.equal(two.nodes[0].metrics.ended.size, 0);
  });

  it('a fan-out that can not be encoded is refused for all of its receivers elsewhere, once', async () => {
    const target = scripted({ kind: 'target', rank: 20 });
    const results: string[][] = [];
    const source = scripted({
      kind: 'source',
      run: (text, turn) => {
        turn.append(text);
        const { input } = target.type.contract.method.run;
        const shared = create(input, { text: text === 'shared' ? broken : 'x' });
        const own = text === 'own' ? { text: broken } : {};
        const receivers = [{ key: keyOn(target.type, 1), own }];
        turn.fanOut(target.type, target.type.contract.method.run, shared, receivers, (refused) => {
          results.push(refused.map(({ outcome }) => (outcome.ok ? 'OK' : outcome.error.code)));
        });
        return text;
      },
    });
    const two = twoNodes([target.definition, source.definition]);
    const client = two.nodes[0].client(source.type, keyOn(source.type, 0));
    for (const text of ['shared', 'own']) assert.equal((await client.run({ text })).text, text);
    await two.clock.advance(100);
    assert.deepEqual(results, [['INTERNAL'], ['INTERNAL']]);
  });

  it('an answer that can not be encoded is an error, told at once', async () => {
    const { type, definition } = scripted({
      run: (text, turn: Turn) => {
        turn.append(text);
        const later = turn.defer<RunResponse>();
        later.resolve(create(RunResponseSchema, { text: broken }));
        return later;
      },
    });
    const two = twoNodes([definition]);
    const answer = codeOf(two.nodes[0].client(type, keyOn(type, 1)).run({ text: 'a' }));
    await settle();
    assert.equal(await answer, 'INTERNAL');
    assert.equal(two.nodes[1].metrics.ended.size, 0, 'and its actor goes on');
  });

  it('an answer that can not be decoded has an unknown outcome', async () => {
    const { type, definition } = scripted();
    const two = twoNodes([definition]);
    two.network.transportOf('n1').serve(async () => Uint8Array.of(255, 255, 255));
    const answer = codeOf(two.nodes[0].client(type, keyOn(type, 1)).run({ text: 'a' }));
    await settle();
    assert.equal(await answer, 'OUTCOME_UNKNOWN');
  });

  it('an envelope that can not be decoded is answered as malformed', async () => {
    const two = twoNodes([scripted().definition]);
    const reply = await two.network.transportOf('n0').request('n1', Uint8Array.of(255, 255, 255), 1000);
    assert.match(Buffer.from(reply).toString(), /MALFORMED/);
  });

  it('a refusal says the same of a request, wherever it comes from', async () => {
    const { type, definition } = scripted({
      run: () => {
        throw invalidRequest('text', 'must be longer');
      },
    });
    const two = twoNodes([definition]);
    for (const node of [0, 1] as const) {
      await assert.rejects(
        two.nodes[0].client(type, keyOn(type, node)).run({ text: '' }),
        (error: StarlingError) => {
          assert.equal(error.code, 'INVALID_REQUEST');
          assert.deepEqual(
            error.violations.map(({ field, description }) => [field, description]),
            [['text', 'must be longer']],
          );
          return true;
        },
      );
    }
  });

  it('a fan-out names its sender to the interceptors of its receivers', async () => {
    const target = scripted({ kind: 'target', rank: 20 });
    const source = scripted({
      kind: 'source',
      run: (text, turn) => {
        const { input } = target.type.contract.method.run;
        const receivers = ([0, 1] as const).map((node) => ({ key: keyOn(target.type, node), own: {} }));
        turn.fanOut(
          target.type,
          target.type.contract.method.run,
          create(input, { text }),
          receivers,
          () => {},
        );
        return text;
      },
    });
    const callers: (string | undefined)[] = [];
    const watched = {
      ...target.definition,
      interceptors: [
        ((invocation, proceed) => {
          callers.push(invocation.caller?.kind);
          return proceed();
        }) satisfies Interceptor,
      ],
    };
    const two = twoNodes([watched, source.definition]);
    await two.nodes[0].client(source.type, keyOn(source.type, 0)).run({ text: 'x' });
    await settle();
    assert.deepEqual(callers, ['source', 'source']);
  });
});
