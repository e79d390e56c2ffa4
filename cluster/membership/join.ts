// Whether a node fits the cluster that it finds on the board (rule 12 of the safety protocol).

import type { Probe } from './ports.ts';
import type { MemberRecord } from './record.ts';

/** Why a node may not join. `message` says what to do. */
export interface JoinRefusal {
  readonly kind: 'shards' | 'placement-version' | 'plan-version' | 'wire-version' | 'duplicate-node';
  readonly message: string;
}

/** Members whose process still answers: what an ended one left on the board is no reason against joining. */
export async function stillRunning(
  records: readonly MemberRecord[],
  probe: Probe,
  timeoutMs: number,
): Promise<MemberRecord[]> {
  const asked = records.map(async (record) => {
    const answer = await probe.ask(record.node, record.incarnation, timeoutMs);
    return answer === 'well' || answer === 'unwell' ? [record] : [];
  });
  return (await Promise.all(asked)).flat();
}

/** The first reason against joining, or undefined. `others`: members that still run. */
export function checkJoin(me: MemberRecord, others: readonly MemberRecord[]): JoinRefusal | undefined {
  for (const other of others) {
    const refusal = checkPair(me, other);
    if (refusal !== undefined) return refusal;
  }
  return undefined;
}

function checkPair(me: MemberRecord, other: MemberRecord): JoinRefusal | undefined {
  const them = `node ${other.node}`;
  if (me.node === other.node) {
    const message = `A node named ${me.node} runs at ${other.address}: give this one another name, or stop that one.`;
    return { kind: 'duplicate-node', message };
  }
  if (me.shards !== other.shards) {
    const message = `This node has ${me.shards} shards and ${them} ${other.shards}: start it with ${other.shards}.`;
    return { kind: 'shards', message };
  }
  if (me.placementVersion !== other.placementVersion) {
    const message = `This node places keys by version ${me.placementVersion} and ${them} by ${other.placementVersion}: run a build with the same version.`;
    return { kind: 'placement-version', message };
  }
  if (me.planVersion !== other.planVersion) {
    const message = `This node plans by version ${me.planVersion} and ${them} by ${other.planVersion}: run a build with the same version.`;
    return { kind: 'plan-version', message };
  }
  if (me.wire.max < other.wire.min || other.wire.max < me.wire.min) {
    const range = ({ wire }: MemberRecord): string => `${wire.min} to ${wire.max}`;
    const message = `This node speaks wire versions ${range(me)} and ${them} ${range(other)}: upgrade one version at a time.`;
    return { kind: 'wire-version', message };
  }
  return undefined;
}
