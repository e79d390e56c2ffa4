// The feature as a node loads it: `starling dev --actors ./index.ts`. Owns: red packets and wallets. Does not own:
// who people are, and how money gets in and out.

import type { ActorDefinition } from 'starling';
import { packet } from './packet.ts';
import { wallet } from './wallet.ts';

export { services } from './services.ts';

export const actors: readonly ActorDefinition[] = [packet, wallet];
