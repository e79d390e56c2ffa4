// `make package`: the package that other repositories install, in dist/package, and packed as a file beside it. Owns: what
// is in it, its manifest. Does not own: the doors, which are the `exports` of the root's package.json.
//
// Invariants:
// 1. The package holds what its doors and its program reach, compiled, and nothing else: no tests, no sources.
// 2. Every package that the compiled code imports is a dependency of it, at the version that was tested; no other is.
// 3. `@bufbuild/protobuf` is a peer: the code that an author generates must use the same one.

import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

interface Manifest {
  readonly version: string;
  readonly description: string;
  readonly license: string;
  readonly engines: Readonly<Record<string, string>>;
  readonly bin: Readonly<Record<string, string>>;
  readonly exports: Readonly<Record<string, string>>;
  readonly dependencies: Readonly<Record<string, string>>;
}

const PEER = '@bufbuild/protobuf';
const IMPORT = /(?:\bfrom\s*|\bimport\s*\(\s*|\bimport\s+)["']([^"'.][^"']*)["']/g;
const RELATIVE = /(?:\bfrom\s*|\bimport\s*\(\s*|\bimport\s+)["'](\.[^"']*)["']/g;
const README = `# Starling

Virtual actors with durable, ordered logs, and the instant-messaging system that is built of them.

| import | what it is |
|---|---|
| \`starling\` | the actor runtime: contracts become actors |
| \`starling/testing\` | actors under simulated time, on one node or several |
| \`starling/sim\` | many random histories of a cluster with your actors, each from one seed |
| \`starling/node\` | a whole node as a library |
| \`starling/sdk\`, \`starling/sdk/indexeddb\` | the client library for browsers and Node |

\`npx starling dev\` runs a node; \`npx starling dev --actors ./acme.ts\` runs one with your actors.
`;

const root = fileURLToPath(new URL('../../', import.meta.url));
const { values } = parseArgs({ options: { out: { type: 'string' } } });
/** The tarball is written here; the tree below it in `package`. */
const out = values.out ?? join(root, 'dist');
const tree = join(out, 'package');

try {
  build();
  process.stdout.write(`${join(out, pack())}\n`);
} catch (error) {
  process.stderr.write(`error: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}

function build(): void {
  rmSync(tree, { recursive: true, force: true });
  mkdirSync(tree, { recursive: true });
  run(process.execPath, [tsc(), '-p', join(root, 'tsconfig.package.json'), '--outDir', tree], root);
  prune();
  const page = join(root, 'dist', 'web');
  if (existsSync(page)) cpSync(page, join(tree, 'dist', 'web'), { recursive: true });
  cpSync(join(root, 'LICENSE'), join(tree, 'LICENSE'));
  writeFileSync(join(tree, 'README.md'), README);
  writeFileSync(join(tree, 'package.json'), `${JSON.stringify(manifest(), undefined, 2)}\n`);
}

function tsc(): string {
  return join(root, 'node_modules', 'typescript', 'bin', 'tsc');
}

function manifest(): object {
  const own = ownManifest();
  const imported = importedPackages();
  const missing = imported.filter((name) => own.dependencies[name] === undefined);
  if (missing.length > 0)
    throw new Error(`the package imports ${missing.join(', ')}, no dependency of package.json`);
  const compiled = (record: Readonly<Record<string, string>>): Record<string, string> =>
    Object.fromEntries(Object.entries(record).map(([name, path]) => [name, path.replace(/\.ts$/, '.js')]));
  const { version, description, license, engines } = own;
  const exact = imported.filter((name) => name !== PEER).map((name) => [name, own.dependencies[name]]);
  return {
    name: 'starling',
    version,
    description,
    license,
    type: 'module',
    engines,
    bin: compiled(own.bin),
    exports: { ...compiled(own.exports), './package.json': './package.json' },
    peerDependencies: { [PEER]: `^${own.dependencies[PEER]}` },
    dependencies: Object.fromEntries(exact),
    files: ['actors', 'cluster', 'dist', 'proto', 'runtime', 'tools'],
  };
}

/** Invariant 1: the compiler also writes what is imported for its types alone. */
function prune(): void {
  const own = ownManifest();
  const doors = [...Object.values(own.exports), ...Object.values(own.bin)].map((path) => join(tree, path));
  const kept = new Set<string>();
  const keep = (path: string): void => {
    if (kept.has(path) || !existsSync(path)) return;
    kept.add(path);
    const extension = path.endsWith('.d.ts') ? '.d.ts' : '.js';
    for (const [, specifier = ''] of readFileSync(path, 'utf8').matchAll(RELATIVE))
      keep(join(dirname(path), specifier.replace(/\.(?:ts|js)$/, extension)));
  };
  for (const door of doors) for (const extension of ['.js', '.d.ts']) keep(door.replace(/\.ts$/, extension));
  for (const file of globSync('**/*.{js,d.ts}', { cwd: tree }))
    if (!kept.has(join(tree, file))) rmSync(join(tree, file));
}

function ownManifest(): Manifest {
  return JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Manifest;
}

/** Names of the packages that the compiled code imports, sorted. */
function importedPackages(): string[] {
  const names = new Set<string>();
  for (const file of globSync('**/*.{js,d.ts}', { cwd: tree, exclude: ['dist/**'] })) {
    for (const [, specifier = ''] of readFileSync(join(tree, file), 'utf8').matchAll(IMPORT)) {
      if (specifier.startsWith('node:') || specifier.includes(' ')) continue;
      names.add(specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/'));
    }
  }
  return [...names].sort();
}

/** Packs the tree; returns the name of the file. */
function pack(): string {
  const printed = run('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', out], tree);
  const [packed] = JSON.parse(printed) as { filename: string }[];
  if (packed === undefined) throw new Error(`npm pack named no file: ${printed}`);
  return packed.filename;
}

function run(program: string, args: readonly string[], cwd: string): string {
  const { error, status, stdout, stderr } = spawnSync(program, args, { cwd, encoding: 'utf8' });
  if (error !== undefined) throw error;
  if (status !== 0) throw new Error(`${program} ${args.join(' ')} ended with ${status}:\n${stdout}${stderr}`);
  return stdout;
}
