// Signing keys. Owns: reading JWKs, and which algorithm each may be used with.

import { base64url, type CryptoKey, importJWK, type JWK } from 'jose';

/** Algorithms that are let in: a signature of a private key, or of a shared secret. */
export type TokenAlgorithm = 'EdDSA' | 'HS256';

/** A key with all that is needed to use it. */
export interface TokenKey {
  readonly kid: string;
  readonly algorithm: TokenAlgorithm;
  readonly verifyingKey: CryptoKey | Uint8Array;
  /** Undefined for a public key. */
  readonly signingKey: CryptoKey | Uint8Array | undefined;
}

/** HS256 needs a secret as long as its digest. */
const SECRET_BYTES_MIN = 32;

/**
 * The JWK of a shared secret.
 * @param secret at least 32 bytes
 */
export function secretKey(secret: Uint8Array | string, kid = 'default'): JWK {
  const bytes = typeof secret === 'string' ? new TextEncoder().encode(secret) : secret;
  return { kty: 'oct', alg: 'HS256', kid, k: base64url.encode(bytes) };
}

/**
 * Reads one JWK: `oct` for HS256, `OKP` with Ed25519 for EdDSA.
 * @throws Error when it is of another type, has no `kid`, or a secret is too short
 */
export async function readKey(jwk: JWK): Promise<TokenKey> {
  const { kid, kty, alg } = jwk;
  if (kid === undefined || kid === '') throw new Error('A token key needs a kid.');
  if (kty === 'oct' && (alg === undefined || alg === 'HS256')) {
    const secret = base64url.decode(jwk.k ?? '');
    if (secret.length < SECRET_BYTES_MIN) {
      throw new Error(`The secret of the token key ${kid} is shorter than ${SECRET_BYTES_MIN} bytes.`);
    }
    return { kid, algorithm: 'HS256', verifyingKey: secret, signingKey: secret };
  }
  const edwards = kty === 'OKP' && jwk.crv === 'Ed25519';
  if (edwards && (alg === undefined || alg === 'EdDSA' || alg === 'Ed25519')) {
    const { d, ...open } = jwk;
    const verifyingKey = await importJWK(open, 'EdDSA');
    const signingKey = d === undefined ? undefined : await importJWK(jwk, 'EdDSA');
    return { kid, algorithm: 'EdDSA', verifyingKey, signingKey };
  }
  throw new Error(`The token key ${kid} is neither a secret for HS256 nor an Ed25519 key.`);
}
