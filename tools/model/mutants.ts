// The mutants: each breaks one rule of the safety protocol and has to be refuted by a counter-example.

import type { Case } from './case.ts';

type Mutant = Pick<Case, 'name' | 'says' | 'bounds'> & {
  readonly mutant: string;
  readonly search?: Case['search'];
};

const TWO_NODES = ['NODES=2', 'EPOCHS=2', 'ACTS=3', 'ROWS=2', 'MOVES=1', 'CHECKPOINTS=0'];
const TWO_NODES_CHECKPOINT = ['NODES=2', 'EPOCHS=2', 'ACTS=3', 'ROWS=2', 'MOVES=0', 'CHECKPOINTS=1'];
const THREE_NODES = ['NODES=3', 'EPOCHS=3', 'ACTS=3', 'ROWS=1', 'BATCH=1', 'MOVES=0'];

const THREE_REPLICAS = ['REPLICAS=3', 'NODES=2', 'EPOCHS=2', 'ACTS=2', 'ROWS=1', 'BATCH=1', 'MOVES=0'];

const OWNERSHIP: readonly Mutant[] = [
  { name: 'no-fence-read', mutant: 'M_NO_FENCE_READ', bounds: TWO_NODES, says: 'no fence read at the gate' },
  {
    name: 'fence-read-early',
    mutant: 'M_FENCE_READ_EARLY',
    bounds: TWO_NODES,
    says: 'the fence read begins with the write, not after it',
  },
  {
    name: 'claim-on-epoch-alone',
    mutant: 'M_CLAIM_ON_EPOCH_ALONE',
    bounds: THREE_NODES,
    says: 'a claim asks for a lower epoch, not for the owner that was fenced',
  },
  {
    name: 'claim-without-fence',
    mutant: 'M_CLAIM_WITHOUT_FENCE',
    bounds: TWO_NODES,
    says: 'a claim does not fence the owner first',
  },
  {
    name: 'fence-unknown-taken-as-done',
    mutant: 'M_FENCE_UNKNOWN_TAKEN_AS_DONE',
    bounds: TWO_NODES,
    says: 'a fence of unknown outcome is taken as done',
  },
  {
    name: 'epoch-from-kv',
    mutant: 'M_EPOCH_FROM_KV',
    bounds: THREE_NODES,
    says: 'the epoch is read from and written to a store without compare-and-set',
  },
  { name: 'no-seal', mutant: 'M_NO_SEAL', bounds: TWO_NODES, says: 'an activation opens without a seal' },
  {
    name: 'rows-before-seal-known',
    mutant: 'M_ROWS_BEFORE_SEAL_KNOWN',
    bounds: TWO_NODES,
    says: 'rows are sent before the seal is known to be durable',
  },
  {
    name: 'rows-before-fence-read',
    mutant: 'M_ROWS_BEFORE_FENCE_READ',
    bounds: TWO_NODES,
    says: 'rows are sent before the seal is fence-checked',
  },
  {
    name: 'seal-skipped-after-move',
    mutant: 'M_SEAL_SKIPPED_AFTER_MOVE',
    bounds: TWO_NODES,
    says: 'no seal after a clean move',
  },
  {
    name: 'seal-skipped-by-reader',
    mutant: 'M_SEAL_SKIPPED_BY_READER',
    bounds: TWO_NODES,
    says: 'an activation that only reads does not seal',
  },
  {
    name: 'seal-skipped-covered',
    mutant: 'M_SEAL_SKIPPED_COVERED',
    bounds: TWO_NODES,
    says: 'no seal where head.seal_seq ≥ T already',
  },
  {
    name: 'checkpoint-with-own-seal-ts',
    mutant: 'M_CHECKPOINT_WITH_OWN_SEAL_TS',
    bounds: TWO_NODES_CHECKPOINT,
    says: 'a checkpoint carries a seal_ts of its own',
  },
  {
    name: 'move-before-flush',
    mutant: 'M_MOVE_BEFORE_FLUSH',
    bounds: TWO_NODES,
    says: 'the move is sent before the writes are flushed',
  },
  {
    name: 'tombstone-for-seal',
    mutant: 'M_TOMBSTONE',
    bounds: TWO_NODES,
    says: 'tombstones above the tail in place of the seal',
  },
  {
    name: 'rows-read-before-head',
    mutant: 'M_ROWS_READ_FIRST',
    bounds: ['LAZY_STATE', 'NODES=2', 'EPOCHS=2', 'ACTS=4', 'ROWS=1', 'BATCH=1', 'MOVES=0'],
    says: 'an activation reads the rows before the head',
  },
  {
    name: 'resume-after-move',
    mutant: 'M_RESUME_AFTER_MOVE',
    bounds: TWO_NODES,
    says: 'the owner resumes when it reads back that its move is not applied',
  },
  {
    name: 'time-out-not-applied',
    mutant: 'M_TIME_OUT_NOT_APPLIED',
    bounds: TWO_NODES,
    says: 'a compare-and-set that timed out is taken as not applied',
  },
  {
    name: 'counter-restarts',
    mutant: 'M_COUNTER_RESTARTS',
    bounds: TWO_NODES,
    says: 'the counter of write timestamps restarts with each activation',
  },
  {
    name: 'ended-activation-writes',
    mutant: 'M_ENDED_WRITES',
    bounds: TWO_NODES,
    says: 'an activation that has ended still draws a timestamp and writes',
  },
  {
    name: 'ack-out-of-order',
    mutant: 'M_ACK_OUT_OF_ORDER',
    bounds: TWO_NODES,
    says: 'a row is acknowledged while the row before it is unknown',
  },
  {
    name: 'read-undurable-state',
    mutant: 'M_READ_UNDURABLE',
    bounds: TWO_NODES,
    says: 'a read turn answers from state whose rows are in flight',
  },
  {
    name: 'calls-ungated',
    mutant: 'M_CALLS_UNGATED',
    bounds: TWO_NODES,
    says: 'a plain call leaves before the activation is open',
  },
  {
    name: 'fence-read-at-one',
    mutant: 'M_FENCE_READ_AT_ONE',
    bounds: THREE_REPLICAS,
    says: 'the fence read asks one replica',
  },
  {
    name: 'no-read-repair',
    mutant: 'M_NO_READ_REPAIR',
    bounds: THREE_REPLICAS,
    says: 'a read does not repair the older of the two replicas it asked',
  },
];

const TRIM_BOUNDS = ['NODES=2', 'EPOCHS=2', 'ACTS=3', 'ROWS=2'];
const TRIM: readonly Mutant[] = [
  {
    name: 'trim-ungated',
    mutant: 'M_TRIM_UNGATED',
    bounds: TRIM_BOUNDS,
    says: 'rows are deleted below a floor that is durable but not fence-checked',
  },
  {
    name: 'trim-before-floor-known',
    mutant: 'M_TRIM_BEFORE_FLOOR_KNOWN',
    bounds: TRIM_BOUNDS,
    says: 'rows are deleted while the floor is in flight',
  },
  {
    name: 'floor-after-delete',
    mutant: 'M_FLOOR_AFTER_DELETE',
    bounds: TRIM_BOUNDS,
    says: 'the floor is written after the delete',
  },
  { name: 'rows-expire', mutant: 'M_ROWS_EXPIRE', bounds: TRIM_BOUNDS, says: 'rows have a time to live' },
];

const CHURN = ['ENTRIES=3', 'GROUP_OWNERS=1', 'USER_OWNERS=1', 'LOSSES=1', 'REPEATS=1'];
const NETWORK = ['ENTRIES=2', 'GROUP_OWNERS=1', 'USER_OWNERS=1', 'LOSSES=1', 'REPEATS=1'];
const USER_TAKEOVER = ['ENTRIES=2', 'GROUP_OWNERS=1', 'USER_OWNERS=2', 'LOSSES=0', 'REPEATS=0'];
const GROUP_TAKEOVER = ['ENTRIES=2', 'GROUP_OWNERS=2', 'USER_OWNERS=1', 'LOSSES=1', 'REPEATS=0'];
const DELIVERY: readonly Mutant[] = [
  {
    name: 'any-higher-taken',
    mutant: 'M_ANY_HIGHER_TAKEN',
    bounds: NETWORK,
    says: 'a user takes any higher seq, without regard to prev',
  },
  {
    name: 'repeats-taken',
    mutant: 'M_NO_REPEAT_DROPPED',
    bounds: NETWORK,
    says: 'a user does not drop repeats',
  },
  {
    name: 'cursor-dropped-on-leave',
    mutant: 'M_CURSOR_DROPPED_ON_LEAVE',
    bounds: CHURN,
    says: 'a user forgets its cursor when it leaves',
  },
  {
    name: 'later-membership-overtakes',
    mutant: 'M_LATER_MEMBERSHIP_OVERTAKES',
    bounds: CHURN,
    says: 'a later membership begins before the earlier one is complete',
  },
  {
    name: 'node-acks-on-receipt',
    mutant: 'M_NODE_ACKS_ON_RECEIPT',
    bounds: USER_TAKEOVER,
    says: 'a node acknowledges an envelope when it gets it',
  },
  {
    name: 'node-ack-without-fence-read',
    mutant: 'M_ACK_WITHOUT_FENCE_READ',
    bounds: USER_TAKEOVER,
    says: 'a node acknowledges an envelope without a fence read',
  },
  {
    name: 'refused-ignored',
    mutant: 'M_REFUSED_IGNORED',
    bounds: NETWORK,
    says: 'the refused of a node acknowledgement are ignored',
  },
  {
    name: 'frontier-before-acks',
    mutant: 'M_FRONTIER_BEFORE_ACKS',
    bounds: GROUP_TAKEOVER,
    says: 'the frontier moves when entries are sent, not when they are taken',
  },
  {
    name: 'no-wake-mark',
    mutant: 'M_NO_WAKE_MARK',
    bounds: GROUP_TAKEOVER,
    says: 'an ack without a wake mark',
  },
  {
    name: 'mark-acked-before-durable',
    mutant: 'M_MARK_ACKED_BEFORE_DURABLE',
    bounds: GROUP_TAKEOVER,
    says: 'an ack while the wake mark is in flight',
  },
  {
    name: 'no-re-mark',
    mutant: 'M_NO_REMARK',
    bounds: ['ENTRIES=2', 'GROUP_OWNERS=3', 'USER_OWNERS=1', 'LOSSES=0', 'REPEATS=0'],
    says: 'a new owner moves on without marking what it found into its own epoch',
  },
];

function cases(model: Case['model'], mutants: readonly Mutant[]): readonly Case[] {
  return mutants.map((one) => ({
    ...one,
    model,
    kind: 'mutant',
    search: 'shortest',
    memoryMib: 900,
    secondsMax: 300,
    quick: true,
  }));
}

/** All mutants, in the order of the rules that they break. */
export const MUTANTS: readonly Case[] = [
  ...cases('ownership', OWNERSHIP),
  ...cases('trim', TRIM),
  ...cases('delivery', DELIVERY),
];
