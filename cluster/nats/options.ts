// What a connection to NATS is made of, and what it tells of itself.

import type { Clock, Random } from '../../runtime/index.ts';
import type { ConnectionState } from './connection.ts';
import type { NatsLimits } from './limits.ts';

/** Who this node is for the NATS servers. */
export type NatsAuth =
  | { readonly kind: 'password'; readonly user: string; readonly password: string }
  | { readonly kind: 'token'; readonly token: string }
  /** A `.creds` file: JWT and seed. */
  | { readonly kind: 'creds'; readonly file: string }
  /** A file with an nkey seed. */
  | { readonly kind: 'nkey'; readonly file: string };

/** Paths of PEM files. */
export interface NatsTls {
  /** Authorities that are trusted. Default: those of the system. */
  readonly caFile?: string;
  /** This node's certificate and key, where the servers ask for one. */
  readonly certFile?: string;
  readonly keyFile?: string;
}

export interface NatsOptions {
  /** Addresses, e.g. `nats://10.0.0.1:4222`, of which any will do. */
  readonly servers: readonly string[];
  /** Name of the cluster: nodes of different names never meet, even on the same servers. */
  readonly cluster: string;
  /** Name of the node; the same after a restart. */
  readonly node: string;
  /** This process; never used twice. The incarnation will do. */
  readonly process: string;
  /** Default: none. */
  readonly auth?: NatsAuth;
  /** Default: TLS if the server offers it, trusting the system's authorities. */
  readonly tls?: NatsTls;
  /** Copies of the board among the NATS servers: 1, 3 or 5. Default 1. */
  readonly replicas?: number;
  readonly clock: Clock;
  readonly random: Random;
  readonly limits?: Partial<NatsLimits>;
  /** Told of what an operator would want to read. */
  readonly onEvent?: (event: NatsEvent) => void;
}

/** The connections of a node, each with a buffer of its own on the server. */
export type NatsConnectionName = 'control' | 'calls' | 'bulk';

export type NatsEvent =
  | { readonly kind: 'down' | 'up'; readonly connection: NatsConnectionName }
  | { readonly kind: 'error'; readonly connection: NatsConnectionName; readonly message: string }
  /** The board was empty, gone, or of another form, and was made anew. */
  | { readonly kind: 'board-made' }
  | { readonly kind: 'link-refused'; readonly node: string; readonly reason: string };

export interface NatsHealth {
  /** True when every connection is up and the board answers. */
  readonly ok: boolean;
  readonly connections: Readonly<Record<NatsConnectionName, ConnectionState>>;
  readonly board: 'ready' | 'unknown' | 'failing';
  /** What is wrong and what to do about it; empty when all is well. */
  readonly problems: readonly string[];
}
