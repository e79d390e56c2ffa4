// Puts edits into the sources of the product as they are loaded. The product itself knows nothing of it.

import { registerHooks } from 'node:module';
import { fileURLToPath } from 'node:url';
import { applied, type Edit } from './mutant.ts';

const root = fileURLToPath(new URL('../../../', import.meta.url));

/** For whatever this process loads from now on. @throws Error, from the import, where a text to find is not in its file once */
export function putIn(edits: readonly Edit[]): void {
  registerHooks({
    load(url, context, nextLoad) {
      const loaded = nextLoad(url, context);
      if (!url.startsWith('file:')) return loaded;
      const path = fileURLToPath(url);
      const own = edits.filter(({ file }) => path === `${root}${file}`);
      if (own.length === 0 || loaded.source === undefined || loaded.source === null) return loaded;
      const source =
        typeof loaded.source === 'string'
          ? loaded.source
          : Buffer.from(loaded.source as Uint8Array).toString();
      return { ...loaded, source: applied(source, own) };
    },
  });
}
