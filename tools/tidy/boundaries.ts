// Who may import whom. Owns: the directions of the layout, and which folder alone may import which package.

import { type Import, importsOf } from './imports.ts';
import { isGenerated, isTest, isTypeScript, type SourceFile, type Violation } from './source.ts';

/** The first rule whose prefix fits a path decides; `to` are prefixes of what may be imported. */
const DIRECTIONS: readonly { readonly from: string; readonly to: readonly string[] }[] = [
  { from: 'proto/', to: ['proto/'] },
  { from: 'runtime/', to: ['proto/gen/', 'runtime/'] },
  { from: 'actors/', to: ['proto/gen/', 'runtime/', 'actors/'] },
  { from: 'cluster/', to: ['proto/gen/', 'runtime/', 'cluster/'] },
  { from: 'tools/sdk/', to: ['proto/gen/', 'tools/sdk/'] },
  { from: 'tools/web/', to: ['proto/gen/', 'tools/sdk/', 'tools/web/'] },
  // Examples stand for other repositories: what they need of ours they import as the package (packageOwners).
  { from: 'tools/examples/', to: ['tools/examples/'] },
  { from: 'tools/', to: ['proto/gen/', 'runtime/', 'actors/', 'cluster/', 'tools/'] },
];

/** Packages that one place owns. `only` are prefixes of paths; tests below tools/ may import all of them. */
const PACKAGES: readonly { readonly name: string; readonly only: readonly string[] }[] = [
  { name: '@opentelemetry/', only: ['runtime/telemetry/', 'tools/node/telemetry/'] },
  // The load tools measure the bare library beside ours.
  { name: 'lmdb', only: ['cluster/lmdb/', 'tools/load/'] },
  // The load tools measure the bare library beside ours.
  { name: 'cassandra-driver', only: ['cluster/cassandra/', 'tools/load/'] },
  { name: '@grpc/grpc-js', only: ['cluster/edge/', 'tools/conformance/', 'tools/interop/', 'tools/load/'] },
  // The load tools measure the bare client beside ours.
  { name: '@nats-io/', only: ['cluster/nats/', 'tools/load/'] },
  { name: 'jose', only: ['cluster/auth/'] },
  { name: 'preact', only: ['tools/web/'] },
  { name: '@preact/', only: ['tools/web/'] },
  { name: 'commander', only: ['tools/cli/'] },
  // The package by its own name, as other repositories have it.
  { name: 'starling', only: ['tools/examples/'] },
];

/** What an example may import besides its own files: the package, what generated code needs, and Node. */
const EXAMPLE_IMPORTS = /^(?:starling(?:\/(?:testing|sim|node))?|@bufbuild\/protobuf(?:\/.*)?|node:.*)$/;

/** The folder of one example. */
const EXAMPLE = /^tools\/examples\/[^/]+\//;

/** Built-in modules that code free of I/O may use. */
const PURE_BUILTINS = ['node:async_hooks', 'node:buffer', 'node:crypto', 'node:util'];

/** Imports against the direction of the layout. */
export function importDirections(file: SourceFile): Violation[] {
  if (!isTypeScript(file.path)) return [];
  const rule = DIRECTIONS.find(({ from }) => file.path.startsWith(from));
  if (rule === undefined) return [];
  return importsOf(file).flatMap((found) => {
    const { target } = found;
    if (target === undefined) return [];
    if (!mayImport(file.path, rule.to, target)) {
      return [at(file, found, `${rule.from} may not import ${target}`)];
    }
    if (!isTest(file.path) && isTest(target) && !file.path.startsWith('tools/')) {
      return [at(file, found, `${target} is for tests only`)];
    }
    return [];
  });
}

function mayImport(path: string, allowed: readonly string[], target: string): boolean {
  const example = EXAMPLE.exec(path)?.[0];
  if (example !== undefined) return target.startsWith(example);
  // A test of a tool may bring up what the tool talks to.
  if (path.startsWith('tools/') && isTest(path)) return true;
  // A test of a driver starts the server that it drives.
  if (path.startsWith('cluster/') && isTest(path) && target.startsWith('tools/dev/')) return true;
  // What the programs share with the package, such as its version, lies in the root.
  if (path.startsWith('tools/') && target === 'package.json') return true;
  return allowed.some((prefix) => target.startsWith(prefix));
}

/** Packages imported outside the folder that owns them, and I/O where there must be none. */
export function packageOwners(file: SourceFile): Violation[] {
  if (!isTypeScript(file.path) || isGenerated(file.path)) return [];
  return importsOf(file).flatMap((found) => {
    const { specifier } = found;
    if (found.target !== undefined) return [];
    if (EXAMPLE.test(file.path) && !EXAMPLE_IMPORTS.test(specifier)) {
      return [at(file, found, `an example may not import ${specifier}`)];
    }
    const owner = PACKAGES.find(({ name }) => isOf(specifier, name));
    if (owner !== undefined && !owns(owner.only, file.path)) {
      return [at(file, found, `only ${owner.only.join(', ')} may import ${specifier}`)];
    }
    return mayDoIo(file.path, specifier) ? [] : [at(file, found, `${specifier} has no place here`)];
  });
}

function isOf(specifier: string, name: string): boolean {
  return specifier === name || specifier.startsWith(name.endsWith('/') ? name : `${name}/`);
}

function owns(prefixes: readonly string[], path: string): boolean {
  return prefixes.some((prefix) => path.startsWith(prefix)) || (path.startsWith('tools/') && isTest(path));
}

function mayDoIo(path: string, specifier: string): boolean {
  if (!specifier.startsWith('node:') || isTest(path)) return true;
  if (path.startsWith('runtime/') || path.startsWith('actors/')) return PURE_BUILTINS.includes(specifier);
  // The client library and the page run in browsers; the page's build file does not.
  if (path.startsWith('tools/sdk/') || path.startsWith('tools/web/')) return path.endsWith('vite.config.ts');
  return true;
}

function at(file: SourceFile, { line }: Import, message: string): Violation {
  return { path: file.path, line, message };
}
