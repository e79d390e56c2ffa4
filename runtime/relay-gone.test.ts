import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { settle } from './testing/index.ts';
import { relayed, say } from './testing/relay-nodes.ts';

describe('when the client goes', () => {
  it('the actor hears of it within a beat, though nothing is sent', async () => {
    const { opened, two, left } = relayed();
    const line = await opened();
    line.leave();
    await two.clock.advance(1600);
    assert.deepEqual(left, [0]);
    await two.clock.advance(20_000);
    assert.equal(two.clock.pending, 0, 'nothing is left to look after');
  });

  it('while its stream is being opened, the actor never hears of it', async () => {
    const { open, two, streams } = relayed();
    const line = open();
    line.leave();
    await two.clock.advance(1600);
    assert.equal(streams.length, 0);
    assert.deepEqual(line.frames, []);
    await two.clock.advance(20_000);
    for (const i of [0, 1]) assert.deepEqual(two.node(i).stats().relayed, { out: 0, in: 0 });
    assert.equal(two.clock.pending, 0, 'nothing is left to look after');
  });

  it('its opening that comes late, or again, reaches no actor', async () => {
    const { opened, open, two, actors, streams, left } = relayed();
    const gone = open();
    const opening = two.sent.at(-1);
    await settle();
    gone.leave();
    await two.clock.advance(1600);
    assert.deepEqual(left, [0]);
    const line = await opened();
    assert.ok(opening !== undefined);
    for (let i = 0; i < 3; i++) {
      await two.again(opening);
      await two.clock.advance(1600);
    }
    assert.equal(streams.length, 2, 'the actor was handed nothing more');
    assert.deepEqual(two.node(1).stats().relayed, { out: 0, in: 1 });
    say(actors(1), 'still here');
    await settle();
    assert.deepEqual(line.frames, ['still here']);
  });

  it('its opening that comes again while its end is still on its way reaches no actor', async () => {
    const { open, two, actors, streams } = relayed();
    const line = open();
    const opening = two.sent[0];
    await settle();
    two.network.decide(() => 'lost');
    say(actors(), 'lost at first');
    await settle();
    line.leave();
    actors().end();
    const held = Promise.withResolvers<void>();
    let batches = 0;
    two.network.decide((from) =>
      from === 'n1' && batches++ > 0 ? { answerAfter: held.promise } : 'carried',
    );
    await two.clock.advance(150);
    assert.equal(batches, 2, 'the end is on its way');
    assert.ok(opening !== undefined);
    await two.again(opening);
    held.resolve();
    await two.clock.advance(1600);
    assert.equal(streams.length, 1);
    assert.deepEqual(two.node(1).stats().relayed, { out: 0, in: 0 });
  });

  it('while the word that it was there is lost, the actor is handed nothing', async () => {
    const { open, two, streams } = relayed();
    two.network.decide((from) => (from === 'n1' ? 'answer_lost' : 'carried'));
    const line = open();
    await settle();
    line.leave();
    two.network.decide(() => 'carried');
    await two.clock.advance(1600);
    assert.equal(streams.length, 0);
  });

  it('ten thousand times, nothing is left of it on either side', async () => {
    const { open, two, left, streams } = relayed();
    for (let round = 0; round < 100; round++) {
      const lines = Array.from({ length: 100 }, () => open());
      if (round % 2 === 0) await settle();
      for (const line of lines) line.leave();
      await two.clock.advance(50);
    }
    await two.clock.advance(1600);
    assert.equal(left.length, streams.length);
    for (const i of [0, 1]) assert.deepEqual(two.node(i).stats().relayed, { out: 0, in: 0 });
    await two.clock.advance(20_000);
    assert.equal(two.clock.pending, 0, 'nothing is left to look after');
  });

  it('what is still on its way harms nobody', async () => {
    const { opened, open, two, actors, left } = relayed();
    const line = await opened();
    const other = open();
    await settle();
    line.leave();
    say(actors(0), 'late');
    say(actors(1), 'in time');
    await two.clock.advance(1600);
    assert.deepEqual(left, [0]);
    assert.deepEqual(line.frames, []);
    assert.deepEqual(other.frames, ['in time']);
  });
});
