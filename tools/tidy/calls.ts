// Calls that pass by the ports of time, randomness and configuration. Owns: what is banned where, and the exceptions.

import { isTest, isTypeScript, lineAt, matches, type SourceFile, type Violation } from './source.ts';

const PLACES = ['runtime/', 'actors/', 'cluster/'];

/** What may not stand in the code of PLACES, and the port to use in its place. */
const BANNED: readonly { readonly name: string; readonly pattern: RegExp; readonly use: string }[] = [
  { name: 'Date.now', pattern: /\bDate\s*\.\s*now\b/g, use: 'Clock.now' },
  { name: 'new Date()', pattern: /\bnew\s+Date\s*(?:\(\s*\)|(?![\w\s(]))/g, use: 'Clock.now' },
  { name: 'performance', pattern: /\bperformance\s*\.\s*now\b/g, use: 'Clock.monotonic' },
  { name: 'process.hrtime', pattern: /\bprocess\s*\.\s*hrtime\b/g, use: 'Clock.monotonic' },
  { name: 'setTimeout', pattern: /(?<![.\w#])setTimeout\b/g, use: 'Clock.after' },
  { name: 'setInterval', pattern: /(?<![.\w#])setInterval\b/g, use: 'Clock.after' },
  { name: 'Math.random', pattern: /\bMath\s*\.\s*random\b/g, use: 'Random.float' },
  {
    name: 'random bytes',
    pattern: /\b(?:randomBytes|randomUUID|randomInt|randomFill(?:Sync)?|getRandomValues)\b/g,
    use: 'Random.bits64',
  },
  { name: 'process.env', pattern: /\bprocess\s*\.\s*env\b/g, use: 'an option given by tools/node' },
];

/** Exceptions: where, what, why. A path ends in a slash for a folder. */
const ALLOWED: readonly { readonly path: string; readonly names: readonly string[]; readonly why: string }[] =
  [
    {
      path: 'cluster/clock/clock.ts',
      names: ['Date.now', 'performance', 'process.hrtime', 'setTimeout', 'setInterval'],
      why: 'the driver of the clock port',
    },
    {
      path: 'cluster/clock/random.ts',
      names: ['Math.random', 'random bytes'],
      why: 'the driver of the random port',
    },
  ];

/** Time, randomness and configuration taken from elsewhere than the ports. */
export function bannedCalls(file: SourceFile): Violation[] {
  if (!isTypeScript(file.path) || isTest(file.path)) return [];
  if (!PLACES.some((place) => file.path.startsWith(place))) return [];
  return BANNED.filter(({ name }) => !isAllowed(file.path, name)).flatMap(({ name, pattern, use }) =>
    matches(file, pattern, `${name} is not for this place: use ${use}`),
  );
}

function isAllowed(path: string, name: string): boolean {
  return ALLOWED.some(
    (exception) =>
      exception.names.includes(name) &&
      (exception.path.endsWith('/') ? path.startsWith(exception.path) : path === exception.path),
  );
}

/** Tests that wait for time to pass. One driver of fake time takes the place of every sleep. */
export function sleepsInTests(file: SourceFile): Violation[] {
  if (!/\.test\.tsx?$/.test(file.path)) return [];
  const sleeps = matches(
    file,
    /(?<![.\w#])(?:setTimeout|setInterval|sleep)\s*\(/g,
    'a test does not wait for time to pass: drive the simulated clock, or wait for the event itself',
  );
  const at = file.text.search(/from 'node:timers\/promises'/);
  if (at === -1 || file.code.charAt(at) !== 'f') return sleeps;
  return [...sleeps, { path: file.path, line: lineAt(file.text, at), message: 'a test does not sleep' }];
}
