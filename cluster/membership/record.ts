// What stands on the board, as the rest of the code reads it. Owns: keys, encoding, and that what can't be understood is
// taken as absent. Does not own: who writes what when.

import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import {
  BoardMemberSchema,
  BoardMemberState,
  BoardPlacementSchema,
} from '../../proto/gen/starling/actor/v1/board_pb.ts';
import type { PlanMember, PlanMemberState } from '../placement/index.ts';

/** A node as it announces itself. */
export interface MemberRecord extends PlanMember {
  /** This process; never used twice. */
  readonly incarnation: string;
  /** Where other nodes reach it. */
  readonly address: string;
  /** Name that the nodes of one host share, which pass a fan-out on to each other. Absent = a node on its own. */
  readonly host?: string;
  /** Release of its program; empty = not announced. */
  readonly version: string;
  /** Versions of the wire between nodes that it speaks, both inclusive. */
  readonly wire: { readonly min: number; readonly max: number };
  /** Version of the function from keys to shards. */
  readonly placementVersion: number;
  /** Version of the function from members to a plan. */
  readonly planVersion: number;
  /** Shards per role with which it was started. */
  readonly shards: number;
  /** Version of the placement that it follows; 0 = none yet. */
  readonly placementOf: number;
  /** Shards that it serves. */
  readonly serving: ReadonlySet<number>;
}

/** The desired owner of every shard. */
export interface PlacementDocument {
  readonly version: number;
  readonly role: string;
  /** Node by shard. */
  readonly owners: readonly (string | undefined)[];
}

/** Every member's key begins with this. */
export const MEMBER_PREFIX = 'member.';

/**
 * The node of an incarnation, which is named after it: `node.n` or `node-n`. So a process can be asked directly by whoever
 * knows no more of it than a row that names it.
 */
export function nodeOfIncarnation(incarnation: string): string {
  return /^(.+)[.-][^.-]+$/.exec(incarnation)?.[1] ?? incarnation;
}

/** Key of an incarnation. */
export function memberKey(incarnation: string): string {
  return `${MEMBER_PREFIX}${incarnation}`;
}

/** Key of a role's placement. */
export function placementKey(role: string): string {
  return `placement.${role}`;
}

const STATES: Readonly<Record<PlanMemberState, BoardMemberState>> = {
  ready: BoardMemberState.READY,
  draining: BoardMemberState.DRAINING,
  leaving: BoardMemberState.LEAVING,
};

export function encodeMember(record: MemberRecord): Uint8Array {
  const serving = bitsOf(record.serving, record.shards);
  const { wire, state, placementOf, roles, ...same } = record;
  const message = create(BoardMemberSchema, {
    ...same,
    roles: [...roles],
    wireMin: wire.min,
    wireMax: wire.max,
    state: STATES[state],
    placementOf: BigInt(placementOf),
    serving,
  });
  return toBinary(BoardMemberSchema, message);
}

/** Undefined for what no node of a version we know has written. */
export function decodeMember(value: Uint8Array): MemberRecord | undefined {
  try {
    const found = fromBinary(BoardMemberSchema, value);
    const { node, incarnation, address, host, version, weight, roles, shards } = found;
    const { placementVersion, planVersion } = found;
    const state = (['ready', 'draining', 'leaving'] as const).find((each) => STATES[each] === found.state);
    if (state === undefined || node === '' || incarnation === '' || weight < 1) return undefined;
    return {
      node,
      incarnation,
      address,
      ...(host === '' ? {} : { host }),
      version,
      weight,
      roles,
      state,
      placementVersion,
      planVersion,
      shards,
      wire: { min: found.wireMin, max: found.wireMax },
      placementOf: Number(found.placementOf),
      serving: shardsOf(found.serving),
    };
  } catch {
    return undefined;
  }
}

/** A set of shards as bits: bit n of byte n / 8 is shard n. */
export function bitsOf(serving: Iterable<number>, shards: number): Uint8Array {
  const bytes = new Uint8Array(Math.ceil(shards / 8));
  for (const shard of serving) bytes[shard >> 3] = (bytes[shard >> 3] ?? 0) | (1 << (shard & 7));
  return bytes;
}

/** The shards of `bitsOf`, ascending. */
export function shardsOf(bytes: Uint8Array): Set<number> {
  const set = new Set<number>();
  bytes.forEach((byte, index) => {
    for (let bit = 0; bit < 8; bit++) if ((byte & (1 << bit)) !== 0) set.add(index * 8 + bit);
  });
  return set;
}

export function encodePlacement({ version, role, owners }: PlacementDocument): Uint8Array {
  const nodes = [...new Set(owners.filter((owner) => owner !== undefined))].sort();
  const places = new Map(nodes.map((node, index) => [node, index + 1]));
  const indices = owners.map((owner) => (owner === undefined ? 0 : (places.get(owner) ?? 0)));
  const message = create(BoardPlacementSchema, { version: BigInt(version), role, nodes, owners: indices });
  return toBinary(BoardPlacementSchema, message);
}

/** Undefined for what can't be understood, or is for another number of shards. */
export function decodePlacement(value: Uint8Array, shards: number): PlacementDocument | undefined {
  try {
    const { version, role, nodes, owners } = fromBinary(BoardPlacementSchema, value);
    if (owners.length !== shards || owners.some((owner) => owner > nodes.length)) return undefined;
    return { version: Number(version), role, owners: owners.map((owner) => nodes[owner - 1]) };
  } catch {
    return undefined;
  }
}

/** Whether a placement gives shards to a node that is not among these: they would wait for it for ever. */
export function namesNobody(
  placement: PlacementDocument | undefined,
  members: readonly Pick<MemberRecord, 'node'>[],
): boolean {
  const known = new Set<string | undefined>([undefined, ...members.map(({ node }) => node)]);
  return placement?.owners.some((owner) => !known.has(owner)) ?? false;
}
