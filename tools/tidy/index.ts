// The rules that the repository keeps, as programs. Owns: the list of rules. Does not own: what the formatter, the
// compiler, `buf` and the dead-code check already say.
//
// Invariants:
// 1. A rule is a function of files, without I/O of its own.
// 2. Every rule has a test that shows it a violation.

import { importDirections, packageOwners } from './boundaries.ts';
import { bannedCalls, sleepsInTests } from './calls.ts';
import { deadLinks } from './links.ts';
import { lockFile } from './lock.ts';
import { doorComments, fileLengths, folderDoors, lineLengths } from './shape.ts';
import type { SourceFile, Violation } from './source.ts';
import {
  anyTypes,
  defaultExports,
  enums,
  laterWork,
  machinePaths,
  moduleState,
  privateKeyword,
  starExports,
  unrunTests,
} from './words.ts';

export { missingEntries } from './lock.ts';
export { type SourceFile, sourceFile, type Violation } from './source.ts';

/** All files of the repository. */
export interface Repository {
  readonly files: readonly SourceFile[];
  /** Whether a file or folder exists, by its path from the root. */
  readonly exists: (path: string) => boolean;
}

/** A rule: its name in reports, and where it is broken. */
export interface Rule {
  readonly name: string;
  readonly check: (repository: Repository) => Violation[];
}

const perFile = (name: string, check: (file: SourceFile) => Violation[]): Rule => ({
  name,
  check: ({ files }) => files.flatMap(check),
});

export const RULES: readonly Rule[] = [
  perFile('import-direction', importDirections),
  perFile('package-owner', packageOwners),
  perFile('banned-call', bannedCalls),
  perFile('sleep-in-test', sleepsInTests),
  perFile('unrun-test', unrunTests),
  perFile('star-export', starExports),
  perFile('default-export', defaultExports),
  perFile('any-type', anyTypes),
  perFile('enum', enums),
  perFile('private-keyword', privateKeyword),
  perFile('module-state', moduleState),
  perFile('later-work', laterWork),
  perFile('machine-path', machinePaths),
  perFile('lock-file', lockFile),
  perFile('file-length', fileLengths),
  perFile('line-length', lineLengths),
  perFile('door-comment', doorComments),
  { name: 'folder-door', check: ({ files }) => folderDoors(files) },
  { name: 'dead-link', check: ({ files, exists }) => files.flatMap((file) => deadLinks(file, exists)) },
];

/** Every violation of every rule, with the rule's name, by path and line. */
export function tidy(repository: Repository): (Violation & { readonly rule: string })[] {
  return RULES.flatMap((rule) =>
    rule.check(repository).map((violation) => ({ ...violation, rule: rule.name })),
  ).sort((a, b) => (a.path === b.path ? a.line - b.line : a.path < b.path ? -1 : 1));
}
