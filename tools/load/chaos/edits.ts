// The known faults that a run of chaos must find, as changes of the product's source. Owns: which there are. Does not own: putting
// them in (mutate.ts), what brings each out (mutants.ts).

import { type Edit, MUTANTS } from '../../sim/mutants/index.ts';

/** How far above the epoch that it read a node claims, with the fault `cas-on-epoch-only`: a variable of the environment. */
export const EPOCH_STEP = 'MUTANT_EPOCH_STEP';

/** By name of the mutant. */
export const CHAOS_EDITS: Readonly<Record<string, readonly Edit[]>> = {
  'no-fence-read': known('no fence read'),
  // Nor by a later checkpoint, which would repeat it: then a group would have one as soon as a member attaches.
  'no-seal': [
    {
      file: 'runtime/recovery.ts',
      find: '  const ts = claim.nextTimestamp();\n',
      replace:
        '  if (head !== undefined) {\n' +
        '    const { floor, asOf, sealSeq, sealTs } = head;\n' +
        '    return { tail, floor, asOf, sealSeq, sealTs };\n' +
        '  }\n' +
        '  const ts = claim.nextTimestamp();\n',
    },
    {
      file: 'runtime/recovery.ts',
      find: "  if (claim.epoch !== epochOf(seal.sealTs)) throw new StarlingError('NOT_OWNER');\n",
      replace: '',
    },
  ],
  // As who claims would draw its epoch from elsewhere, and ask only that the row be of a lower one: then the row that it changes
  // need not be the one whose owner it has fenced.
  'cas-on-epoch-only': [
    {
      file: 'cluster/ownership/machine.ts',
      find: 'const epoch = from === undefined ? FIRST_EPOCH : from.epoch + 1;',
      replace: `const epoch = from === undefined ? FIRST_EPOCH : from.epoch + (owner === state.me ? Number(process.env['${EPOCH_STEP}'] ?? 1) : 1);`,
    },
    {
      file: 'cluster/cassandra/statements.ts',
      find: 'WHERE shard = ? IF epoch = ? AND owner = ?`',
      replace: 'WHERE shard = ? IF epoch < ?`',
    },
    {
      file: 'cluster/cassandra/shards.ts',
      find: 'params: [to.epoch, to.owner, shard, from.epoch, from.owner] };',
      replace: 'params: [to.epoch, to.owner, shard, to.epoch] };',
    },
  ],
};

/** As the simulator puts it in. */
function known(name: string): readonly Edit[] {
  const mutant = MUTANTS.find((each) => each.name === name);
  if (mutant === undefined) throw new Error(`the simulator has no mutant "${name}"`);
  return mutant.edits;
}
