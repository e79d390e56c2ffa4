// Maps the client, server and admin API to actors. Owns: validation of everything that comes from outside, and who may
// ask for what. Does not own: wires and tokens (cluster/edge, cluster/auth), and any state.

import type { Runtime, ServiceBinding } from '../../runtime/index.ts';
import { DEFAULT_IM_LIMITS, type ImLimits } from '../limits.ts';
import { inspectService } from './admin.ts';
import type { Gateway, GatewayOptions } from './context.ts';
import { conversationService, userService } from './conversation.ts';
import { groupService } from './group.ts';
import { messageService } from './message.ts';
import { directoryService, serverConversationService, tokenService } from './server.ts';
import { sessionService, syncService } from './session.ts';

export type { GatewayOptions, NodeInfo, TokenIssuer } from './context.ts';

/** All services of starling.im.v1, starling.server.v1 and starling.admin.v1. */
export function imServices(
  runtime: Runtime,
  options: GatewayOptions,
  limits: Partial<ImLimits> = {},
): ServiceBinding[] {
  const gateway: Gateway = { ...options, runtime, limits: { ...DEFAULT_IM_LIMITS, ...limits } };
  return [
    sessionService(gateway),
    syncService(gateway),
    messageService(gateway),
    conversationService(gateway),
    groupService(gateway),
    userService(gateway),
    tokenService(gateway),
    directoryService(gateway),
    serverConversationService(gateway),
    inspectService(gateway),
  ];
}
