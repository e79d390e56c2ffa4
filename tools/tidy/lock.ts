// The lock file. Owns: that `npm ci` takes it on every platform, whatever registry it was written with.
//
// A registry that does not serve the packages of other platforms makes npm leave them out, and `npm ci` then refuses the
// lock file everywhere. `node tools/dev/complete-lock.ts` puts them in, with the version that is asked for.

import { lineAt, type SourceFile, type Violation } from './source.ts';

/** An optional dependency that some package asks for and that the lock file does not hold. */
export interface MissingEntry {
  readonly name: string;
  /** The exact version or the range that is asked for. */
  readonly version: string;
  /** True where only development needs it. */
  readonly dev: boolean;
}

interface LockedPackage {
  readonly dev?: boolean;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

/** Every optional dependency that a lock file of npm, version 3, lacks. */
export function missingEntries(text: string): MissingEntry[] {
  const lock = JSON.parse(text) as { readonly packages?: Readonly<Record<string, LockedPackage>> };
  const packages = lock.packages ?? {};
  return Object.entries(packages).flatMap(([place, { dev = false, optionalDependencies = {} }]) =>
    Object.entries(optionalDependencies)
      .filter(([name]) => !isLocked(packages, place, name))
      .map(([name, version]) => ({ name, version, dev })),
  );
}

/** A package is found beside the one that asks or in a folder above, as Node looks for it. */
function isLocked(packages: Readonly<Record<string, unknown>>, place: string, name: string): boolean {
  const inside = place === '' ? `node_modules/${name}` : `${place}/node_modules/${name}`;
  if (inside in packages) return true;
  if (place === '') return false;
  return isLocked(packages, place.slice(0, Math.max(place.lastIndexOf('/node_modules/'), 0)), name);
}

/** Lock files that `npm ci` refuses, or that name a registry. */
export function lockFile(file: SourceFile): Violation[] {
  if (file.path !== 'package-lock.json') return [];
  const missing = missingEntries(file.text).map(({ name }) => ({
    path: file.path,
    line: lineAt(file.text, file.text.indexOf(`"${name}"`)),
    message: `${name} is missing: run node tools/dev/complete-lock.ts`,
  }));
  const resolved = file.text.indexOf('"resolved":');
  if (resolved === -1) return missing;
  return [...missing, { path: file.path, line: lineAt(file.text, resolved), message: 'names a registry' }];
}
