// One connection to the NATS servers. Owns: how it is made (addresses, credentials, TLS, reconnect with jitter), whether it
// is up, and what its errors mean. Does not own: what travels on it.

import { readFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { checkServerIdentity, type ConnectionOptions as TlsOptions } from 'node:tls';
import {
  type Authenticator,
  credsAuthenticator,
  errors,
  type NatsConnection,
  nkeyAuthenticator,
} from '@nats-io/nats-core';
import { connect, type NodeConnectionOptions } from '@nats-io/transport-node';
import { type Random, StarlingError } from '../../runtime/index.ts';
import type { NatsLimits } from './limits.ts';
import type { NatsAuth, NatsTls } from './options.ts';

export interface ConnectionOptions {
  readonly servers: readonly string[];
  /** Shown by the tools of NATS. */
  readonly name: string;
  readonly auth: NatsAuth | undefined;
  readonly tls: NatsTls | undefined;
  readonly random: Random;
  readonly limits: NatsLimits;
}

export type ConnectionState = 'connected' | 'reconnecting' | 'closed';

/** Told of every change, until the connection is closed. */
export interface ConnectionListener {
  onDown?(): void;
  onUp?(): void;
  onError?(message: string): void;
}

export class Connection {
  readonly nats: NatsConnection;
  readonly #listeners: ConnectionListener[] = [];
  #state: ConnectionState = 'connected';
  #problem: string | undefined;

  private constructor(nats: NatsConnection) {
    this.nats = nats;
    void this.#follow();
    void nats.closed().then((error) => {
      if (error instanceof Error) this.#problem = error.message;
      this.#down('closed');
    });
  }

  /**
   * Connects, trying every address once.
   * @throws StarlingError UNAUTHENTICATED if the server refuses the credentials, OUTCOME_UNKNOWN if none is reached
   */
  static async open(options: ConnectionOptions): Promise<Connection> {
    const { servers, auth, tls, limits, random, name } = options;
    const nodeOptions: NodeConnectionOptions = {
      servers: [...servers],
      name,
      timeout: limits.connectMs,
      pingInterval: limits.pingMs,
      maxReconnectAttempts: -1,
      reconnectDelayHandler: () => limits.reconnectMs + random.float() * limits.reconnectJitterMs,
      // Credentials may be renewed while the node runs.
      ignoreAuthErrorAbort: true,
      ...(tls === undefined ? {} : { tls: { ...tls, ...identityCheck(servers) } }),
      ...(await authOptions(auth)),
    };
    try {
      return new Connection(await connect(nodeOptions));
    } catch (error) {
      throw connectError(error, servers);
    }
  }

  get state(): ConnectionState {
    return this.#state;
  }

  /** Why it is not connected, as far as known. */
  get problem(): string | undefined {
    return this.#state === 'connected' ? undefined : this.#problem;
  }

  listen(listener: ConnectionListener): void {
    this.#listeners.push(listener);
  }

  /** Takes nothing more in, sends what waits, and closes; at once where there is no connection. */
  async close(): Promise<void> {
    if (this.nats.isClosed()) return;
    const end = this.#state === 'connected' ? this.nats.drain() : this.nats.close();
    await end.catch(() => this.nats.close());
  }

  async #follow(): Promise<void> {
    for await (const status of this.nats.status()) {
      if (status.type === 'disconnect') this.#down('reconnecting');
      else if (status.type === 'reconnect') this.#up();
      else if (status.type === 'error') this.#failed(status.error.message);
      else if (status.type === 'ldm') this.#failed('The NATS server is about to stop.');
    }
  }

  #failed(message: string): void {
    this.#problem = message;
    for (const { onError } of this.#listeners) onError?.(message);
  }

  #down(state: ConnectionState): void {
    if (this.#state === 'closed') return;
    this.#state = state;
    for (const { onDown } of this.#listeners) onDown?.();
  }

  #up(): void {
    this.#state = 'connected';
    this.#problem = undefined;
    for (const { onUp } of this.#listeners) onUp?.();
  }
}

/**
 * The client passes no name on where it connects to an address, and Node then looks for `localhost` in the certificate.
 * Such a certificate has to be for one of the addresses that are configured.
 */
function identityCheck(servers: readonly string[]): Pick<TlsOptions, 'checkServerIdentity'> {
  const hosts = servers.map((server) =>
    new URL(server.includes('://') ? server : `nats://${server}`).hostname.replace(/^\[|\]$/g, ''),
  );
  const addresses = hosts.filter((host) => isIP(host) !== 0);
  if (addresses.length === 0) return {};
  return {
    checkServerIdentity: (host, certificate) => {
      if (hosts.includes(host)) return checkServerIdentity(host, certificate);
      const refusals = addresses.map((address) => checkServerIdentity(address, certificate));
      return refusals.includes(undefined) ? undefined : refusals[0];
    },
  };
}

async function authOptions(auth: NatsAuth | undefined): Promise<Partial<NodeConnectionOptions>> {
  if (auth === undefined) return {};
  switch (auth.kind) {
    case 'token':
      return { token: auth.token };
    case 'password':
      return { user: auth.user, pass: auth.password };
    case 'creds':
      return { authenticator: await fileAuthenticator(auth.file, credsAuthenticator) };
    case 'nkey':
      return { authenticator: await fileAuthenticator(auth.file, nkeyAuthenticator) };
  }
}

async function fileAuthenticator(
  file: string,
  make: (content: Uint8Array) => Authenticator,
): Promise<Authenticator> {
  try {
    const text = await readFile(file, 'utf8');
    return make(new TextEncoder().encode(text.trim()));
  } catch (cause) {
    throw new StarlingError('UNAUTHENTICATED', `The NATS credentials in ${file} can not be read.`, { cause });
  }
}

function connectError(error: unknown, servers: readonly string[]): StarlingError {
  const where = servers.join(', ');
  const cause = rootOf(error);
  const why = cause instanceof Error ? cause.message : String(cause);
  if (error instanceof errors.AuthorizationError || error instanceof errors.UserAuthenticationExpiredError) {
    const text = `NATS at ${where} refuses the credentials (${why}): check user, token or credentials file.`;
    return new StarlingError('UNAUTHENTICATED', text, { cause: error });
  }
  const text = `NATS at ${where} can not be reached (${why}): check that it runs, its address, and TLS.`;
  return new StarlingError('OUTCOME_UNKNOWN', text, { cause: error });
}

function rootOf(error: unknown): unknown {
  return error instanceof Error && error.cause !== undefined ? rootOf(error.cause) : error;
}
