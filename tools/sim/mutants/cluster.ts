// Faults in ownership, membership, drivers and the levels of reads.

import { type Edit, type Mutant, SHOWN } from './mutant.ts';

const levels = (find: string, replace: string): Edit => ({
  file: 'runtime/testing/quorum/levels.ts',
  find,
  replace,
});
const machine = (find: string, replace: string): Edit => ({
  file: 'cluster/ownership/machine.ts',
  find,
  replace,
});
const calls = (find: string, replace: string): Edit => ({
  file: 'cluster/ownership/table-calls.ts',
  find,
  replace,
});
const members = (find: string, replace: string): Edit => ({
  file: 'cluster/membership/members.ts',
  find,
  replace,
});

export const CLUSTER_MUTANTS: readonly Mutant[] = [
  {
    name: 'claim by the epoch alone',
    edits: [
      // As who claims would draw its epoch from elsewhere: higher than any that it has read.
      machine(
        'const epoch = from === undefined ? FIRST_EPOCH : from.epoch + 1;',
        'const epoch = from === undefined ? FIRST_EPOCH : from.epoch + (owner === state.me ? 3 : 1);',
      ),
      {
        file: 'runtime/testing/quorum/shards.ts',
        find: 'const decide = (current: ShardOwner | undefined) => (same(current, wanted) ? row : undefined);',
        replace:
          'const decide = (current: ShardOwner | undefined) => ((current?.epoch ?? 0) < row.epoch || same(current, wanted) ? row : undefined);',
      },
    ],
    expected: ['I4', 'I1', 'I2', 'I3'],
    options: { on: ['kill', 'false_death', 'rebalance', 'cut_replica', 'hold'] },
  },
  {
    name: 'claim without fencing first',
    edits: [
      machine(
        `return go(state, { kind: 'fencing', row }, { kind: 'fence', owner: row.owner });`,
        'return claim(state, row);',
      ),
    ],
    expected: ['I4', 'I1'],
  },
  {
    name: 'fence of unknown outcome taken as done',
    edits: [
      calls(
        `      // Unknown is not done: it is written again until it is known, or the claim is given up.\n      return { kind: 'failed' };`,
        `      return { kind: 'fenced-owner' };`,
      ),
    ],
    options: { on: ['bad_store', 'cut_from_store', 'cut_replica', 'kill', 'false_death', 'slow_replica'] },
    expected: ['I4', 'I1'],
  },
  {
    name: 'move before the flush',
    edits: [
      {
        file: 'cluster/ownership/shard-ownership.ts',
        find: 'await this.#host?.drainShard(shard',
        replace: 'void this.#host?.drainShard(shard',
      },
    ],
    expected: ['I4', 'I1', 'I2', 'I3', 'I7'],
  },
  {
    name: 'an owner resumes after a move',
    edits: [
      machine(
        'return row.epoch > state.used ? begin(state, row.epoch) : leave(state, row.epoch, state.me);',
        'return begin(state, row.epoch);',
      ),
      machine(`  invariant(epoch > state.used, 'an epoch begins once');\n`, ''),
    ],
    options: { on: ['rebalance', 'bad_store', 'cut_from_store', 'cut_replica', 'slow_replica'] },
    expected: ['I4', 'I3', 'I14'],
  },
  {
    name: 'a swap of unknown outcome taken as not applied',
    edits: [
      machine(
        "return phase.kind === 'swapping' ? settle(state, phase.from) : stay(state);",
        [
          "if (phase.kind === 'swapping' && phase.from?.owner === state.me)",
          "        return go(state, { kind: 'serving', epoch: phase.from.epoch }, { kind: 'begin', epoch: phase.from.epoch });",
          "      return phase.kind === 'swapping' ? settle(state, phase.from) : stay(state);",
        ].join('\n'),
      ),
    ],
    options: { on: ['rebalance', 'bad_store', 'cut_from_store', 'cut_replica', 'slow_replica'] },
    expected: ['I4', 'I3', 'I14', 'I11'],
  },
  {
    name: 'write times as numbers',
    edits: [
      {
        file: 'cluster/ownership/claim.ts',
        find: '    return this.#last;',
        replace: '    return Number(this.#last) as unknown as bigint;',
      },
    ],
    expected: ['I14', 'no stray errors'],
  },
  {
    name: 'silence counted over a gap of the own lease',
    edits: [
      members(
        '  if (state.standsSinceMs === undefined || !leaseStands(state, nowMs)) return 0;\n  return nowMs - Math.max(other.heardMs, state.standsSinceMs);',
        '  return nowMs - other.heardMs;',
      ),
      members("  if (answer === 'well')\n    return", '  if (false)\n    return'),
    ],
    expected: ['I16'],
  },
  {
    name: 'lease renewed without a look at the store',
    edits: [
      members('return fenceReadMs !== undefined && nowMs - fenceReadMs < limits.leaseMs;', 'return true;'),
    ],
    expected: ['I11', 'I16'],
  },
  {
    name: 'fence read at one replica',
    edits: [
      levels(
        `export const FENCE_READ: ReadLevel = { consistency: 'QUORUM'`,
        `export const FENCE_READ: ReadLevel = { consistency: 'LOCAL_ONE'`,
      ),
    ],
    options: { on: ['cut_replica', 'replica_crash', 'false_death', 'slow_replica', 'bad_store'] },
    expected: SHOWN,
  },
  {
    name: 'data read without repair',
    edits: [
      levels(
        `export const DATA_READ: ReadLevel = { consistency: 'QUORUM', readRepair: 'BLOCKING' };`,
        `export const DATA_READ: ReadLevel = { consistency: 'QUORUM', readRepair: 'NONE' };`,
      ),
    ],
    options: { on: ['cut_replica', 'bad_store', 'kill', 'false_death'] },
    expected: SHOWN,
  },
  {
    name: 'embedded store acknowledges before the disk has it',
    edits: [
      {
        file: 'cluster/lmdb/committer.ts',
        find: 'await engine.write(plan.writes);',
        replace: 'engine.write(plan.writes).catch(() => {});',
      },
    ],
    expected: ['I18'],
    test: 'cluster/lmdb/committer.test.ts',
  },
];
