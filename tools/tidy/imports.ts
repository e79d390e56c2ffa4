// Which imports a file makes.

import { posix } from 'node:path';
import { lineAt, type SourceFile } from './source.ts';

/** One import, export-from or dynamic import. */
export interface Import {
  /** As written. */
  readonly specifier: string;
  /** Path from the root for a relative import; undefined for a package. */
  readonly target: string | undefined;
  /** Counted from 1. */
  readonly line: number;
}

const IMPORT = /\b(?:from\s*|import\s*\(\s*|import\s+)(['"])( *)\1/g;

/** Every import of a file, in order. */
export function importsOf(file: SourceFile): Import[] {
  return [...file.code.matchAll(IMPORT)].map((match) => {
    const end = match.index + match[0].length - 1;
    const specifier = file.text.slice(end - (match[2] ?? '').length, end);
    const relative = specifier.startsWith('.');
    const target = relative ? posix.normalize(posix.join(posix.dirname(file.path), specifier)) : undefined;
    return { specifier, target, line: lineAt(file.text, match.index) };
  });
}
