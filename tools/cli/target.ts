// Which server a command talks to, and as whom. Owns: the order in which it is found. Does not own: tokens' content.
// Order: --address and --token (or STARLING_ADDRESS, STARLING_TOKEN); --data; --context (or STARLING_CONTEXT); the context
// in use; the node that runs on the data directory of the working directory.

import { join } from 'node:path';
import type { Scope } from '../../runtime/service.ts';
import { isAlive, openAuthority, readAnnouncement } from '../node/internal.ts';
import { type Client, createClient } from './client.ts';
import { contextsPath, namedContext, readContexts } from './contexts.ts';
import { CliError } from './exit.ts';
import type { Io } from './io.ts';

/** Flags that choose a server. */
export interface TargetFlags {
  readonly address?: string;
  readonly token?: string;
  readonly context?: string;
  readonly data?: string;
}

/** A server and a way to be let in. */
export interface Target {
  readonly address: string;
  /** How it was found, for people: `context prod`, `local node, pid 4711`. */
  readonly origin: string;
  /** Token for a service, by its full name. */
  readonly token: (service: string) => string | Promise<string>;
}

/** Data directory of a development node, relative to the working directory. */
export const DATA_DEFAULT = '.starling/data';
/** Life of the tokens that the CLI makes for itself from the local key, seconds. */
const OWN_TOKEN_SECONDS = 600;

/** Finds the server. @throws CliError that says how to name one */
export async function resolveTarget(flags: TargetFlags, io: Io): Promise<Target> {
  const { STARLING_ADDRESS, STARLING_TOKEN, STARLING_CONTEXT, STARLING_DATA } = io.environment;
  const address = flags.address ?? STARLING_ADDRESS;
  const token = flags.token ?? STARLING_TOKEN;
  if (address !== undefined) {
    if (token !== undefined) return { address, origin: 'given address', token: () => token };
    const local = await localToken(flags.data ?? STARLING_DATA ?? DATA_DEFAULT, io);
    if (local !== undefined) return { address, origin: 'given address, local key', token: local };
    throw new CliError('usage', `There is no token for ${address}.`, { hint: 'Give one with --token.' });
  }
  const target = await namedTarget(flags, STARLING_CONTEXT, io);
  if (target !== undefined) return token === undefined ? target : { ...target, token: () => token };
  const local = await localTarget(flags.data ?? STARLING_DATA ?? DATA_DEFAULT, io);
  return token === undefined ? local : { ...local, token: () => token };
}

/** The same as a client. On a terminal it says which server is talked to, unless that is the local one. */
export async function connect(flags: TargetFlags, io: Io): Promise<Client> {
  const target = await resolveTarget(flags, io);
  if (io.errTty && !target.origin.startsWith('local')) io.err(`${target.origin}: ${target.address}\n`);
  return createClient({ address: target.address, token: target.token });
}

async function namedTarget(
  flags: TargetFlags,
  fromEnvironment: string | undefined,
  io: Io,
): Promise<Target | undefined> {
  if (flags.data !== undefined) return undefined;
  const chosen = flags.context ?? fromEnvironment;
  const contexts = await readContexts(contextsPath(io.environment));
  const name = chosen ?? contexts.current;
  if (name === '') return undefined;
  const context = namedContext(contexts, name);
  return {
    address: context.address,
    origin: `context ${name}`,
    token: () => {
      if (context.token !== '') return context.token;
      throw new CliError('usage', `The context "${name}" has no token.`, {
        hint: `Give one with --token, or keep one: ${io.self} context set ${name} --address ${context.address} --token …`,
      });
    },
  };
}

async function localTarget(directory: string, io: Io): Promise<Target> {
  const node = await readAnnouncement(directory);
  const start = `Start a node here with: ${io.self} dev. Or name a server with --address, --context or --data.`;
  if (node === undefined) throw new CliError('unreachable', `No node runs on ${directory}.`, { hint: start });
  if (!isAlive(node.pid)) {
    const gone = `The node that ran on ${directory} (pid ${node.pid}) is gone and did not stop in order.`;
    throw new CliError('unreachable', gone, { hint: start });
  }
  const token = await localToken(directory, io);
  if (token === undefined) {
    const missing = `There is no signing key in ${directory}.`;
    throw new CliError('usage', missing, { hint: 'Give a token with --token.' });
  }
  return { address: node.http, origin: `local node, pid ${node.pid}`, token };
}

/** Makes tokens from the key of a data directory, of the scope that a service asks for, a new one before the last ends. */
async function localToken(
  directory: string,
  io: Io,
): Promise<((service: string) => Promise<string>) | undefined> {
  const path = keyPath(directory, io);
  const authority = await openAuthority(path);
  if (authority === undefined) return undefined;
  const held = new Map<Scope, { readonly token: string; readonly expiresAtMs: number }>();
  return async (service) => {
    const scope: Scope = service.startsWith('starling.admin.') ? 'admin' : 'backend';
    const before = held.get(scope);
    if (before !== undefined && before.expiresAtMs - io.now() > (OWN_TOKEN_SECONDS * 1_000) / 2)
      return before.token;
    const issued = await authority.issue({
      tenant: 'main',
      userId: 'cli',
      scope,
      ttlSeconds: OWN_TOKEN_SECONDS,
    });
    held.set(scope, issued);
    return issued.token;
  };
}

/** Where the signing key of a data directory is. */
export function keyPath(directory: string, io: Io): string {
  const { STARLING_AUTH_KEY_FILE: configured = '' } = io.environment;
  return configured === '' ? join(directory, 'signing-key.json') : configured;
}
