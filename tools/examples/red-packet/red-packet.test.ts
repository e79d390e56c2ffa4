import assert from 'node:assert/strict';
import test from 'node:test';
import { type ActorKit, serviceClient, testActors } from 'starling/testing';
import { RedPacketService, TreasuryService } from './gen/acme/packet/v1/packet_pb.ts';
import { actors, services } from './index.ts';
import { Packet, Wallet } from './types.ts';

const HOUR_MS = 3_600_000;

/** Alice has 1,000 and has given 100 in three shares. */
async function given(options?: { nodes: number }): Promise<ActorKit> {
  const kit = await testActors(actors, options);
  await kit.client(Wallet, 'main/alice').credit({ entryId: 'deposit/1', amount: 1000n });
  await kit
    .client(Wallet, 'main/alice')
    .give({ packetId: 'p', total: 100n, shares: 3, ttlMs: BigInt(HOUR_MS) });
  await kit.settle();
  return kit;
}

const grab = async (kit: ActorKit, who: string) =>
  (await kit.client(Packet, 'main/alice/p').grab({ wallet: `main/${who}` })).amount;
const balance = async (kit: ActorKit, who: string) =>
  (await kit.client(Wallet, `main/${who}`).balance({})).balance;

test('each person gets one share, however often they ask, and the shares make the sum', async () => {
  const kit = await given();
  const amounts = [await grab(kit, 'bob'), await grab(kit, 'carol'), await grab(kit, 'dave')];
  assert.equal(await grab(kit, 'bob'), amounts[0]);
  assert.equal(await grab(kit, 'erin'), 0n, 'nothing is left');
  assert.equal(
    amounts.reduce((sum, amount) => sum + amount),
    100n,
  );
  await kit.settle();
  assert.equal(await balance(kit, 'bob'), amounts[0]);
  assert.equal(await balance(kit, 'alice'), 900n);
});

test('what nobody has grabbed goes back after its time, and cannot be grabbed any more', async () => {
  const kit = await given();
  const amount = await grab(kit, 'bob');
  await kit.advance(HOUR_MS - 1);
  assert.equal(await balance(kit, 'alice'), 900n);
  await kit.advance(1);
  assert.equal(await balance(kit, 'alice'), 1000n - amount);
  assert.equal(await grab(kit, 'carol'), 0n);
});

test('a packet that was opened is there after a crash, and is still refunded in time', async () => {
  const kit = await given();
  const amount = await grab(kit, 'bob');
  await kit.crash();
  assert.equal(await grab(kit, 'bob'), amount);
  await kit.advance(HOUR_MS);
  assert.equal(await balance(kit, 'alice'), 1000n - amount);
});

test('a repeated gift is given once, and money that is not there is not given', async () => {
  const kit = await given();
  const alice = kit.client(Wallet, 'main/alice');
  const gift = { packetId: 'p', total: 100n, shares: 3, ttlMs: 60_000n };
  assert.equal((await alice.give(gift)).balance, 900n);
  await assert.rejects(alice.give({ ...gift, total: 200n }), { code: 'ID_REUSED' });
  await assert.rejects(alice.give({ ...gift, packetId: 'q', total: 901n }), { code: 'REFUSED' });
});

test('a grab whose write has an unknown outcome may be repeated', async () => {
  const kit = await given();
  kit.failNextWrite('unknown_done', { type: Packet, key: 'main/alice/p' });
  await assert.rejects(grab(kit, 'bob'), { code: 'OUTCOME_UNKNOWN' });
  const amount = await kit.until(grab(kit, 'bob'));
  await kit.advance(1000);
  assert.equal(await balance(kit, 'bob'), amount);
});

test('a node takes over the packets and wallets of one that was killed', async () => {
  const kit = await given({ nodes: 3 });
  const amount = await kit.until(grab(kit, 'bob'));
  await kit.kill(kit.nodeOf(Packet, 'main/alice/p') ?? '');
  assert.equal(await kit.until(grab(kit, 'bob')), amount);
  await kit.advance(HOUR_MS);
  assert.equal(await kit.until(balance(kit, 'alice')), 1000n - amount);
});

test('clients are who their token says', async () => {
  const kit = await testActors(actors);
  const bound = services(kit.runtime());
  const as = (userId: string) => serviceClient(bound, RedPacketService, { userId });
  const treasury = serviceClient(bound, TreasuryService, { userId: 'shop', scope: 'backend' });
  await treasury.deposit({ userId: 'alice', depositId: '1', amount: 500n });
  await as('alice').givePacket({ packetId: 'p', total: 10n, shares: 1, ttlMs: 60_000n });
  await kit.settle();
  assert.equal((await as('bob').grabPacket({ sender: 'alice', packetId: 'p' })).amount, 10n);
  await kit.settle();
  assert.equal((await as('bob').getBalance({})).balance, 10n);
  await assert.rejects(as('bob').grabPacket({ sender: 'alice', packetId: 'made-up' }), { code: 'REFUSED' });
  await assert.rejects(as('bob').grabPacket({ sender: 'x/alice', packetId: 'p' }), {
    code: 'INVALID_REQUEST',
  });
  const forged = serviceClient(bound, TreasuryService, { userId: 'bob' });
  await assert.rejects(forged.deposit({ userId: 'bob', depositId: '2', amount: 1n }), {
    code: 'PERMISSION_DENIED',
  });
});
