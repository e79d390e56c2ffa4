// What the services of the gateway share.

import type { DescribeResponse } from '../../proto/gen/starling/actor/v1/user_pb.ts';
import { type CallContext, type CallOptions, type Runtime, StarlingError } from '../../runtime/index.ts';
import { groupKey, userKey } from '../ids.ts';
import type { ImLimits } from '../limits.ts';
import { GroupActor, UserActor } from '../types.ts';
import { requireConversationId } from './validate.ts';

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
  /** Address of a node of the cluster for clients. Default: none is known. */
  readonly addressOf?: (node: string) => string | undefined;
}

export interface Gateway extends GatewayOptions {
  readonly runtime: Runtime;
  readonly limits: ImLimits;
}

/**
 * The actor of a conversation that is there. Opening an actor writes, so a name that somebody made up is not opened.
 * @throws StarlingError INVALID_REQUEST, CONVERSATION_NOT_FOUND
 */
export async function existingConversation(runtime: Runtime, tenant: string, conversationId: string) {
  requireConversationId(conversationId);
  const key = groupKey(tenant, conversationId);
  if (!(await runtime.exists(GroupActor, key)))
    throw new StarlingError('CONVERSATION_NOT_FOUND', conversationId);
  return runtime.client(GroupActor, key);
}

/** What is known of a user; nothing, and nothing written, for a name that nobody has. */
export async function describeUser(
  runtime: Runtime,
  tenant: string,
  userId: string,
  options: CallOptions = {},
): Promise<DescribeResponse | undefined> {
  const key = userKey(tenant, userId);
  if (!(await runtime.exists(UserActor, key))) return undefined;
  const described = await runtime.client(UserActor, key).describe({}, options);
  return described.known ? described : undefined;
}

/** Bounds and trace of an actor call made for a client's call: the time that is left of that now. Not to be kept. */
export function within({ timeoutMs, traceparent }: CallContext): CallOptions {
  if (timeoutMs === undefined) return traceparent === undefined ? {} : { traceparent };
  return { timeoutMs, traceparent };
}
