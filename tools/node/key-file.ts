// The signing key of tokens, as a file. Owns: making it once, its mode, reading it. Does not own: signing (cluster/auth).
// Invariant: K1  A key that exists is never replaced, also when two processes start at once.

import { generateKeyPairSync, type JsonWebKey, randomUUID } from 'node:crypto';
import { link, mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { NodeConfig } from './settings.ts';

/** A private key in JWK form: Ed25519, with `kid` and `alg`. */
export interface SigningKey extends JsonWebKey {
  readonly kid: string;
  readonly alg: 'EdDSA';
}

/** The file is there but cannot be used; the message says what to do. */
export class KeyFileError extends Error {
  override readonly name = 'KeyFileError';
}

/** Where the key of these settings is. */
export function keyFileOf(config: Pick<NodeConfig, 'auth.key_file' | 'data'>): string {
  return config['auth.key_file'] === '' ? join(config.data, 'signing-key.json') : config['auth.key_file'];
}

/** Reads the keys, the signing one first; undefined where there is no file. */
export async function readKeyFile(path: string): Promise<readonly [SigningKey, ...SigningKey[]] | undefined> {
  let text: string;
  try {
    const { mode } = await stat(path);
    if ((mode & 0o077) !== 0) {
      throw new KeyFileError(
        `${path} can be read by others: run chmod 600 ${path}, and make a new key if they may have.`,
      );
    }
    text = await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    if (error instanceof KeyFileError) throw error;
    throw new KeyFileError(`Cannot read the signing key ${path}: ${(error as Error).message}`);
  }
  const keys = parseKeys(text);
  if (keys === undefined) throw new KeyFileError(`${path} is not a set of private Ed25519 keys (JWK set).`);
  return keys;
}

/** Reads the keys; makes a file with a new one where there is none. */
export async function ensureKeyFile(path: string): Promise<readonly [SigningKey, ...SigningKey[]]> {
  const found = await readKeyFile(path);
  if (found !== undefined) return found;
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const { privateKey } = generateKeyPairSync('ed25519');
  const key = { ...privateKey.export({ format: 'jwk' }), kid: randomUUID(), alg: 'EdDSA', use: 'sig' };
  const beside = `${path}.${randomUUID()}.tmp`;
  try {
    await writeFile(beside, `${JSON.stringify({ keys: [key] }, undefined, 2)}\n`, {
      mode: 0o600,
      flush: true,
    });
    // A link fails where the name exists, so the first of two processes wins and both read its key.
    await link(beside, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') {
      throw new KeyFileError(`Cannot make the signing key ${path}: ${(error as Error).message}`);
    }
  } finally {
    await rm(beside, { force: true });
  }
  const made = await readKeyFile(path);
  if (made === undefined) throw new KeyFileError(`The signing key ${path} disappeared while it was made.`);
  return made;
}

function parseKeys(text: string): readonly [SigningKey, ...SigningKey[]] | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  const { keys } = (value ?? {}) as { keys?: unknown };
  if (!Array.isArray(keys)) return undefined;
  const [first, ...others] = keys as readonly unknown[];
  return isSigningKey(first) && others.every(isSigningKey) ? [first, ...others] : undefined;
}

function isSigningKey(value: unknown): value is SigningKey {
  if (typeof value !== 'object' || value === null) return false;
  const { kty, crv, d, x, kid, alg } = value as Record<string, unknown>;
  const isText = [d, x, kid].every((part) => typeof part === 'string' && part !== '');
  return isText && kty === 'OKP' && crv === 'Ed25519' && alg === 'EdDSA';
}
