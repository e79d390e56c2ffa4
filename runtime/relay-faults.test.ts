import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { WatchRequestSchema } from '../proto/gen/starling/test/v1/script_pb.ts';
import { StarlingError } from './errors.ts';
import type { ServerStream } from './service.ts';
import { keyOn, scripted, settle } from './testing/index.ts';
import { Line, RelayNodes, relayed, say } from './testing/relay-nodes.ts';

describe('when the node of the actor', () => {
  it('dies, the stream ends within seconds, as one that may be opened again', async () => {
    const { opened, two } = relayed();
    const line = await opened();
    two.silence('n1');
    await two.clock.advance(4000);
    assert.equal(line.closed, false, 'a short silence is borne');
    await two.clock.advance(2000);
    assert.equal(line.outcome, 'NOT_OWNER');
    assert.notEqual(line.error?.retryAfterMs, undefined);
  });

  it('dies when it has taken the stream late, and said nothing, the stream ends too', async () => {
    const { open, two } = relayed({ callRetriesMax: 0 });
    let fate: 'carried' | 'lost' = 'lost';
    two.network.decide((from) => (from === 'n1' ? 'lost' : fate));
    const line = open();
    await two.clock.advance(700);
    fate = 'carried';
    await two.clock.advance(200);
    assert.deepEqual(two.node(1).stats().relayed, { out: 0, in: 1 });
    await two.clock.advance(10_000);
    assert.equal(line.outcome, 'NOT_OWNER');
    assert.deepEqual(two.node(0).stats().relayed, { out: 0, in: 0 });
  });

  it('is silent for a while, nothing is missing afterwards', async () => {
    const { opened, two, actors } = relayed();
    const line = await opened();
    say(actors(), 'before');
    await settle();
    two.silence('n1');
    say(actors(), 'during');
    await two.clock.advance(4000);
    two.network.decide(() => 'carried');
    say(actors(), 'after');
    await two.clock.advance(1000);
    assert.deepEqual(line.frames, ['before', 'during', 'after']);
    assert.equal(line.closed, false);
  });

  it('is silent for too long, both sides end the stream, and none goes on with a hole', async () => {
    const { opened, two, actors, left } = relayed();
    const line = await opened();
    // Its batches arrive, the answers do not: so it is the first to give up.
    two.network.decide((from) => (from === 'n1' ? 'answer_lost' : 'carried'));
    say(actors(), 'one');
    await two.clock.advance(6000);
    assert.deepEqual(left, [0]);
    assert.equal(actors().closed, true);
    two.network.decide(() => 'carried');
    await two.clock.advance(6000);
    assert.deepEqual(line.frames, ['one']);
    assert.equal(line.outcome, 'NOT_OWNER');
  });

  it('goes on after the other one gave it up, it is told so, and begins a new link', async () => {
    const { opened, open, two, actors, left } = relayed({ relaySilentMs: 5000 });
    const line = await opened();
    let fate: 'carried' | 'lost' = 'lost';
    // Only what the gateway takes is lost: it gives up by silence.
    two.network.decide((from) => (from === 'n1' ? fate : 'carried'));
    await two.clock.advance(4900);
    const held = two.sent.filter(({ from }) => from === 'n1').at(-1);
    await two.clock.advance(1000);
    assert.equal(line.outcome, 'NOT_OWNER');
    fate = 'carried';
    assert.ok(held !== undefined);
    await two.again(held);
    const again = open();
    await two.clock.advance(1000);
    assert.deepEqual(left, [0]);
    say(actors(1), 'anew');
    await two.clock.advance(1000);
    assert.deepEqual(again.frames, ['anew']);
    assert.equal(again.closed, false);
  });

  it('is started anew, streams of its former run end, and new ones are its own', async () => {
    const { opened, open, two, actors } = relayed();
    const line = await opened();
    two.start(1);
    const other = open();
    await settle();
    say(actors(1), 'new run');
    await settle();
    assert.deepEqual(other.frames, ['new run']);
    await two.clock.advance(6000);
    assert.equal(line.outcome, 'NOT_OWNER');
    assert.equal(other.closed, false);
  });

  it('is fenced, its actors end their streams at once', async () => {
    const { opened, two, type, key } = relayed();
    const line = await opened();
    two.owners[1]?.fence();
    await two
      .node(1)
      .client(type, key)
      .run({ text: 'x' }, { timeoutMs: 100 })
      .catch(() => {});
    await two.clock.advance(1000);
    assert.equal(two.node(1).stats().activations, 0);
    await two.clock.advance(6000);
    assert.notEqual(line.outcome, undefined);
  });
});

describe('when the node of the client', () => {
  it('dies, the actor hears that the client is gone', async () => {
    const { opened, two, left } = relayed();
    await opened();
    two.silence('n0');
    await two.clock.advance(4000);
    assert.deepEqual(left, []);
    await two.clock.advance(3000);
    assert.deepEqual(left, [0]);
  });

  it('is started anew, the actor hears so with its next frame', async () => {
    const { opened, two, left, actors, open } = relayed();
    await opened();
    two.start(0);
    say(actors(), 'for nobody');
    await two.clock.advance(200);
    assert.deepEqual(left, [0]);
    const line = open();
    await settle();
    say(actors(1), 'hello');
    await settle();
    assert.deepEqual(line.frames, ['hello']);
  });

  it('stops, its clients are told to come again', async () => {
    const { opened, two, left } = relayed();
    const line = await opened();
    const stopping = two.node(0).stop(1000);
    await two.clock.advance(2000);
    await stopping;
    assert.equal(line.outcome, 'SHUTTING_DOWN');
    assert.deepEqual(left, [0]);
  });
});

describe('while a shard moves', () => {
  it('a stream is opened at the new owner', async () => {
    const { open, actors, two, type, key, via } = relayed();
    const { shard } = two.node(1).place(type, key);
    two.owners[1]?.lose(shard);
    two.node(1).shardLost(shard);
    const line = open();
    await two.clock.advance(100);
    assert.equal(line.closed, false);
    two.owners[0]?.regain(shard);
    two.network.moveShard(shard, 'n0');
    await two.clock.advance(1000);
    say(actors(), 'here now');
    await settle();
    assert.deepEqual(line.frames, ['here now']);
    assert.deepEqual(via, [], 'it is not relayed any more');
  });

  it('a stream that nobody takes ends by its deadline, as one that may be opened again', async () => {
    const { open, two, type, key } = relayed();
    const { shard } = two.node(1).place(type, key);
    two.owners[1]?.lose(shard);
    const line = open();
    await two.clock.advance(10_000);
    assert.equal(line.outcome, 'NOT_OWNER');
    assert.notEqual(line.error?.retryAfterMs, undefined);
  });

  it('a stream that its actor had not begun goes to the new owner, here and elsewhere', async () => {
    for (const node of [0, 1]) {
      const { open, actors, two, type, key } = relayed();
      const { shard } = two.node(1).place(type, key);
      two.owners[1]?.hold();
      const line = open(node);
      await settle();
      // Its activation is being opened, and ends before the stream has had its turn.
      two.owners[1]?.lose(shard);
      two.node(1).shardLost(shard);
      two.owners[0]?.regain(shard);
      two.network.moveShard(shard, 'n0');
      await two.clock.advance(1000);
      say(actors(), 'found');
      await two.clock.advance(100);
      assert.deepEqual(line.frames, ['found'], `opened at n${node}`);
    }
  });

  it('a stream that has begun ends with what its actor said last', async () => {
    const said: ServerStream[] = [];
    const { type, definition } = scripted({
      watch: (_text, stream, turn) => {
        said.push(stream);
        turn.keepAwake();
      },
      closed: () => {
        for (const stream of said) {
          say(stream, 'moving');
          stream.end(new StarlingError('NOT_OWNER'));
        }
      },
    });
    const two = new RelayNodes([definition]);
    const key = keyOn(type, 1);
    const line = new Line();
    two.node(0).open(type, key, 'watch', create(WatchRequestSchema), line);
    await settle();
    const { shard } = two.node(1).place(type, key);
    const draining = two.node(1).drainShard(shard, 1000);
    await two.clock.advance(1000);
    await draining;
    assert.deepEqual(line.frames, ['moving']);
    assert.equal(line.outcome, 'NOT_OWNER');
  });
});
