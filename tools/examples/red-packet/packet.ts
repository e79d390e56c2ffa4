// The packet: who has grabbed what, and what goes back.
//
// 1. Shares are drawn when it is opened and written down: what was grabbed and what is left make the total, always.
// 2. A person has at most one share; asking again gives the same one.
// 3. Money leaves by a durable message in the row of the record that gives it away: both exist or neither does.

import { cancelReminder, defineActor, remind, StarlingError, tell } from 'starling';
import { PacketRecordSchema, PacketStateSchema } from './gen/acme/packet/v1/packet_pb.ts';
import { split } from './split.ts';
import { Packet, Wallet } from './types.ts';

export const packet = defineActor(Packet, {
  state: PacketStateSchema,
  record: PacketRecordSchema,

  apply(state, { change }) {
    switch (change.case) {
      case 'opened':
        state.sender = change.value.sender;
        state.left = change.value.shares;
        state.total = sum(change.value.shares);
        break;
      case 'grabbed': {
        const [amount = 0n] = state.left.splice(change.value.place, 1);
        state.grabbed[change.value.wallet] = amount;
        break;
      }
      case 'expired':
        state.refunded = sum(state.left);
        state.left = [];
        break;
    }
  },

  handlers: {
    open({ sender, total, shares, expireTimeMs }, turn) {
      if (turn.state.total > 0n) return {};
      const amounts = split(total, shares, () => turn.random64());
      const expiry = remind(Packet, { name: 'expiry', atMs: Number(expireTimeMs) }).expire({});
      turn.append(
        { change: { case: 'opened', value: { sender, shares: amounts } } },
        { reminders: [expiry] },
      );
      return {};
    },

    grab({ wallet }, turn) {
      const { total, left, grabbed } = turn.state;
      if (total === 0n) throw new StarlingError('REFUSED', 'There is no such packet.');
      const before = grabbed[wallet];
      if (before !== undefined) return { amount: before };
      const place = Number(turn.random64() % BigInt(Math.max(1, left.length)));
      const amount = left[place];
      if (amount === undefined) return { amount: 0n };
      const entryId = `grab/${turn.self.key}`;
      turn.append(
        { change: { case: 'grabbed', value: { wallet, place } } },
        {
          tells: [tell(Wallet, wallet).credit({ entryId, amount })],
          reminders: left.length === 1 ? [cancelReminder('expiry')] : [],
        },
      );
      return { amount };
    },

    expire(_request, turn) {
      const { left, sender } = turn.state;
      if (left.length === 0) return {};
      const refund = { entryId: `refund/${turn.self.key}`, amount: sum(left) };
      turn.append(
        { change: { case: 'expired', value: {} } },
        { tells: [tell(Wallet, sender).credit(refund)] },
      );
      return {};
    },
  },

  reads: {
    look(_request, turn) {
      const { total, left, grabbed, refunded } = turn.state;
      return { total, left: [...left], grabbed: { ...grabbed }, refunded };
    },
  },
});

function sum(amounts: readonly bigint[]): bigint {
  return amounts.reduce((total, amount) => total + amount, 0n);
}
