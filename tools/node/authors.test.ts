import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { ScriptService } from '../../proto/gen/starling/test/v1/script_pb.ts';
import { type ActorDefinition, actorType, bindService, defineMemoryActor } from '../../runtime/index.ts';
import { allActors, allServices, loadAuthored } from './authors.ts';

function actor(kind: string, rank = 10, awaits: ActorDefinition['awaits'] = []): ActorDefinition {
  const type = actorType({ kind, contract: ScriptService, rank });
  return defineMemoryActor(type, {
    awaits,
    state: () => undefined,
    handlers: { run: () => ({}), watch() {} },
    reads: { look: () => ({}) },
  });
}

async function module(t: TestContext, text: string): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'starling-authors-'));
  t.after(() => rm(directory, { recursive: true, force: true }));
  const path = join(directory, 'acme.mjs');
  await writeFile(path, text);
  return path;
}

test('a module with actors and services is loaded', async (t) => {
  const path = await module(
    t,
    "export const actors = [{ type: { kind: 'x' }, create: () => ({}), awaits: [] }];\nexport const services = () => [];\n",
  );
  const { actors, services } = await loadAuthored(path);
  assert.equal(actors?.[0]?.type.kind, 'x');
  assert.equal(typeof services, 'function');
});

test('a module that is not there, does not load or exports something else is told so, with what to do', async (t) => {
  const load = async (text: string) => loadAuthored(await module(t, text));
  const refused = (promise: Promise<unknown>, message: RegExp) =>
    assert.rejects(promise, (error: { name: string; message: string; hint: string }) => {
      assert.equal(error.name, 'StartError');
      assert.match(error.message, message);
      assert.ok(error.hint.length > 10);
      return true;
    });
  await refused(loadAuthored('./nowhere/acme.ts'), /^There is no module \.\/nowhere\/acme\.ts\.$/);
  await refused(load('import "./missing.mjs";'), /can not be loaded: Cannot find module .*missing\.mjs/);
  await refused(load('throw new Error("no key");'), /can not be loaded: no key/);
  await refused(load('export const other = 1;'), /exports neither actors nor services/);
  await refused(load('export const actors = {};'), /export actors of .* is no array of actors/);
  await refused(load('export const actors = [1];'), /export actors of .* is no array of actors/);
  await refused(load('export const services = [];'), /export services of .* is no function/);
});

test('a kind is there once, and awaits higher ranks only', () => {
  const own = [actor('user', 20)];
  assert.equal(allActors(own, [actor('packet')]).length, 2);
  assert.throws(() => allActors(own, [actor('user')]), /The kind user is one of the product/);
  assert.throws(() => allActors(own, [actor('a'), actor('a')]), /The kind a is one that is there already/);
  const low = actor('low', 10);
  assert.throws(
    () => allActors(own, [low, actor('high', 10, [low.type])]),
    /The kind high \(rank 10\) awaits low \(rank 10\)/,
  );
});

test('a service is there once, and is a bound one', () => {
  const bound = bindService(ScriptService, 'public', {
    run: () => ({ $typeName: 'starling.test.v1.RunResponse', text: '' }),
    look: () => ({ $typeName: 'starling.test.v1.LookResponse', text: '' }),
    watch() {},
  });
  assert.equal(allServices([], [bound]).length, 1);
  assert.throws(() => allServices([bound], [bound]), /ScriptService is there already/);
  assert.throws(() => allServices([], [{} as typeof bound]), /no bound service/);
});
