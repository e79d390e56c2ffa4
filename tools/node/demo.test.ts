import assert from 'node:assert/strict';
import test from 'node:test';
import { StarlingError } from '../../runtime/errors.ts';
import { answerDemo, DEMO_USERS, type DemoOptions, type DemoRequest, demoRoutes } from './demo.ts';

const options: DemoOptions = {
  users: DEMO_USERS,
  allowRemote: false,
  signIn: async (user) => `token of ${user.userId} (${user.displayName})`,
};
const request: DemoRequest = {
  method: 'POST',
  path: '/demo/token',
  remoteAddress: '127.0.0.1',
  host: '127.0.0.1:7700',
  origin: undefined,
  body: '{"user_id":"chenchen"}',
};

test('a demo user gets a token under the known name, anybody else under the given one', async () => {
  const known = await answerDemo(request, options);
  assert.deepEqual(known, { status: 200, json: { token: 'token of chenchen (陈晨)', user_id: 'chenchen' } });
  const other = await answerDemo({ ...request, body: '{"user_id":"zoe","display_name":"Zoë"}' }, options);
  assert.deepEqual(other.json, { token: 'token of zoe (Zoë)', user_id: 'zoe' });
});

test('the demo users are listed', async () => {
  const { json } = await answerDemo({ ...request, method: 'GET', path: '/demo/users' }, options);
  const { users } = json as { users: { user_id: string; display_name: string }[] };
  assert.deepEqual(users[2], { user_id: 'chenchen', display_name: '陈晨' });
});

test('a body that names no valid user is refused', async () => {
  const bodies = [
    '',
    '[]',
    'null',
    '{}',
    '{"user_id":7}',
    '{"user_id":"a b"}',
    '{"user_id":"a","display_name":1}',
  ];
  for (const body of bodies)
    assert.equal((await answerDemo({ ...request, body }, options)).status, 400, body);
});

test('a caller on another machine is refused unless it is allowed', async () => {
  for (const remoteAddress of ['10.0.0.7', '::ffff:10.0.0.7', '2001:db8::1', '']) {
    assert.equal((await answerDemo({ ...request, remoteAddress }, options)).status, 403);
  }
  const allowed = { ...options, allowRemote: true };
  const remote = { ...request, remoteAddress: '10.0.0.7', host: 'demo.example.com' };
  assert.equal((await answerDemo(remote, allowed)).status, 200);
  for (const remoteAddress of ['::1', '127.0.0.2', '::ffff:127.0.0.1']) {
    assert.equal((await answerDemo({ ...request, remoteAddress }, options)).status, 200);
  }
});

test('a page of another site, or of a name that points here, is refused', async () => {
  const foreign = { ...request, origin: 'https://evil.example' };
  assert.equal((await answerDemo(foreign, options)).status, 403);
  assert.equal((await answerDemo({ ...request, origin: 'null' }, options)).status, 403);
  const rebound = { ...request, host: 'evil.example:7700', origin: 'http://evil.example:7700' };
  assert.equal((await answerDemo(rebound, options)).status, 403);
  const own = { ...request, host: 'localhost:7700', origin: 'http://localhost:7700' };
  assert.equal((await answerDemo(own, options)).status, 200);
});

test('as a hook of the edge it answers its own paths only, with JSON that is not cached', async () => {
  const errors: unknown[] = [];
  const routes = demoRoutes(options, (error) => errors.push(error));
  const ask = (url: string, body: () => Promise<Buffer>) => {
    const headers = new Map([['host', 'localhost:7700']]);
    const header = (name: string) => headers.get(name);
    return routes({ method: 'POST', url, header, remoteAddress: '127.0.0.1', body });
  };
  assert.equal(
    ask('/index.html', async () => Buffer.alloc(0)),
    undefined,
  );
  const answer = await ask('/demo/token?x=1', async () => Buffer.from(request.body));
  assert.equal(answer?.status, 200);
  assert.deepEqual(answer?.headers, ['content-type', 'application/json', 'cache-control', 'no-store']);
  assert.deepEqual(JSON.parse(String(answer?.body)), {
    token: 'token of chenchen (陈晨)',
    user_id: 'chenchen',
  });
  const long = await ask('/demo/token', async () => {
    throw new RangeError('too long');
  });
  assert.equal(long?.status, 413);
  assert.deepEqual(errors, []);
});

test('a failed sign-in is logged, and the caller learns nothing of it', async () => {
  const errors: unknown[] = [];
  const signIn = async (): Promise<string> => {
    throw new Error('secret');
  };
  const routes = demoRoutes({ ...options, signIn }, (error) => errors.push(error));
  const header = (name: string) => (name === 'host' ? '127.0.0.1' : undefined);
  const body = async () => Buffer.from(request.body);
  const answer = await routes({ method: 'POST', url: '/demo/token', header, remoteAddress: '::1', body });
  assert.equal(answer?.status, 500);
  assert.doesNotMatch(String(answer?.body), /secret/);
  assert.equal(errors.length, 1);
});

test('a sign-in whose user is on the way to another node is told to try again', async () => {
  const errors: unknown[] = [];
  const signIn = async () => {
    throw new StarlingError('NOT_OWNER');
  };
  const routes = demoRoutes({ ...options, signIn }, (error) => errors.push(error));
  const header = (name: string) => (name === 'host' ? '127.0.0.1' : undefined);
  const body = async () => Buffer.from(request.body);
  const answer = await routes({ method: 'POST', url: '/demo/token', header, remoteAddress: '::1', body });
  assert.equal(answer?.status, 503);
  assert.deepEqual(errors, []);
});
