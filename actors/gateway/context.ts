// What the services of the gateway share.

import type { CallContext, CallOptions, Runtime } from '../../runtime/index.ts';
import type { ImLimits } from '../limits.ts';

/** Issues tokens; the node program knows the keys. */
export interface TokenIssuer {
  issue(claims: {
    readonly tenant: string;
    readonly userId: string;
    readonly deviceId?: string;
    readonly scope: 'user' | 'backend' | 'admin';
    readonly ttlSeconds: number;
  }): Promise<{ readonly token: string; readonly expiresAtMs: number }>;
}

/** Facts of the node for operators. */
export interface NodeInfo {
  readonly node: string;
  readonly version: string;
  readonly uptimeMs: number;
  readonly streams: number;
  readonly store: string;
}

export interface GatewayOptions {
  readonly tokens: TokenIssuer;
  readonly nodeInfo: () => NodeInfo;
  /** Address that clients of this node's users should use; empty = the one they called. */
  readonly address?: string;
}

export interface Gateway extends GatewayOptions {
  readonly runtime: Runtime;
  readonly limits: ImLimits;
}

/** Bounds of an actor call made for a client's call. */
export function within(context: CallContext, extraMs = 0): CallOptions {
  return context.timeoutMs === undefined ? {} : { timeoutMs: context.timeoutMs + extraMs };
}
