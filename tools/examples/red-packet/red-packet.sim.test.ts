import assert from 'node:assert/strict';
import test from 'node:test';
import { type HistoryContext, simulate } from 'starling/sim';
import { actors } from './index.ts';
import { Packet, Wallet } from './types.ts';

const USERS = ['main/alice', 'main/bob', 'main/carol'];
const DEPOSIT = 1000n;
const PACKETS = 3;
const TTL_MS = 10_000n;

/** Everybody gives packets and grabs from those of everybody, and repeats what has no clear answer. */
async function workload({ client, random, repeat, pass }: HistoryContext): Promise<void> {
  const shares = new Map<string, bigint>();
  const given: string[] = [];
  const one = async (user: string): Promise<void> => {
    for (let n = 0; n < PACKETS; n++) {
      await pass(random.below(2_000));
      await repeat(() => client(Wallet, user).credit({ entryId: `deposit/${n}`, amount: DEPOSIT }));
      const gift = { packetId: `p${n}`, total: BigInt(10 + random.below(100)), shares: 2 + random.below(3) };
      await repeat(() => client(Wallet, user).give({ ...gift, ttlMs: TTL_MS }));
      given.push(`${user}/${gift.packetId}`);
      for (const key of given.slice(-3)) {
        const amount = await repeat(() => client(Packet, key).grab({ wallet: user })).catch(notThereYet);
        if (amount === undefined) continue;
        const before = shares.get(`${key} ${user}`);
        if (before !== undefined) assert.equal(amount.amount, before, 'a person has one share of a packet');
        if (amount.amount > 0n) shares.set(`${key} ${user}`, amount.amount);
      }
    }
  };
  await Promise.all(USERS.map(one));
}

/** The money of a packet is on its way to it: it says that there is no such packet. */
function notThereYet(error: unknown): undefined {
  assert.equal((error as { code?: string }).code, 'REFUSED');
}

/** Every cent is somewhere, and every packet is settled. */
async function check({ client }: HistoryContext): Promise<void> {
  const expected = new Map(USERS.map((user) => [user, DEPOSIT * BigInt(PACKETS)]));
  const book = (user: string, amount: bigint) => expected.set(user, (expected.get(user) ?? 0n) + amount);
  for (const sender of USERS) {
    for (let n = 0; n < PACKETS; n++) {
      const { total, left, grabbed, refunded } = await client(Packet, `${sender}/p${n}`).look({});
      const sum = Object.values(grabbed).reduce((all, amount) => all + amount, refunded);
      assert.equal(sum, total, `${sender}/p${n}: shares and refund make the total`);
      assert.ok(total > 0n && left.length === 0, `${sender}/p${n} is settled`);
      book(sender, refunded - total);
      for (const [user, amount] of Object.entries(grabbed)) book(user, amount);
    }
  }
  for (const [user, amount] of expected) {
    const { balance } = await client(Wallet, user).balance({});
    assert.equal(balance, amount, `${user} has what the packets say`);
  }
}

test('whatever fails, every cent is somewhere, once, and every packet is settled without a further call', async () => {
  await simulate({ actors, seeds: 500, workload, check });
});
