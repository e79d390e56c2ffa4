// Loaded before everything else (`node --import`): puts one fault into the source of the product as it is loaded. Owns: the
// putting in. Does not own: which faults there are (mutants.ts). The product itself knows nothing of it.

import { registerHooks } from 'node:module';
import { fileURLToPath } from 'node:url';
import { applied, MUTANTS } from './mutants/index.ts';

const wanted = process.env['MUTANT'];
const mutant = MUTANTS.find(({ name }) => name === wanted);
if (mutant === undefined) throw new Error(`There is no mutant "${wanted ?? ''}".`);

const root = fileURLToPath(new URL('../../', import.meta.url));

registerHooks({
  load(url, context, nextLoad) {
    const loaded = nextLoad(url, context);
    if (!url.startsWith('file:')) return loaded;
    const path = fileURLToPath(url);
    const edits = mutant.edits.filter(({ file }) => path === `${root}${file}`);
    if (edits.length === 0 || loaded.source === undefined || loaded.source === null) return loaded;
    const source =
      typeof loaded.source === 'string' ? loaded.source : Buffer.from(loaded.source as Uint8Array).toString();
    return { ...loaded, source: applied(source, edits) };
  },
});
