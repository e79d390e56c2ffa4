// Puts the packages of other platforms into package-lock.json that the registry at hand does not serve. They carry the
// version that is asked for and no checksum; `npm install` at a registry that has them adds it.

import { readFileSync, writeFileSync } from 'node:fs';
import { missingEntries } from '../tidy/index.ts';

const LOCK = 'package-lock.json';
const SYSTEMS = [
  'aix',
  'android',
  'darwin',
  'freebsd',
  'linux',
  'netbsd',
  'openbsd',
  'openharmony',
  'sunos',
  'win32',
];
const PROCESSORS = ['arm64', 'arm', 'armv7', 'ia32', 'loong64', 'ppc64', 'riscv64', 's390x', 'x64'];

const text = readFileSync(LOCK, 'utf8');
const lock = JSON.parse(text) as { packages: Record<string, object> };
const missing = missingEntries(text);
for (const { name, version, dev } of missing) {
  if (!/^\d+\.\d+\.\d+\S*$/.test(version)) throw new Error(`${name}: ${version} is not one version`);
  const words = name.split(/[/-]/);
  const system = SYSTEMS.find((word) => words.includes(word));
  const processor = PROCESSORS.find((word) => words.includes(word));
  lock.packages[`node_modules/${name}`] = {
    version,
    ...(processor === undefined ? {} : { cpu: [processor === 'armv7' ? 'arm' : processor] }),
    ...(dev ? { dev } : {}),
    ...(system === 'linux' && words.includes('musl') ? { libc: ['musl'] } : {}),
    optional: true,
    ...(system === undefined ? {} : { os: [system] }),
  };
}
const sorted = Object.entries(lock.packages).sort(([a], [b]) => a.localeCompare(b, 'en'));
if (missing.length > 0) {
  writeFileSync(LOCK, `${JSON.stringify({ ...lock, packages: Object.fromEntries(sorted) }, null, 2)}\n`);
}
process.stdout.write(`${LOCK}: ${missing.length} packages added\n`);
