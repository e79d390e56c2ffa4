// The edge of a node from its settings: addresses, TLS, pages, the demo's sign-in. Owns: what of a node is reached from
// outside. Does not own: wires (cluster/edge), which services there are (node.ts).

import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Edge, startEdge } from '../../cluster/edge/index.ts';
import type { Clock } from '../../runtime/ports/clock.ts';
import type { ServiceBinding } from '../../runtime/service.ts';
import { DEMO_USERS, demoRoutes } from './demo.ts';
import { upsertUsers } from './directory.ts';
import type { NodeTokens } from './keys.ts';
import type { Logger } from './log.ts';
import type { NodeConfig } from './settings.ts';
import type { NodeState } from './state.ts';
import type { Traces } from './telemetry/index.ts';

/** The page of this release; there once it was built. */
const PAGE_DIRECTORY = new URL('../../dist/web/', import.meta.url).pathname;

export interface EdgeParts {
  readonly config: NodeConfig;
  readonly clock: Clock;
  readonly log: Logger;
  readonly services: readonly ServiceBinding[];
  readonly tokens: NodeTokens;
  readonly state: NodeState;
  readonly page: string | undefined;
  readonly traces: Traces;
}

/** Listens. */
export async function openEdge(parts: EdgeParts): Promise<Edge> {
  const { config, clock, log, services, tokens, state, page } = parts;
  const { telemetry } = parts.traces;
  const host = config['http.host'];
  const origins = config['http.allow_origins'];
  const tls = await certificate(config);
  const demo = demoRoutes(
    {
      users: DEMO_USERS,
      allowRemote: config['demo.allow_remote'],
      signIn: async (user) => {
        await upsertUsers(services, [user]);
        const claims = { tenant: 'main', userId: user.userId, scope: 'user', ttlSeconds: 86_400 } as const;
        return (await tokens.issue(claims)).token;
      },
    },
    (error) => log({ level: 'error', message: 'a demo sign-in failed', fields: { error } }),
  );
  return startEdge({
    services,
    authenticator: tokens,
    clock,
    http: { host, port: config['http.port'] },
    grpc: { host: config['grpc.host'] === '' ? host : config['grpc.host'], port: config['grpc.port'] },
    health: () => state.health(),
    allowedOrigins: origins === '*' ? '*' : origins.split(',').map((origin) => origin.trim()),
    log: ({ level, text, ...fields }) => log({ level, message: text, fields: { part: 'edge', ...fields } }),
    ...(telemetry === undefined
      ? {}
      : { trace: (path, parent) => telemetry.startRoot(path.slice(1), parent) }),
    ...(tls === undefined ? {} : { tls }),
    ...(page === undefined ? {} : { staticDir: page }),
    ...(config['demo.enabled'] ? { extraRoutes: demo } : {}),
  });
}

async function certificate(config: NodeConfig): Promise<{ cert: Buffer; key: Buffer } | undefined> {
  if (config['tls.cert_file'] === '') return undefined;
  return { cert: await readFile(config['tls.cert_file']), key: await readFile(config['tls.key_file']) };
}

/** Where the web page is; undefined where none is served. */
export function pageDirectory(config: NodeConfig): string | undefined {
  if (!config['web.enabled']) return undefined;
  const directory = config['web.directory'] === '' ? PAGE_DIRECTORY : config['web.directory'];
  return existsSync(join(directory, 'index.html')) ? directory : undefined;
}
