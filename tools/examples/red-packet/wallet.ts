// The wallet: a balance, and the entries it is made of.
//
// 1. An entry is booked once, whoever repeats it and however late: its id is looked up in the table of entries.
// 2. The balance never falls below 0: money is set aside in the turn that looks at it.

import { fromBinary, toBinary } from '@bufbuild/protobuf';
import { defineActor, invalidRequest, StarlingError, tell } from 'starling';
import { WalletRecordSchema, WalletStateSchema } from './gen/acme/packet/v1/packet_pb.ts';
import { Packet, Wallet } from './types.ts';

export const SHARES_MAX = 100;
const AMOUNT_MAX = 1_000_000_00n;
const TTL_MS_MAX = 7n * 86_400_000n;

export const wallet = defineActor(Wallet, {
  state: WalletStateSchema,
  record: WalletRecordSchema,

  apply(state, entry, effects) {
    state.balance += entry.amount;
    effects.put('entries', entry.entryId, toBinary(WalletRecordSchema, entry));
  },

  handlers: {
    async give({ packetId, total, shares, ttlMs }, turn) {
      if (!/^[\w-]{1,64}$/.test(packetId))
        throw invalidRequest('packet_id', 'must be 1 to 64 of [A-Za-z0-9_-]');
      if (shares < 1 || shares > SHARES_MAX) throw invalidRequest('shares', `must be 1 to ${SHARES_MAX}`);
      if (total < BigInt(shares) || total > AMOUNT_MAX)
        throw invalidRequest('total', `must be at least 1 a share and at most ${AMOUNT_MAX}`);
      if (ttlMs < 1000n || ttlMs > TTL_MS_MAX)
        throw invalidRequest('ttl_ms', `must be 1000 to ${TTL_MS_MAX}`);
      const entryId = `give/${packetId}`;
      const known = await turn.table('entries').get(entryId);
      if (known !== undefined) {
        if (fromBinary(WalletRecordSchema, known).amount !== -total)
          throw new StarlingError('ID_REUSED', packetId);
        return { balance: turn.state.balance };
      }
      if (turn.state.balance < total) {
        throw new StarlingError('REFUSED', 'The balance is too low.', {
          metadata: { reason: 'BALANCE_TOO_LOW' },
        });
      }
      const expireTimeMs = BigInt(turn.now()) + ttlMs;
      const open = { sender: turn.self.key, total, shares, expireTimeMs };
      turn.append(
        { entryId, amount: -total },
        { tells: [tell(Packet, `${turn.self.key}/${packetId}`).open(open)] },
      );
      return { balance: turn.state.balance };
    },

    async credit({ entryId, amount }, turn) {
      if (amount < 1n || amount > AMOUNT_MAX) throw invalidRequest('amount', `must be 1 to ${AMOUNT_MAX}`);
      const known = await turn.table('entries').get(entryId);
      if (known === undefined) turn.append({ entryId, amount });
      return {};
    },
  },

  reads: {
    balance(_request, turn) {
      return { balance: turn.state.balance };
    },
  },
});
