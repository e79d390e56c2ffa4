// Named servers of this person. Owns: the file of contexts. Does not own: which one a command uses (target.ts).

import { mkdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { suggestion, writeAtomic } from '../node/internal.ts';
import { CliError } from './exit.ts';

/** Where a server is and how to be let in. */
export interface Context {
  /** Base address. */
  readonly address: string;
  /** Token of scope `admin`; empty = none kept. */
  readonly token: string;
}

/** All contexts, and the one in use. */
export interface Contexts {
  /** Empty = none. */
  readonly current: string;
  readonly byName: Readonly<Record<string, Context>>;
}

/** Most contexts kept. */
const CONTEXTS_MAX = 100;

/** `${XDG_CONFIG_HOME:-~/.config}/starling/contexts.json`. */
export function contextsPath(environment: Readonly<Record<string, string | undefined>>): string {
  const { HOME: home = '.', XDG_CONFIG_HOME: base = '' } = environment;
  return join(base === '' ? join(home, '.config') : base, 'starling', 'contexts.json');
}

/** Reads the file; no file = no contexts. */
export async function readContexts(path: string): Promise<Contexts> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { current: '', byName: {} };
    throw new CliError('failed', `Cannot read ${path}: ${(error as Error).message}`, { cause: error });
  }
  const contexts = parseContexts(text);
  if (contexts === undefined) {
    throw new CliError('usage', `${path} is not a file of contexts.`, { hint: 'Mend it or delete it.' });
  }
  return contexts;
}

function parseContexts(text: string): Contexts | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null) return undefined;
  const { current, contexts } = value as Record<string, unknown>;
  if (typeof current !== 'string' || typeof contexts !== 'object' || contexts === null) return undefined;
  const byName: Record<string, Context> = {};
  for (const [name, entry] of Object.entries(contexts)) {
    const { address, token } = (entry ?? {}) as Record<string, unknown>;
    if (typeof address !== 'string' || typeof token !== 'string') return undefined;
    byName[name] = { address, token };
  }
  return { current, byName };
}

async function write(path: string, contexts: Contexts): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  // It may hold tokens, so nobody else may read it.
  const value = { current: contexts.current, contexts: contexts.byName };
  await writeAtomic(path, `${JSON.stringify(value, undefined, 2)}\n`, 0o600);
}

/** Adds or replaces a context; the first one is put in use. */
export async function setContext(path: string, name: string, context: Context): Promise<Contexts> {
  const before = await readContexts(path);
  const byName = { ...before.byName, [name]: context };
  if (Object.keys(byName).length > CONTEXTS_MAX)
    throw new CliError('usage', `At most ${CONTEXTS_MAX} contexts are kept.`);
  const after = { current: before.current === '' ? name : before.current, byName };
  await write(path, after);
  return after;
}

/** Puts a context in use; an empty name puts none in use, so that the local node is found. */
export async function useContext(path: string, name: string): Promise<Contexts> {
  const before = await readContexts(path);
  if (name !== '') namedContext(before, name);
  const after = { ...before, current: name };
  await write(path, after);
  return after;
}

/** Forgets a context. */
export async function removeContext(path: string, name: string): Promise<Contexts> {
  const before = await readContexts(path);
  namedContext(before, name);
  const byName = Object.fromEntries(Object.entries(before.byName).filter(([other]) => other !== name));
  const after = { current: before.current === name ? '' : before.current, byName };
  await write(path, after);
  return after;
}

/** @throws CliError `missing`, with the nearest name */
export function namedContext(contexts: Contexts, name: string): Context {
  const context = Object.hasOwn(contexts.byName, name) ? contexts.byName[name] : undefined;
  if (context !== undefined) return context;
  throw new CliError(
    'missing',
    `There is no context "${name}"${suggestion(name, Object.keys(contexts.byName))}.`,
    {
      hint: 'See them with: starling context list',
    },
  );
}
