// Which node should serve which shard: functions of members and the former plan. Owns: weighted rendezvous with bounded
// load, the planner's coalescing of membership bursts. Does not own: which node really serves a shard (cluster/ownership),
// who is a member (cluster/membership), the hash from keys to shards (runtime/placement.ts).
//
// Invariants: P1 … P4 (plan.ts), Q1, Q2 (burst.ts).

export { BURST_LIMITS, type BurstState, burstDue, memberLost, membersChanged, QUIET } from './burst.ts';
export {
  PLAN_VERSION,
  type PlanMember,
  type PlanMemberState,
  planShards,
  shareOf,
} from './plan.ts';
