// What a node announces of itself: what it was started with, and how it is now.

import { PLACEMENT_VERSION } from '../../runtime/index.ts';
import { PLAN_VERSION } from '../placement/index.ts';
import type { ClusterMemberOptions } from './options.ts';
import type { MemberRecord } from './record.ts';

export function ownRecord(
  options: ClusterMemberOptions,
  now: Pick<MemberRecord, 'roles' | 'state' | 'placementOf' | 'serving'>,
): MemberRecord {
  const { node, incarnation, address, host, version = '', weight = 1, shards } = options;
  return {
    ...{ node, incarnation, address, version, weight, shards },
    ...(host === undefined ? {} : { host }),
    wire: options.wire ?? { min: 1, max: 1 },
    placementVersion: PLACEMENT_VERSION,
    planVersion: PLAN_VERSION,
    ...now,
  };
}
