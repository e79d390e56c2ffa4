import assert from 'node:assert/strict';
import { chmod, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { ensureKeyFile, KeyFileError, readKeyFile } from './key-file.ts';

async function place(t: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'starling-key-'));
  t.after(() => rm(directory, { recursive: true }));
  return join(directory, 'data', 'signing-key.json');
}

test('a key is made once, for its owner only, and read again as it was', async (t) => {
  const path = await place(t);
  assert.equal(await readKeyFile(path), undefined);
  const [made] = await ensureKeyFile(path);
  assert.equal((await stat(path)).mode & 0o777, 0o600);
  assert.equal((await stat(join(path, '..'))).mode & 0o777, 0o700);
  assert.deepEqual(await ensureKeyFile(path), [made]);
  assert.deepEqual(await readdir(join(path, '..')), ['signing-key.json']);
});

test('processes that start at once agree on one key', async (t) => {
  const path = await place(t);
  const all = await Promise.all(Array.from({ length: 8 }, () => ensureKeyFile(path)));
  assert.equal(new Set(all.map(([key]) => key.kid)).size, 1);
});

test('a key that others can read is refused with what to do', async (t) => {
  const path = await place(t);
  await ensureKeyFile(path);
  await chmod(path, 0o640);
  await assert.rejects(readKeyFile(path), (error) => {
    assert.ok(error instanceof KeyFileError);
    assert.match(error.message, /chmod 600/);
    return true;
  });
});

test('a file that holds no private key is refused', async (t) => {
  const path = await place(t);
  await ensureKeyFile(path);
  const publicOnly = { kty: 'OKP', crv: 'Ed25519', x: 'AA', kid: 'k', alg: 'EdDSA' };
  for (const content of ['', 'null', '{"keys":[]}', JSON.stringify({ keys: [publicOnly] })]) {
    await writeFile(path, content);
    await assert.rejects(readKeyFile(path), KeyFileError, content);
  }
});
