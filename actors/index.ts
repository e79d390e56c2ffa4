// The product: instant messaging written as actors. A program registers `imActors()` with a runtime and serves
// `imServices()`.

import type { ActorDefinition } from '../runtime/index.ts';
import { connectionDefinition } from './connection/index.ts';
import { groupDefinition } from './group/index.ts';
import { DEFAULT_IM_LIMITS, type ImLimits } from './limits.ts';
import { userDefinition } from './user/index.ts';

export { type GatewayOptions, imServices, type NodeInfo, type TokenIssuer } from './gateway/index.ts';
export { DEFAULT_IM_LIMITS, type ImLimits } from './limits.ts';
export { ConnectionActor, GroupActor, UserActor } from './types.ts';

/** The kinds of the product. */
export function imActors(limits: Partial<ImLimits> = {}): ActorDefinition[] {
  const all: ImLimits = { ...DEFAULT_IM_LIMITS, ...limits };
  return [userDefinition(all), groupDefinition(all), connectionDefinition(all)];
}
