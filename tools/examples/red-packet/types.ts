// What callers need to know of the two actors: how they are addressed, and what they can be asked.

import { actorType } from 'starling';
import { PacketActor, WalletActor } from './gen/acme/packet/v1/packet_pb.ts';

/** One gift; key `tenant/sender/packet_id`. */
export const Packet = actorType({ kind: 'packet', contract: PacketActor, rank: 10 });

/** The money of one person; key `tenant/user`. */
export const Wallet = actorType({ kind: 'wallet', contract: WalletActor, rank: 10 });
