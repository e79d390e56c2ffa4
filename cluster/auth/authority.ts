// Issues and proves tokens. A token that was proved before costs one look-up.

import { decodeProtectedHeader, errors, type JWK, type JWTPayload, jwtVerify, SignJWT } from 'jose';
import { invalidRequest, StarlingError } from '../../runtime/errors.ts';
import type { Clock } from '../../runtime/ports/clock.ts';
import type { Authenticator, Principal, Scope } from '../../runtime/service.ts';
import { TwoGenerationCache } from './cache.ts';
import { readKey, type TokenKey } from './keys.ts';

export interface TokenAuthorityOptions {
  /** The first one that can sign does; all of them verify. To rotate: put the new one in front, drop the old one later. */
  readonly keys: readonly JWK[];
  /** `iss` of every token, and the only one believed. */
  readonly issuer: string;
  /** `aud` of every token, and the only one believed. Default `starling`. */
  readonly audience?: string;
  readonly clock: Clock;
  /** Proved tokens that are remembered. Default 32,768. */
  readonly cacheEntriesMax?: number;
}

/** What a token is to say. */
export interface TokenClaims {
  /** 1 to 64 characters of [A-Za-z0-9_-]. Default `main`. */
  readonly tenant?: string;
  /** 1 to 64 characters of [A-Za-z0-9_.@-]. */
  readonly userId: string;
  /** Restricts the token to one device: 1 to 64 characters of [A-Za-z0-9_-]. Default: any device. */
  readonly deviceId?: string;
  /** Default `user`. */
  readonly scope?: Scope;
  /** Life, seconds: 1 to 2,592,000. Default 86,400. */
  readonly ttlSeconds?: number;
}

export interface TokenAuthority extends Authenticator {
  /**
   * Issues a token.
   * @throws StarlingError INVALID_REQUEST for a claim that breaks the rules; Error when no key can sign
   */
  sign(claims: TokenClaims): Promise<{ readonly token: string; readonly expiresAtMs: number }>;
  authenticate(authorization: string | undefined): Principal | Promise<Principal>;
}

const DEFAULT_TENANT = 'main';
const TTL_SECONDS_DEFAULT = 86_400;
const TTL_SECONDS_MAX = 2_592_000;
const CACHE_ENTRIES_MAX = 32_768;
/** Clocks of two machines may differ by this much, seconds. Applies to `nbf` only: an expired token is expired. */
const SKEW_SECONDS = 30;
/** Longer headers are refused before anything is computed. */
const HEADER_CHARACTERS_MAX = 4096;

const USER_ID = /^[A-Za-z0-9_.@-]{1,64}$/;
const NAME = /^[A-Za-z0-9_-]{1,64}$/;
const SCOPES: readonly Scope[] = ['user', 'backend', 'admin'];

/**
 * Reads the keys and makes an authority of them.
 * @throws Error when there is no key, two have the same `kid`, or one can't be used
 */
export async function createTokenAuthority(options: TokenAuthorityOptions): Promise<TokenAuthority> {
  const keys = await Promise.all(options.keys.map(readKey));
  if (keys.length === 0) throw new Error('A token authority needs at least one key.');
  const byKid = new Map(keys.map((key) => [key.kid, key]));
  if (byKid.size < keys.length) throw new Error('Two token keys have the same kid.');
  return new Authority(byKid, options);
}

class Authority implements TokenAuthority {
  readonly #keys: ReadonlyMap<string, TokenKey>;
  readonly #issuer: string;
  readonly #audience: string;
  readonly #clock: Clock;
  readonly #proved: TwoGenerationCache<Principal>;

  constructor(keys: ReadonlyMap<string, TokenKey>, options: TokenAuthorityOptions) {
    this.#keys = keys;
    this.#issuer = options.issuer;
    this.#audience = options.audience ?? 'starling';
    this.#clock = options.clock;
    this.#proved = new TwoGenerationCache(options.cacheEntriesMax ?? CACHE_ENTRIES_MAX);
  }

  async sign(claims: TokenClaims): Promise<{ token: string; expiresAtMs: number }> {
    const key = [...this.#keys.values()].find(({ signingKey }) => signingKey !== undefined);
    if (key?.signingKey === undefined) throw new Error('No token key can sign: all are public.');
    const { tenant = DEFAULT_TENANT, userId, deviceId, scope = 'user' } = claims;
    const ttlSeconds = claims.ttlSeconds ?? TTL_SECONDS_DEFAULT;
    if (!USER_ID.test(userId)) throw invalidRequest('user_id', '1 to 64 characters of [A-Za-z0-9_.@-]');
    if (!NAME.test(tenant)) throw invalidRequest('tenant', '1 to 64 characters of [A-Za-z0-9_-]');
    if (deviceId !== undefined && !NAME.test(deviceId)) {
      throw invalidRequest('device_id', '1 to 64 characters of [A-Za-z0-9_-]');
    }
    if (!Number.isInteger(ttlSeconds) || ttlSeconds < 1 || ttlSeconds > TTL_SECONDS_MAX) {
      throw invalidRequest('ttl_seconds', `1 to ${TTL_SECONDS_MAX}`);
    }
    const issuedAt = Math.floor(this.#clock.now() / 1000);
    const payload: JWTPayload =
      deviceId === undefined ? { tenant, scope } : { tenant, scope, device: deviceId };
    const token = await new SignJWT(payload)
      .setProtectedHeader({ alg: key.algorithm, kid: key.kid, typ: 'JWT' })
      .setSubject(userId)
      .setIssuer(this.#issuer)
      .setAudience(this.#audience)
      .setIssuedAt(issuedAt)
      .setExpirationTime(issuedAt + ttlSeconds)
      .sign(key.signingKey);
    return { token, expiresAtMs: (issuedAt + ttlSeconds) * 1000 };
  }

  authenticate(authorization: string | undefined): Principal | Promise<Principal> {
    if (authorization === undefined) throw new StarlingError('UNAUTHENTICATED', 'The header is missing.');
    const proved = this.#proved.get(authorization);
    if (proved !== undefined) {
      if (proved.expiresAtMs > this.#clock.now()) return proved;
      this.#proved.delete(authorization);
      throw new StarlingError('TOKEN_EXPIRED');
    }
    return this.#prove(authorization);
  }

  async #prove(authorization: string): Promise<Principal> {
    const token = /^bearer ([A-Za-z0-9_.-]+)$/i.exec(authorization)?.[1];
    if (token === undefined || authorization.length > HEADER_CHARACTERS_MAX) {
      throw new StarlingError('UNAUTHENTICATED', 'The header is not `Bearer <token>`.');
    }
    const principal = principalOf(await this.#verify(token));
    this.#proved.set(authorization, principal);
    return principal;
  }

  async #verify(token: string): Promise<JWTPayload> {
    try {
      const { kid, alg } = decodeProtectedHeader(token);
      const key = this.#keys.get(kid ?? '');
      if (key === undefined || key.algorithm !== alg) {
        throw new StarlingError('UNAUTHENTICATED', 'The key of the token is not known.');
      }
      const nowMs = this.#clock.now();
      const { payload } = await jwtVerify(token, key.verifyingKey, {
        algorithms: [key.algorithm],
        issuer: this.#issuer,
        audience: this.#audience,
        requiredClaims: ['exp', 'sub'],
        currentDate: new Date(nowMs),
        clockTolerance: SKEW_SECONDS,
      });
      if ((payload.exp ?? 0) * 1000 <= nowMs) throw new StarlingError('TOKEN_EXPIRED');
      return payload;
    } catch (thrown) {
      if (thrown instanceof StarlingError) throw thrown;
      if (thrown instanceof errors.JWTExpired) throw new StarlingError('TOKEN_EXPIRED');
      // Which check failed is of use to a person with a wrong token, and no help to one who forges.
      if (thrown instanceof errors.JWTClaimValidationFailed) {
        const { claim } = thrown;
        throw new StarlingError('UNAUTHENTICATED', `The claim ${claim} of the token is wrong.`, {
          metadata: { claim },
        });
      }
      throw new StarlingError('UNAUTHENTICATED', 'The token is not valid.', { cause: thrown });
    }
  }
}

/** Reads the claims of a token whose signature was proved. A signer of ours can't have written other ones. */
function principalOf(payload: JWTPayload): Principal {
  const { sub, exp, tenant = DEFAULT_TENANT, device, scope = 'user' } = payload;
  const known = SCOPES.find((name) => name === scope);
  const refuse = (claim: string) =>
    new StarlingError('UNAUTHENTICATED', `The claim ${claim} of the token is wrong.`, {
      metadata: { claim },
    });
  if (typeof sub !== 'string' || !USER_ID.test(sub)) throw refuse('sub');
  if (typeof tenant !== 'string' || !NAME.test(tenant)) throw refuse('tenant');
  if (device !== undefined && (typeof device !== 'string' || !NAME.test(device))) throw refuse('device');
  if (known === undefined) throw refuse('scope');
  return { tenant, userId: sub, deviceId: device, scope: known, expiresAtMs: (exp ?? 0) * 1000 };
}
