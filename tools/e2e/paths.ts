// Where things are.

import { fileURLToPath } from 'node:url';

/** The repository. */
export const root: string = fileURLToPath(new URL('../..', import.meta.url));

/** Results and pictures. */
export const outDir: string = fileURLToPath(new URL('../../out', import.meta.url));
