// Loaded before everything else (`node --import`): puts one fault into the source of the product as it is loaded. Does not own:
// which faults there are (mutants/), how they are put in (mutants/put-in.ts).

import { MUTANTS } from './mutants/index.ts';
import { putIn } from './mutants/put-in.ts';

const wanted = process.env['MUTANT'];
const mutant = MUTANTS.find(({ name }) => name === wanted);
if (mutant === undefined) throw new Error(`There is no mutant "${wanted ?? ''}".`);
putIn(mutant.edits);
