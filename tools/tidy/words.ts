// Words and constructs that no file may hold.

import { isGenerated, isTest, isTypeScript, matches, type SourceFile, type Violation } from './source.ts';

/** Files that a tool loads by their default export, with the tool. */
const DEFAULT_EXPORTS: Readonly<Record<string, string>> = {
  'tools/web/vite.config.ts': 'vite',
};

function ours(file: SourceFile): boolean {
  return isTypeScript(file.path) && !isGenerated(file.path);
}

/** `export *` hides what a door lets out. */
export function starExports(file: SourceFile): Violation[] {
  return ours(file) ? matches(file, /\bexport\s*\*/g, 'name what is exported') : [];
}

/** A default export has no name to search for. */
export function defaultExports(file: SourceFile): Violation[] {
  if (!ours(file) || file.path in DEFAULT_EXPORTS) return [];
  return matches(file, /\bexport\s+default\b|\bas\s+default\b/g, 'export it by a name');
}

/** `any` switches the compiler off. */
export function anyTypes(file: SourceFile): Violation[] {
  if (!ours(file)) return [];
  return matches(
    file,
    /(?:[:<|&=]\s*|\bas\s+|\bextends\s+)any\b(?![.(])|\bany(?:\[\]|>)/g,
    'use unknown and parse it',
  );
}

/** An enum is code that types cannot erase. */
export function enums(file: SourceFile): Violation[] {
  return ours(file) ? matches(file, /\benum\s+\w+\s*\{/g, 'use a union of literals') : [];
}

/** `private` is a promise of the compiler alone; `#` is one of the language. Constructors have only the first. */
export function privateKeyword(file: SourceFile): Violation[] {
  return ours(file) ? matches(file, /^\s+private\s(?!\s*constructor\b)/gm, 'use #name') : [];
}

/** State of a module is shared by all who import it, tests too. */
export function moduleState(file: SourceFile): Violation[] {
  return ours(file) ? matches(file, /^(?:export\s+)?(?:let|var)\b/gm, 'a module has no mutable state') : [];
}

/** Work left for later belongs into the tracker. */
export function laterWork(file: SourceFile): Violation[] {
  if (!ours(file)) return [];
  return matches(file, /\b(?:TODO|FIXME|XXX|HACK)\b/g, 'a comment is not a list of work', 'comments');
}

/** A test that does not run proves nothing, and one that runs alone hides the others. */
export function unrunTests(file: SourceFile): Violation[] {
  if (!isTypeScript(file.path) || !isTest(file.path)) return [];
  return [
    ...matches(
      file,
      /\b(?:test|it|describe|suite|t)\s*\.\s*(?:only|skip|todo)\b/g,
      'every test runs, always',
    ),
    ...matches(file, /\b(?:only|skip|todo)\s*:\s*(?:true\b|['"`])/g, 'every test runs, always'),
  ];
}

/** The repository works wherever it lies. */
export function machinePaths(file: SourceFile): Violation[] {
  const pattern = /(?<![\w.)\]}/-])\/(?:work|root|home)\/[\w.]/g;
  return matches(file, pattern, 'a path of one machine', 'text');
}
