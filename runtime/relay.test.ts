import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { WatchRequestSchema } from '../proto/gen/starling/test/v1/script_pb.ts';
import { StarlingError } from './errors.ts';
import { keyOn, SimRandom, scripted, settle } from './testing/index.ts';
import { Line, numbers, RelayNodes, relayed, say } from './testing/relay-nodes.ts';

describe('a relayed stream', () => {
  it('brings what its actor sends, in order, and its end', async () => {
    const { opened, actors, two, via } = relayed();
    const line = await opened();
    assert.deepEqual(via, ['n1']);
    assert.deepEqual(two.node(0).stats().relayed, { out: 1, in: 0 });
    assert.deepEqual(two.node(1).stats().relayed, { out: 0, in: 1 });
    say(actors(), ...numbers(0, 10));
    actors().send(Buffer.from('a '), Buffer.from('piece'));
    await settle();
    say(actors(), 'last');
    actors().end(new StarlingError('REFUSED', 'enough', { metadata: { why: 'so' } }));
    await two.clock.advance(1000);
    assert.deepEqual(line.frames, [...numbers(0, 10), 'a piece', 'last']);
    for (const i of [0, 1]) assert.deepEqual(two.node(i).stats().relayed, { out: 0, in: 0 });
    assert.equal(line.outcome, 'REFUSED');
    assert.match(line.error?.message ?? '', /enough/);
    assert.deepEqual(line.error?.metadata, { why: 'so' });
  });

  it('shares one envelope with the others of its two nodes for all that is sent in one tick', async () => {
    const { open, streams, two } = relayed();
    const lines = Array.from({ length: 50 }, () => open());
    await settle();
    const before = two.sent.length;
    for (const stream of streams) say(stream, 'one', 'two');
    await settle();
    assert.equal(two.sent.length, before + 1);
    for (const line of lines) assert.deepEqual(line.frames, ['one', 'two']);
  });

  it('costs nothing where the actor is served here', async () => {
    const { open, actors, two, via } = relayed();
    const line = open(1);
    await settle();
    say(actors(), 'near');
    await settle();
    assert.deepEqual(line.frames, ['near']);
    assert.equal(two.sent.length, 0);
    assert.deepEqual(via, []);
    assert.equal(two.clock.pending, 0, 'no timer');
  });

  it('brings everything once and in order where envelopes and answers are lost or come twice', async () => {
    for (let seed = 1; seed <= 20; seed++) {
      const { opened, actors, two } = relayed();
      const random = new SimRandom(seed);
      const line = await opened();
      const fates = ['carried', 'lost', 'answer_lost', 'twice'] as const;
      two.network.decide(() => fates[random.below(fates.length)] ?? 'carried');
      for (let n = 0; n < 60; n++) {
        say(actors(), String(n));
        if (random.below(3) === 0) await two.clock.advance(random.below(200));
      }
      two.network.decide(() => 'carried');
      await two.clock.advance(2000);
      assert.equal(line.closed, false, `seed ${seed}`);
      assert.deepEqual(line.frames, numbers(0, 60), `seed ${seed}`);
    }
  });

  it('takes no harm from old envelopes that come again, in any order', async () => {
    const { opened, actors, two, streams } = relayed();
    const line = await opened();
    for (const word of ['a', 'b', 'c']) {
      say(actors(), word);
      await settle();
    }
    for (const envelope of [...two.sent].reverse()) await two.again(envelope);
    say(actors(), 'd');
    await two.clock.advance(1000);
    assert.deepEqual(line.frames, ['a', 'b', 'c', 'd']);
    assert.equal(streams.length, 1, 'it was opened once');
    assert.equal(line.closed, false);
  });

  it('is opened once where the answer to its opening is lost', async () => {
    const { open, actors, two, streams } = relayed();
    let n = 0;
    two.network.decide((from) => (from === 'n0' && n++ === 0 ? 'answer_lost' : 'carried'));
    const line = open();
    await two.clock.advance(500);
    assert.equal(streams.length, 1);
    say(actors(), 'hello');
    await settle();
    assert.deepEqual(line.frames, ['hello']);
  });

  it('is asked for again where the opening itself is lost', async () => {
    const { open, actors, two } = relayed();
    let n = 0;
    two.network.decide(() => (n++ === 0 ? 'lost' : 'carried'));
    const line = open();
    await two.clock.advance(500);
    say(actors(), 'hello');
    await settle();
    assert.deepEqual(line.frames, ['hello']);
  });

  it('that is refused ends with the typed error of the actor, and one that can not be asked for at once', async () => {
    const { type, definition } = scripted({
      watch: () => {
        throw new StarlingError('REFUSED', 'not today');
      },
    });
    const two = new RelayNodes([definition]);
    const key = keyOn(type, 1);
    const refused = new Line();
    two.node(0).open(type, key, 'watch', create(WatchRequestSchema), refused);
    await two.clock.advance(100);
    assert.equal(refused.outcome, 'REFUSED');
    const unreadable = {
      toString: () => {
        throw new Error('This is no text.');
      },
    } as unknown as string;
    const broken = new Line();
    two.node(0).open(type, key, 'watch', create(WatchRequestSchema, { text: unreadable }), broken);
    assert.equal(broken.outcome, 'INTERNAL');
  });

  it('that is lost before it was given anything is opened again, where its actor is then', async () => {
    const { open, actors, two, type, key, left } = relayed();
    const line = open();
    await settle();
    two.silence('n1');
    await two.clock.advance(5500);
    const { shard } = two.node(0).place(type, key);
    two.owners[0]?.regain(shard);
    two.network.moveShard(shard, 'n0');
    await two.clock.advance(1500);
    say(actors(1), 'here');
    assert.deepEqual(line.frames, ['here']);
    assert.deepEqual(left, [0]);
  });
});

describe('what waits for a client', () => {
  it('is counted at the actor, and no more once the client has read it', async () => {
    const { opened, two, actors } = relayed();
    const line = await opened();
    actors().send(Buffer.alloc(1000));
    assert.equal(actors().bufferedBytes, 1000);
    await settle();
    assert.equal(actors().bufferedBytes, 0);
    line.bufferedBytes = 50_000;
    say(actors(), 'x');
    await settle();
    assert.equal(actors().bufferedBytes, 50_000);
    line.bufferedBytes = 0;
    await two.clock.advance(1600);
    assert.equal(actors().bufferedBytes, 0);
    assert.equal(actors().sentBytes, 1008);
  });

  it('has a bound there, beyond which the stream ends on both sides', async () => {
    const { opened, two, actors, left } = relayed({ relayStreamBytesMax: 100_000 });
    const line = await opened();
    line.bufferedBytes = 100_001;
    say(actors(), 'too much');
    await two.clock.advance(100);
    assert.equal(line.outcome, 'OVERLOADED');
    assert.deepEqual(left, [0]);
  });

  it('has a bound here, beyond which the stream ends, and others go on', async () => {
    const { opened, open, two, actors } = relayed({ relayStreamBytesMax: 1000, relaySilentMs: 60_000 });
    const line = await opened();
    const other = open();
    await settle();
    two.silence('n0');
    actors().send(Buffer.alloc(600));
    actors().send(Buffer.alloc(600));
    assert.equal(actors().closed, true);
    say(actors(), 'ignored');
    say(actors(1), 'kept');
    two.network.decide(() => 'carried');
    await two.clock.advance(1000);
    assert.equal(line.outcome, 'OVERLOADED');
    assert.deepEqual(other.frames, ['kept']);
  });

  it('of all streams of a link has a bound too', async () => {
    const { opened, open, two, actors } = relayed({ relayLinkBytesMax: 1000, relaySilentMs: 60_000 });
    const line = await opened();
    const other = open();
    await settle();
    two.silence('n0');
    actors(0).send(Buffer.alloc(600));
    actors(1).send(Buffer.alloc(600));
    two.network.decide(() => 'carried');
    await two.clock.advance(1000);
    assert.equal(line.closed, false);
    assert.equal(other.outcome, 'OVERLOADED');
    actors(0).send(Buffer.alloc(900));
    await settle();
    assert.equal(line.sentBytes, 1507, 'what was taken leaves room');
  });

  it('leaves in batches of bounded size', async () => {
    const { opened, actors, two } = relayed({ relayBatchBytesMax: 1000 });
    const line = await opened();
    const before = two.sent.length;
    for (let i = 0; i < 10; i++) actors().send(Buffer.alloc(400));
    await settle();
    assert.equal(line.frames.length, 10);
    const batches = two.sent.slice(before);
    assert.equal(batches.length, 5);
    for (const { bytes } of batches) assert.ok(bytes.length < 1000);
  });

  it('streams of one pair of nodes have a bound', async () => {
    const { open, two } = relayed({ relayStreamsMax: 2 });
    const lines = [open(), open(), open()];
    await two.clock.advance(100);
    assert.deepEqual(
      lines.map(({ outcome }) => outcome),
      [undefined, undefined, 'OVERLOADED'],
    );
  });
});
