import { deepEqual, equal, rejects } from 'node:assert/strict';
import { describe, test } from 'node:test';
import { StarlingError } from '../../runtime/index.ts';
import { FenceDoor } from './fence-door.ts';

/** A table of lives whose reads end when a test says so. */
class Lives {
  readonly live = new Set(['a', 'b', 'c']);
  readonly reads: { readonly of: readonly string[]; end(error?: Error): Promise<void> }[] = [];

  read(of: readonly string[]): Promise<ReadonlySet<string>> {
    const { promise, resolve, reject } = Promise.withResolvers<ReadonlySet<string>>();
    // The answer is that of the moment at which the read began.
    const found = new Set(of.filter((each) => this.live.has(each)));
    this.reads.push({
      of,
      end: async (error) => {
        if (error === undefined) resolve(found);
        else reject(error);
        await new Promise((done) => setImmediate(done));
      },
    });
    return promise;
  }
}

function doorOf(lives: Lives, waitingMax = 16): FenceDoor {
  return new FenceDoor((of) => lives.read(of), waitingMax);
}

describe('fence reads of the processes of a host', () => {
  test('requests that come while a read is under way share the next one, and wait for it', async () => {
    const lives = new Lives();
    const door = doorOf(lives);
    const answers: string[] = [];
    const ask = (who: string): void => void door.ask(who).then((life) => answers.push(`${who} ${life}`));
    ask('a');
    ask('b');
    ask('c');
    ask('b');
    equal(lives.reads.length, 1);
    deepEqual(lives.reads[0]?.of, ['a']);
    await lives.reads[0]?.end();
    deepEqual(answers, ['a live']);
    deepEqual(lives.reads[1]?.of, ['b', 'c']);
    equal(lives.reads.length, 2);
    await lives.reads[1]?.end();
    deepEqual(answers, ['a live', 'b live', 'c live', 'b live']);
    equal(door.reads, 2);
  });

  test('rule 8: a request is not answered by a read that began before it, though that one says live later', async () => {
    const lives = new Lives();
    const door = doorOf(lives);
    const first = door.ask('a');
    // The fence is written after the first read began and before the second request.
    lives.live.delete('a');
    const second = door.ask('a');
    await lives.reads[0]?.end();
    equal(await first, 'live');
    await lives.reads[1]?.end();
    equal(await second, 'fenced');
  });

  test('a mark that was never written is fenced', async () => {
    const lives = new Lives();
    const answer = doorOf(lives).ask('nobody');
    await lives.reads[0]?.end();
    equal(await answer, 'fenced');
  });

  test('a read that fails is no answer for anybody who waited for it, and the next one is made', async () => {
    const lives = new Lives();
    const door = doorOf(lives);
    const first = rejects(door.ask('a'), new StarlingError('OUTCOME_UNKNOWN'));
    const second = door.ask('b');
    await lives.reads[0]?.end(new StarlingError('OUTCOME_UNKNOWN'));
    await first;
    await lives.reads[1]?.end();
    equal(await second, 'live');
  });

  test('more requests than may wait are refused', async () => {
    const lives = new Lives();
    const door = doorOf(lives, 1);
    const first = door.ask('a');
    const second = door.ask('b');
    await rejects(door.ask('c'), (error) => error instanceof StarlingError && error.code === 'OVERLOADED');
    await lives.reads[0]?.end();
    await lives.reads[1]?.end();
    deepEqual(await Promise.all([first, second]), ['live', 'live']);
  });
});
