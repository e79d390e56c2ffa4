// What a fault of the table of mutants is, and how it is put into a source.

import type { SwarmOptions } from '../swarm.ts';

export interface Edit {
  readonly file: string;
  /** Stands in the file exactly once. */
  readonly find: string;
  readonly replace: string;
}

export interface Mutant {
  readonly name: string;
  readonly edits: readonly Edit[];
  /** Any of these shows it. */
  readonly expected: readonly string[];
  /** What makes it show sooner. */
  readonly options?: SwarmOptions;
  /** Caught by this test rather than by seeds. */
  readonly test?: string;
}

/** The source with the edits made. @throws Error where a text to find does not stand there exactly once */
export function applied(source: string, edits: readonly Edit[]): string {
  let text = source;
  for (const { file, find, replace } of edits) {
    const parts = text.split(find);
    if (parts.length !== 2)
      throw new Error(`${file}: "${find.slice(0, 60)}" stands there ${parts.length - 1} times`);
    text = parts.join(replace);
  }
  return text;
}

/** A fact was shown that did not stay, or the rule that keeps it was seen broken. */
export const SHOWN = ['I1', 'I2', 'I3', 'I5', 'I7', 'I8', 'I17', 'rule 5', 'rule 6'];
