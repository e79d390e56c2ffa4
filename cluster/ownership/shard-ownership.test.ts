import { deepEqual, equal, ok, rejects, throws } from 'node:assert/strict';
import { describe, test } from 'node:test';
import { SimClock, SimRandom } from '../../runtime/testing/index.ts';
import { FIRST_EPOCH, firstTimestamp } from '../../runtime/timestamp.ts';
import { ShardOwnership, type Want } from './index.ts';
import type { ShardOwnershipOptions } from './options.ts';
import { ModelTable, NotingHost, text } from './testing/model-table.ts';

const HOLD: Want = { kind: 'hold' };
const KEEP: Want = { kind: 'keep' };
const give = (to: string): Want => ({ kind: 'give', to });

interface Node {
  readonly ownership: ShardOwnership;
  readonly host: NotingHost;
}

class World {
  readonly clock = new SimClock();
  readonly table = new ModelTable();
  readonly fenced: string[] = [];

  async node(incarnation: string, options: Partial<ShardOwnershipOptions> = {}): Promise<Node> {
    const host = new NotingHost();
    const ownership = new ShardOwnership({
      incarnation,
      shards: 8,
      table: this.table,
      clock: this.clock,
      random: new SimRandom(1),
      onFenced: () => this.fenced.push(incarnation),
      ...options,
    });
    await Promise.all([ownership.start(host), this.settle()]);
    return { ownership, host };
  }

  async settle(ms = 0): Promise<void> {
    await this.clock.advance(ms);
  }

  row(shard: number): string {
    return text(this.table.rows.get(shard));
  }
}

describe('ownership of shards over a table', () => {
  test('W1: nothing is read or swapped before the live mark is known to be written', async () => {
    const world = new World();
    let refusals = 3;
    world.table.faultOf = (call) => (call.startsWith('live') && refusals-- > 0 ? 'lost' : undefined);
    const ownership = new ShardOwnership({
      incarnation: 'a',
      shards: 8,
      table: world.table,
      clock: world.clock,
      random: new SimRandom(1),
    });
    ownership.want(() => HOLD);
    const started = ownership.start(new NotingHost());
    await world.settle();
    deepEqual(world.table.calls, ['live a']);
    await world.settle(5_000);
    await started;
    deepEqual(world.table.calls.slice(0, 5), ['live a', 'live a', 'live a', 'live a', 'life a']);
    await world.settle();
    equal(ownership.served().length, 8);
  });
  test('a shard that never had an owner is claimed at the first epoch', async () => {
    const world = new World();
    const { ownership, host } = await world.node('a');
    ownership.want((shard) => (shard === 3 ? HOLD : KEEP));
    await world.settle();
    equal(world.row(3), `${FIRST_EPOCH}/a`);
    deepEqual(ownership.served(), [3]);
    deepEqual(host.notes, ['taken 3']);
    equal(ownership.claim(3)?.nextTimestamp(), firstTimestamp(FIRST_EPOCH) + 1n);
    equal(ownership.claim(2), undefined);
  });
  test('a shard of a live owner is not taken, whatever the placement says', async () => {
    const world = new World();
    const a = await world.node('a');
    const b = await world.node('b');
    a.ownership.want(() => HOLD);
    await world.settle();
    b.ownership.want(() => HOLD);
    await world.settle(60_000);
    deepEqual(b.ownership.served(), []);
    equal(await a.ownership.readFence(), 'live');
  });
  test('a condemned owner is fenced once, then all its shards are claimed, and it ends when it reads its fence', async () => {
    const world = new World();
    const a = await world.node('a');
    const b = await world.node('b');
    a.ownership.want(() => HOLD);
    await world.settle();
    b.ownership.want(() => HOLD);
    await world.settle();
    const claim = a.ownership.claim(5);
    b.ownership.condemn('a');
    await world.settle();
    equal(b.ownership.served().length, 8);
    equal(world.row(5), `${FIRST_EPOCH + 1}/b`);
    equal(world.table.calls.filter((call) => call === 'fence a').length, 1);
    deepEqual(world.fenced, []);
    equal(await a.ownership.readFence(), 'fenced');
    deepEqual(world.fenced, ['a']);
    deepEqual(a.ownership.served(), []);
    throws(() => claim?.nextTimestamp(), { code: 'NOT_OWNER' });
    ok(a.host.notes.includes('lost 5'));
    a.ownership.want(() => HOLD);
    a.ownership.look(5);
    await world.settle(60_000);
    deepEqual(a.ownership.served(), []);
  });
  test('rows that were seen, or never, are claimed without being read first', async () => {
    const world = new World();
    const a = await world.node('a');
    const b = await world.node('b');
    a.ownership.want(() => HOLD);
    await world.settle();
    b.ownership.want(() => HOLD);
    await world.settle();
    world.table.calls.length = 0;
    b.ownership.condemn('a');
    await world.settle();
    equal(b.ownership.served().length, 8);
    deepEqual(
      world.table.calls.filter((call) => call.startsWith('read')),
      [],
    );
  });
  test('of shards that wait to be claimed, those that somebody asks for come first', async () => {
    const world = new World();
    const { ownership } = await world.node('a', { limits: { claimsMax: 1 } });
    ownership.want(() => HOLD);
    ownership.wanted(6);
    ownership.wanted(7);
    await world.settle();
    const claimed = world.table.calls.flatMap((call) => /^swap (\d+)/.exec(call)?.[1] ?? []);
    // The first was under way already.
    deepEqual(claimed.slice(0, 4), ['0', '6', '7', '1']);
  });
  test('a move drains, ends the claim, swaps, and the successor adopts when it looks', async () => {
    const world = new World();
    const given: string[] = [];
    const a = await world.node('a', { onGiven: (shard, to) => given.push(`${shard} ${text(to)}`) });
    const b = await world.node('b');
    a.ownership.want(() => HOLD);
    await world.settle();
    a.host.hold();
    a.ownership.want((shard) => (shard === 0 ? give('b') : HOLD));
    await world.settle();
    const claim = a.ownership.claim(0);
    ok(claim !== undefined, 'a draining shard still flushes');
    claim.nextTimestamp();
    a.host.release(0);
    await world.settle();
    throws(() => claim.nextTimestamp(), { code: 'NOT_OWNER' });
    equal(world.row(0), `${FIRST_EPOCH + 1}/b`);
    deepEqual(given, [`0 ${FIRST_EPOCH + 1}/b`]);
    b.ownership.look(0);
    await world.settle();
    deepEqual(b.ownership.served(), [0]);
    equal(world.table.calls.filter((call) => call.startsWith('fence')).length, 0);
  });
  test('a drain that is given up leaves the claim and its counter as they were', async () => {
    const world = new World();
    const a = await world.node('a');
    a.ownership.want(() => HOLD);
    await world.settle();
    const first = a.ownership.claim(1)?.nextTimestamp() ?? 0n;
    a.host.hold();
    a.ownership.want((shard) => (shard === 1 ? give('b') : HOLD));
    a.ownership.want(() => HOLD);
    a.host.release(1);
    await world.settle();
    equal(a.ownership.claim(1)?.nextTimestamp(), first + 1n);
    deepEqual(a.host.notes.slice(-2), ['drain 1', 'undrain 1']);
    equal(world.row(1), `${FIRST_EPOCH}/a`);
  });
  test('a move of unknown outcome that did not happen is sent again; the mover serves at that epoch no more', async () => {
    const world = new World();
    const a = await world.node('a');
    a.ownership.want((shard) => (shard === 0 ? HOLD : KEEP));
    await world.settle();
    world.table.faultOf = (call) => (call.startsWith('swap') ? 'lost' : undefined);
    a.ownership.want(() => give('b'));
    await world.settle(1_000);
    deepEqual(a.ownership.served(), []);
    a.ownership.want(() => KEEP);
    await world.settle(20_000);
    deepEqual(a.ownership.served(), []);
    world.table.faultOf = () => undefined;
    await world.settle(20_000);
    equal(world.row(0), `${FIRST_EPOCH + 1}/a`);
    equal(a.ownership.claim(0)?.epoch, FIRST_EPOCH + 1);
  });
  test('a claim of unknown outcome that did happen is found by the read and served', async () => {
    const world = new World();
    const a = await world.node('a');
    world.table.faultOf = (call) => (call.startsWith('swap') ? 'unanswered' : undefined);
    a.ownership.want((shard) => (shard === 0 ? HOLD : KEEP));
    await world.settle();
    equal(a.ownership.claim(0)?.epoch, FIRST_EPOCH);
  });
  test('an epoch whose write times are all drawn is left for a new one', async () => {
    const world = new World();
    const a = await world.node('a', { timesMax: 2n });
    a.ownership.want((shard) => (shard === 0 ? HOLD : KEEP));
    await world.settle();
    const claim = a.ownership.claim(0);
    claim?.nextTimestamp();
    claim?.nextTimestamp();
    throws(() => claim?.nextTimestamp(), { code: 'NOT_OWNER' });
    await world.settle();
    equal(a.ownership.claim(0)?.epoch, FIRST_EPOCH + 1);
    deepEqual(a.host.notes, ['taken 0', 'lost 0', 'taken 0']);
  });
  test('a row that is only looked at counts as busy, and not as claimed', async () => {
    const world = new World();
    const a = await world.node('a');
    a.ownership.look(0);
    deepEqual([a.ownership.status().busy, a.ownership.status().claiming], [1, 0]);
    await world.settle();
    equal(a.ownership.status().busy, 0);
  });
  test('W3: at most movesMax shards drain and claimsMax are claimed at once', async () => {
    const world = new World();
    const a = await world.node('a', { limits: { movesMax: 2, claimsMax: 3 } });
    a.ownership.want(() => HOLD);
    equal(a.ownership.status().busy, 3);
    equal(a.ownership.status().claiming, 3);
    await world.settle();
    a.host.hold();
    a.ownership.want(() => give('b'));
    equal(a.ownership.status().draining, 2);
    await world.settle();
    equal(a.ownership.status().serving, 6);
    a.host.release(0);
    await world.settle();
    equal(a.ownership.status().draining, 2);
    equal(world.row(0), `${FIRST_EPOCH + 1}/b`);
  });
  test('an incarnation that was fenced before it started refuses to start', async () => {
    const world = new World();
    world.table.lives.set('a', 'fenced');
    await rejects(world.node('a'), { code: 'NOT_OWNER' });
  });
  test('a row with an epoch that no owner ever had is refused and shown', async () => {
    const world = new World();
    world.table.rows.set(0, { epoch: 12, owner: 'x' });
    const a = await world.node('a');
    a.ownership.want((shard) => (shard === 0 ? HOLD : KEEP));
    await world.settle();
    deepEqual(a.ownership.status().refused, [0]);
    equal(a.ownership.claim(0), undefined);
  });
});
