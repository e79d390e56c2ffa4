import assert from 'node:assert/strict';
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import test, { type TestContext } from 'node:test';
import {
  contextsPath,
  namedContext,
  readContexts,
  removeContext,
  setContext,
  useContext,
} from './contexts.ts';
import { CliError } from './exit.ts';

async function path(t: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'starling-contexts-'));
  t.after(() => rm(directory, { recursive: true }));
  return contextsPath({ XDG_CONFIG_HOME: directory });
}

test('the file lies in the configuration directory of the person', () => {
  assert.equal(contextsPath({ HOME: '/h' }), '/h/.config/starling/contexts.json');
  assert.equal(contextsPath({ HOME: '/h', XDG_CONFIG_HOME: '/x' }), '/x/starling/contexts.json');
  assert.equal(contextsPath({ HOME: '/h', XDG_CONFIG_HOME: '' }), '/h/.config/starling/contexts.json');
});

test('the first context is put in use, another one on demand, and a removed one is in use no more', async (t) => {
  const file = await path(t);
  const prod = { address: 'https://prod', token: 'secret' };
  assert.equal((await setContext(file, 'prod', prod)).current, 'prod');
  assert.equal((await setContext(file, 'test', { address: 'http://test', token: '' })).current, 'prod');
  assert.equal((await useContext(file, 'test')).current, 'test');
  assert.deepEqual(namedContext(await readContexts(file), 'prod'), prod);
  assert.equal((await removeContext(file, 'test')).current, '');
  assert.equal((await useContext(file, '')).current, '');
});

test('only its owner can read the file, which may hold tokens', async (t) => {
  const file = await path(t);
  await setContext(file, 'prod', { address: 'https://prod', token: 'secret' });
  assert.equal((await stat(file)).mode & 0o777, 0o600);
  assert.equal((await stat(dirname(file))).mode & 0o777, 0o700);
});

test('an unknown name is refused with the nearest one', async (t) => {
  const file = await path(t);
  await setContext(file, 'prod', { address: 'https://prod', token: '' });
  await assert.rejects(useContext(file, 'prdo'), (error) => {
    assert.ok(error instanceof CliError);
    assert.equal(error.exit, 'missing');
    assert.match(error.message, /did you mean "prod"/);
    return true;
  });
});

test('a damaged file is refused, not replaced', async (t) => {
  const file = await path(t);
  await setContext(file, 'prod', { address: 'https://prod', token: '' });
  for (const content of ['', '[]', '{"current":1}', '{"current":"","contexts":{"a":{}}}']) {
    await writeFile(file, content);
    await assert.rejects(setContext(file, 'x', { address: 'http://x', token: '' }), CliError, content);
  }
});
