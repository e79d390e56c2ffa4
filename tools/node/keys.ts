// The token authority of a node, from its key file. Owns: the issuer of tokens that this program makes.

import { createTokenAuthority, type TokenAuthority, type TokenClaims } from '../../cluster/auth/index.ts';
import { systemClock } from '../../cluster/clock/index.ts';
import type { Clock } from '../../runtime/ports/clock.ts';
import type { Authenticator } from '../../runtime/service.ts';
import { readKeyFile, type SigningKey } from './key-file.ts';

const ISSUER = 'starling';

/** Proves tokens and issues them. */
export interface NodeTokens extends Authenticator {
  /** @throws StarlingError INVALID_REQUEST for a claim that breaks the rules */
  issue(claims: TokenClaims): Promise<{ readonly token: string; readonly expiresAtMs: number }>;
}

/** The authority of keys. */
export async function authorityOf(keys: readonly SigningKey[], clock: Clock): Promise<NodeTokens> {
  const authority: TokenAuthority = await createTokenAuthority({ keys: [...keys], issuer: ISSUER, clock });
  return {
    authenticate: (authorization) => authority.authenticate(authorization),
    issue: (claims) => authority.sign(claims),
  };
}

/** The authority of a key file; undefined where there is none. */
export async function openAuthority(path: string): Promise<NodeTokens | undefined> {
  const keys = await readKeyFile(path);
  return keys === undefined ? undefined : authorityOf(keys, systemClock());
}
