// What clients and back ends call: maps who they are, as their token proves it, to the actors of theirs.

import { create } from '@bufbuild/protobuf';
import {
  bindService,
  invalidRequest,
  type Principal,
  type Runtime,
  type ServiceBinding,
  StarlingError,
} from 'starling';
import {
  DepositResponseSchema,
  GetBalanceResponseSchema,
  GivePacketResponseSchema,
  GrabPacketResponseSchema,
  RedPacketService,
  TreasuryService,
} from './gen/acme/packet/v1/packet_pb.ts';
import { Packet, Wallet } from './types.ts';

export function services(runtime: Runtime): ServiceBinding[] {
  const walletOf = ({ tenant }: Principal, userId: string) => `${tenant}/${userId}`;
  return [
    bindService(RedPacketService, ['user'], {
      async givePacket(request, { principal }) {
        const caller = signedIn(principal);
        const { packetId, total, shares, ttlMs } = request;
        const client = runtime.client(Wallet, walletOf(caller, caller.userId));
        const { balance } = await client.give({ packetId, total, shares, ttlMs });
        return create(GivePacketResponseSchema, { balance });
      },
      async grabPacket({ sender, packetId }, { principal }) {
        const caller = signedIn(principal);
        const key = `${walletOf(caller, id('sender', sender))}/${id('packet_id', packetId)}`;
        // Opening an actor writes; a name that somebody made up costs a read.
        if (!(await runtime.exists(Packet, key)))
          throw new StarlingError('REFUSED', 'There is no such packet.');
        const { amount } = await runtime
          .client(Packet, key)
          .grab({ wallet: walletOf(caller, caller.userId) });
        return create(GrabPacketResponseSchema, { amount });
      },
      async getBalance(_request, { principal }) {
        const caller = signedIn(principal);
        const { balance } = await runtime.client(Wallet, walletOf(caller, caller.userId)).balance({});
        return create(GetBalanceResponseSchema, { balance });
      },
    }),
    bindService(TreasuryService, ['backend'], {
      async deposit({ userId, depositId, amount }, { principal }) {
        const entryId = `deposit/${id('deposit_id', depositId)}`;
        const key = walletOf(signedIn(principal), id('user_id', userId));
        await runtime.client(Wallet, key).credit({ entryId, amount });
        return create(DepositResponseSchema);
      },
    }),
  ];
}

function signedIn(principal: Principal | undefined): Principal {
  if (principal === undefined) throw new StarlingError('UNAUTHENTICATED');
  return principal;
}

/** A slash would name the actor of somebody else. */
function id(field: string, text: string): string {
  if (!/^[\w-]{1,64}$/.test(text)) throw invalidRequest(field, 'must be 1 to 64 of [A-Za-z0-9_-]');
  return text;
}
