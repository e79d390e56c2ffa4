// Membership: who takes part, as far as one node believes. Owns: the member record, the lease, silence and suspicion, the
// plan's way over the board, the node that follows it, what an operator may have it do. Does not own: safety
// (cluster/ownership), the plan itself (cluster/placement), drivers of board, probe and control.
//
// Invariants: N1 … N4 (members.ts), V1 (view.ts), C1, C2 (cluster-member.ts); B1 … B4 are a board's promises (ports.ts).

export { ClusterMember } from './cluster-member.ts';
export { MemberControl } from './control.ts';
export type { JoinRefusal } from './join.ts';
export type { ClusterMemberOptions, MemberEvent } from './options.ts';
export type {
  Board,
  BoardEntry,
  BoardEvent,
  Control,
  ControlAnswer,
  ControlCommand,
  DependencyStatus,
  NodeStatus,
  Probe,
  ProbeAnswer,
  PutOptions,
} from './ports.ts';
export { bitsOf, type MemberRecord, nodeOfIncarnation, shardsOf } from './record.ts';
