// The list of seeds that found something once.

import { readFileSync } from 'node:fs';

/** The seeds of a list: one a line, with what it found; `#` begins a comment. @throws Error for a line without a number */
export function knownSeeds(text: string): number[] {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => {
      const seed = Number(line.split(' ')[0]);
      if (!Number.isSafeInteger(seed)) throw new Error(`"${line}" does not begin with a seed`);
      return seed;
    });
}

export function readKnownSeeds(): number[] {
  return knownSeeds(readFileSync(new URL('./seeds.txt', import.meta.url), 'utf8'));
}
