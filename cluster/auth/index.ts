// Tokens. Owns: issuing and proving who calls, with signed JWTs. Does not own: what a caller may do (the edge looks at the
// scope, the actors at everything else), or where keys are kept.
//
// Invariants:
// T1  A token is believed only if its algorithm is that of the key its `kid` names; `none` and key confusion have no way in.
// T2  A cached token is believed no longer than its own `exp`.
// T3  The cache is bounded, and a refused token is never in it.

export {
  createTokenAuthority,
  type TokenAuthority,
  type TokenClaims,
} from './authority.ts';
export { secretKey } from './keys.ts';
