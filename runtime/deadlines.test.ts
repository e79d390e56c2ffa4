import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { RunRequestSchema } from '../proto/gen/starling/test/v1/script_pb.ts';
import { methodOf } from './actor-type.ts';
import { Call, type CallSink } from './call.ts';
import { Deadlines } from './deadlines.ts';
import { SimClock, scripted } from './testing/index.ts';

const { type } = scripted();

function setUp() {
  const clock = new SimClock();
  const deadlines = new Deadlines(clock, 50);
  const ended: string[] = [];
  const start = (name: string, deadline: number, then: () => void = () => {}): Call => {
    const sink: CallSink = {
      resolve: () => {},
      reject: (error) => {
        ended.push(`${name} ${error.code} ${clock.monotonic()}`);
        then();
      },
    };
    const request = create(RunRequestSchema);
    const call = new Call({ type, key: name, method: methodOf(type, 'run'), request, deadline, sink });
    deadlines.watch(call);
    return call;
  };
  return { clock, deadlines, ended, start };
}

describe('deadlines', () => {
  it('end a call at most one step late and never early', () => {
    const { clock, ended, start } = setUp();
    start('a', 60);
    start('b', 100);
    start('c', 101);
    clock.advanceSync(99);
    assert.deepEqual(ended, []);
    clock.advanceSync(1);
    assert.deepEqual(ended, ['a DEADLINE_EXCEEDED 100', 'b DEADLINE_EXCEEDED 100']);
    clock.advanceSync(50);
    assert.equal(ended.at(-1), 'c DEADLINE_EXCEEDED 150');
  });

  it('leave no timer behind when every call is answered', () => {
    const { clock, deadlines, start } = setUp();
    for (const name of ['a', 'b']) deadlines.done(start(name, 1000));
    clock.advanceSync(50);
    assert.equal(clock.pending, 0);
  });

  it('keep to one timer when the end of a call starts another', () => {
    const { clock, ended, start } = setUp();
    start('other', 10_000);
    const again = (n: number): void => {
      start(`again ${n}`, clock.monotonic() + 40, () => again(n + 1));
    };
    again(0);
    clock.advanceSync(1000);
    assert.equal(clock.pending, 1);
    assert.ok(ended.length > 5);
  });
});
