// Loaded before everything else (`node --import`): puts one of the faults of CHAOS_EDITS into a node.

import { putIn } from '../../sim/mutants/put-in.ts';
import { CHAOS_EDITS } from './edits.ts';

const wanted = process.env['MUTANT'] ?? '';
const edits = CHAOS_EDITS[wanted];
if (edits === undefined) throw new Error(`There is no mutant "${wanted}".`);
putIn(edits);
