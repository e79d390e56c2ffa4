// Sizes of files and lines, and the doors of folders.

import { isGenerated, isTypeScript, type SourceFile, type Violation } from './source.ts';

const LINES_MAX = 300;
const LINES_WITH_REASON_MAX = 500;
const CODE_COLUMNS_MAX = 110;
const TEXT_COLUMNS_MAX = 160;
const REASON = /^\/\/ Longer than 300 lines because \S/;

/** Folders without a door, with the reason. */
const DOORLESS: Readonly<Record<string, string>> = {
  'runtime/ports': 'each port is a door of its own, so that a driver names the one it implements',
  'tools/dev': 'each file that is run is a program of the Makefile',
  'tools/load': 'each file that is run is a program of the Makefile',
};

const DOORS = ['index.ts', 'main.ts', 'index.tsx', 'main.tsx'];

/** A file is read in one go: 300 lines, 500 where its first line says why. */
export function fileLengths(file: SourceFile): Violation[] {
  if (!isTypeScript(file.path) || isGenerated(file.path)) return [];
  const lines = file.text.trimEnd().split('\n').length;
  const max = REASON.test(file.text) ? LINES_WITH_REASON_MAX : LINES_MAX;
  return lines <= max ? [] : [{ path: file.path, line: max + 1, message: `${lines} lines, at most ${max}` }];
}

/** A line fits the screen. One with a comment or a text in quotes may run longer, not without end. */
export function lineLengths(file: SourceFile): Violation[] {
  if (!/\.(tsx?|sh)$/.test(file.path) || isGenerated(file.path)) return [];
  const code = file.code === '' ? [] : file.code.split('\n');
  return file.text.split('\n').flatMap((line, index) => {
    const words = isTypeScript(file.path) ? /^\s*$|['"`]/.test(code[index] ?? '') : /^\s*#|['"]/.test(line);
    const max = words ? TEXT_COLUMNS_MAX : CODE_COLUMNS_MAX;
    const length = [...line].length;
    return length <= max
      ? []
      : [{ path: file.path, line: index + 1, message: `${length} columns, at most ${max}` }];
  });
}

/** A door says what lies behind it. */
export function doorComments(file: SourceFile): Violation[] {
  if (!/^(?:runtime|actors|cluster|tools)\/.*index\.ts$/.test(file.path)) return [];
  if (/^(?:#!.*\n)?\/[/*]/.test(file.text)) return [];
  return [
    { path: file.path, line: 1, message: 'a door opens with what the folder owns, and what it does not' },
  ];
}

/** A folder of several files is entered by one of them. */
export function folderDoors(files: readonly SourceFile[]): Violation[] {
  const folders = new Map<string, string[]>();
  for (const { path } of files) {
    // What lies below a program's own folder is entered by that program alone.
    if (!isTypeScript(path) || !/^(?:(?:runtime|actors|cluster)\/|tools\/[^/]+\/[^/]+$)/.test(path)) continue;
    const cut = path.lastIndexOf('/');
    const folder = path.slice(0, cut);
    folders.set(folder, [...(folders.get(folder) ?? []), path.slice(cut + 1)]);
  }
  return [...folders].flatMap(([folder, names]) => {
    const code = names.filter((name) => !/\.test\.tsx?$/.test(name));
    const hasDoor = names.some((name) => DOORS.includes(name));
    const needsNone = code.length < 2 || folder.split('/').includes('testing') || folder in DOORLESS;
    return hasDoor || needsNone ? [] : [{ path: folder, line: 1, message: 'has no index.ts and no main.ts' }];
  });
}
