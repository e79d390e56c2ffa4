import assert from 'node:assert/strict';
import { test } from 'node:test';
import { exportJWK, generateKeyPair, type JWK, SignJWT, UnsecuredJWT } from 'jose';
import { type ErrorCode, StarlingError } from '../../runtime/errors.ts';
import type { Clock } from '../../runtime/ports/clock.ts';
import { createTokenAuthority, secretKey, type TokenAuthority } from './index.ts';

const START_MS = 1_700_000_000_000;

function clockAt(nowMs: number): Clock & { nowMs: number } {
  return {
    nowMs,
    now() {
      return this.nowMs;
    },
    monotonic() {
      return this.nowMs;
    },
    after: () => ({ cancel: () => undefined }),
  };
}

const SECRET = '0123456789abcdef0123456789abcdef';

async function authority(keys: readonly JWK[] = [secretKey(SECRET)], clock = clockAt(START_MS)) {
  return { clock, tokens: await createTokenAuthority({ keys, issuer: 'test', clock }) };
}

/** Signs claims of the test's choice with the secret of the authority. */
function handmade(claims: Record<string, unknown>, header: Record<string, unknown> = {}): Promise<string> {
  const seconds = START_MS / 1000;
  return new SignJWT({ iss: 'test', aud: 'starling', sub: 'ann', exp: seconds + 60, ...claims })
    .setProtectedHeader({ alg: 'HS256', kid: 'default', ...header })
    .sign(new TextEncoder().encode(SECRET));
}

async function refused(tokens: TokenAuthority, header: string | undefined, code: ErrorCode): Promise<void> {
  await assert.rejects(
    async () => tokens.authenticate(header),
    (error: unknown) => error instanceof StarlingError && error.code === code,
  );
}

async function ed25519(kid: string): Promise<{ secret: JWK; open: JWK }> {
  const { privateKey, publicKey } = await generateKeyPair('EdDSA', { extractable: true });
  return {
    secret: { ...(await exportJWK(privateKey)), kid },
    open: { ...(await exportJWK(publicKey)), kid },
  };
}

test('A token says again what it was issued for.', async () => {
  const { tokens } = await authority();
  const { token, expiresAtMs } = await tokens.sign({
    tenant: 'acme',
    userId: 'ann.b@example-1',
    deviceId: 'phone_1',
    scope: 'backend',
    ttlSeconds: 60,
  });
  assert.deepEqual(await tokens.authenticate(`Bearer ${token}`), {
    tenant: 'acme',
    userId: 'ann.b@example-1',
    deviceId: 'phone_1',
    scope: 'backend',
    expiresAtMs,
  });
  assert.equal(expiresAtMs, START_MS + 60_000);
});

test('Tenant, device and scope have defaults.', async () => {
  const { tokens } = await authority();
  const { token } = await tokens.sign({ userId: 'ann' });
  const principal = await tokens.authenticate(`bearer ${token}`);
  assert.deepEqual([principal.tenant, principal.deviceId, principal.scope], ['main', undefined, 'user']);
});

test('A token that was proved before is answered without a promise.', async () => {
  const { tokens } = await authority();
  const { token } = await tokens.sign({ userId: 'ann' });
  const first = await tokens.authenticate(`Bearer ${token}`);
  assert.equal(tokens.authenticate(`Bearer ${token}`), first);
});

test('A token is expired from its very end on, remembered or not.', async () => {
  const { tokens, clock } = await authority();
  const { token, expiresAtMs } = await tokens.sign({ userId: 'ann', ttlSeconds: 60 });
  const other = await tokens.sign({ userId: 'bob', ttlSeconds: 60 });
  clock.nowMs = expiresAtMs - 1;
  await tokens.authenticate(`Bearer ${token}`);
  clock.nowMs = expiresAtMs;
  await refused(tokens, `Bearer ${token}`, 'TOKEN_EXPIRED');
  await refused(tokens, `Bearer ${other.token}`, 'TOKEN_EXPIRED');
  clock.nowMs = expiresAtMs + 3_600_000;
  await refused(tokens, `Bearer ${other.token}`, 'TOKEN_EXPIRED');
});

test('A missing or unreadable header is refused.', async () => {
  const { tokens } = await authority();
  for (const header of [undefined, '', 'Bearer', 'Bearer a b', 'Basic abc', 'Bearer x', 'Bearer a.b.c']) {
    await refused(tokens, header, 'UNAUTHENTICATED');
  }
  await refused(tokens, `Bearer ${'a'.repeat(5000)}`, 'UNAUTHENTICATED');
});

test('A token signed with another secret under the same kid is refused.', async () => {
  const { tokens } = await authority();
  const other = await authority([secretKey('another secret of thirty-two bytes')]);
  const { token } = await other.tokens.sign({ userId: 'ann' });
  await refused(tokens, `Bearer ${token}`, 'UNAUTHENTICATED');
});

test('A token whose claims were changed after signing is refused.', async () => {
  const { tokens } = await authority();
  const { token } = await tokens.sign({ userId: 'ann' });
  const [header, payload, signature] = token.split('.');
  const claims = JSON.parse(Buffer.from(payload ?? '', 'base64url').toString());
  const forged = Buffer.from(JSON.stringify({ ...claims, scope: 'admin' })).toString('base64url');
  await refused(tokens, `Bearer ${header}.${forged}.${signature}`, 'UNAUTHENTICATED');
});

test('A token without a signature is refused.', async () => {
  const { tokens } = await authority();
  const unsigned = new UnsecuredJWT({ sub: 'ann', iss: 'test', aud: 'starling' })
    .setExpirationTime(START_MS / 1000 + 60)
    .encode();
  await refused(tokens, `Bearer ${unsigned}`, 'UNAUTHENTICATED');
  const header = Buffer.from('{"alg":"none","kid":"default"}').toString('base64url');
  await refused(tokens, `Bearer ${header}.${unsigned.split('.')[1]}.`, 'UNAUTHENTICATED');
});

test('A public key is not taken for a secret.', async () => {
  const { open } = await ed25519('k1');
  const { tokens } = await authority([open]);
  const confused = await new SignJWT({ iss: 'test', aud: 'starling', sub: 'ann', exp: START_MS / 1000 + 60 })
    .setProtectedHeader({ alg: 'HS256', kid: 'k1' })
    .sign(Buffer.from(open.x ?? '', 'base64url'));
  await refused(tokens, `Bearer ${confused}`, 'UNAUTHENTICATED');
});

test('A token of another issuer, audience, or key is refused.', async () => {
  const { tokens } = await authority();
  await tokens.authenticate(`Bearer ${await handmade({})}`);
  await refused(tokens, `Bearer ${await handmade({ iss: 'other' })}`, 'UNAUTHENTICATED');
  await refused(tokens, `Bearer ${await handmade({ aud: 'other' })}`, 'UNAUTHENTICATED');
  await refused(tokens, `Bearer ${await handmade({}, { kid: 'k9' })}`, 'UNAUTHENTICATED');
});

test('A token that is not valid yet, or never ends, is refused.', async () => {
  const { tokens } = await authority();
  await refused(tokens, `Bearer ${await handmade({ nbf: START_MS / 1000 + 60 })}`, 'UNAUTHENTICATED');
  await refused(tokens, `Bearer ${await handmade({ exp: undefined })}`, 'UNAUTHENTICATED');
});

test('A claim that breaks its syntax is refused, even under a valid signature.', async () => {
  const { tokens } = await authority();
  const wrong = [
    { sub: '' },
    { sub: 'a b' },
    { sub: 'a'.repeat(65) },
    { tenant: 'a/b' },
    { tenant: 7 },
    { device: 'a.b' },
    { scope: 'root' },
  ];
  for (const claims of wrong) await refused(tokens, `Bearer ${await handmade(claims)}`, 'UNAUTHENTICATED');
});

test('After a rotation the new key signs and tokens of the old one still hold.', async () => {
  const [before, after] = [await ed25519('k1'), await ed25519('k2')];
  const old = await authority([before.secret]);
  const { token } = await old.tokens.sign({ userId: 'ann' });
  const { tokens } = await authority([after.secret, before.open]);
  assert.equal((await tokens.authenticate(`Bearer ${token}`)).userId, 'ann');
  const fresh = await tokens.sign({ userId: 'bob' });
  await refused(old.tokens, `Bearer ${fresh.token}`, 'UNAUTHENTICATED');
  assert.equal((await tokens.authenticate(`Bearer ${fresh.token}`)).userId, 'bob');
});

test('Keys that can not be used are refused at the start.', async () => {
  const clock = clockAt(START_MS);
  const make = (keys: readonly JWK[]) => createTokenAuthority({ keys, issuer: 'test', clock });
  await assert.rejects(make([]), /at least one key/);
  await assert.rejects(make([secretKey('too short')]), /shorter than 32 bytes/);
  await assert.rejects(make([secretKey(SECRET), secretKey(SECRET)]), /same kid/);
  await assert.rejects(make([{ kty: 'RSA', kid: 'k1' }]), /neither/);
  await assert.rejects(make([{ kty: 'oct', k: 'AAAA' }]), /needs a kid/);
});

test('What breaks the rules is not signed.', async () => {
  const { tokens } = await authority();
  const code = (error: unknown) => error instanceof StarlingError && error.code === 'INVALID_REQUEST';
  await assert.rejects(tokens.sign({ userId: 'a b' }), code);
  await assert.rejects(tokens.sign({ userId: 'ann', tenant: '' }), code);
  await assert.rejects(tokens.sign({ userId: 'ann', deviceId: 'a.b' }), code);
  await assert.rejects(tokens.sign({ userId: 'ann', ttlSeconds: 2_592_001 }), code);
});
