import { equal, match, ok, rejects } from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { nkeys } from '@nats-io/nats-core';
import { startNatsServer } from '../../tools/dev/nats-server.ts';
import { selfSigned } from './testing/certificate.ts';
import { natsNode, serve } from './testing/node.ts';

async function directory(t: TestContext): Promise<string> {
  const made = await mkdtemp(join(tmpdir(), 'starling-tls-'));
  t.after(() => rm(made, { recursive: true, force: true }));
  return made;
}

describe('connecting to NATS', () => {
  test('user and password are asked for, and wrong ones are refused with what to do', async (t) => {
    const config = 'authorization { user: node, password: "right" }';
    const server = await startNatsServer(t, { config });
    const auth = { kind: 'password' as const, user: 'node', password: 'right' };
    const { board } = await natsNode(t, server.url, 'a', { auth });
    equal((await board.list('')).length, 0);
    const wrong = { auth: { ...auth, password: 'wrong' } };
    await rejects(natsNode(t, server.url, 'b', wrong), {
      code: 'UNAUTHENTICATED',
      message: /refuses the credentials/,
    });
    await rejects(natsNode(t, server.url, 'b'), { code: 'UNAUTHENTICATED' });
  });

  test('a token will do', async (t) => {
    const server = await startNatsServer(t, { config: 'authorization { token: "secret" }' });
    const { health } = await natsNode(t, server.url, 'a', { auth: { kind: 'token', token: 'secret' } });
    equal(health().ok, true);
  });

  test('an nkey from a file will do, and a file that is not there is named', async (t) => {
    const folder = await directory(t);
    const file = join(folder, 'node.nk');
    const pair = nkeys.createUser();
    await writeFile(file, `${Buffer.from(pair.getSeed()).toString()}\n`);
    const config = `authorization { users: [{ nkey: ${pair.getPublicKey()} }] }`;
    const server = await startNatsServer(t, { config });
    const { health } = await natsNode(t, server.url, 'a', { auth: { kind: 'nkey', file } });
    equal(health().ok, true);
    const missing = { auth: { kind: 'creds' as const, file: join(folder, 'missing.creds') } };
    await rejects(natsNode(t, server.url, 'a', missing), {
      code: 'UNAUTHENTICATED',
      message: /missing\.creds/,
    });
  });

  for (const host of ['localhost', '127.0.0.1']) {
    test(`over TLS a server is believed only with a certificate of a trusted authority for ${host}`, async (t) => {
      const folder = await directory(t);
      const [caFile, keyFile] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
      const { cert, key } = selfSigned(host);
      await Promise.all([writeFile(caFile, cert), writeFile(keyFile, key)]);
      const config = `tls { cert_file: ${JSON.stringify(caFile)}, key_file: ${JSON.stringify(keyFile)} }`;
      const server = await startNatsServer(t, { config });
      const url = `tls://${host}:${server.port}`;
      const tls = { caFile };
      const a = await natsNode(t, url, 'a', { tls });
      await serve(a, async (envelope) => envelope);
      equal(Buffer.from(await a.transport.request('a', Buffer.from('x'), 5_000)).toString(), 'x');
      const refused = { code: 'OUTCOME_UNKNOWN', message: /can not be reached .*TLS/ };
      await rejects(natsNode(t, url, 'b'), refused);
      const other = `tls://${host === 'localhost' ? '127.0.0.1' : 'localhost'}:${server.port}`;
      await rejects(natsNode(t, other, 'b', { tls }), refused);
    });
  }

  test('where there is no server, or one without JetStream, the text says so', async (t) => {
    const server = await startNatsServer(t, {
      config: 'accounts { A: { users: [{ user: a, password: a }] } }',
    });
    const auth = { kind: 'password' as const, user: 'a', password: 'a' };
    const refused = await natsNode(t, server.url, 'a', { auth }).then(
      () => undefined,
      (error: Error) => error,
    );
    match(refused?.message ?? '', /no JetStream for this account: enable it/);
    await server.signal('SIGKILL');
    await rejects(natsNode(t, server.url, 'a'), { code: 'OUTCOME_UNKNOWN', message: /can not be reached/ });
  });

  test('clusters of different names never meet on the same server', async (t) => {
    const server = await startNatsServer(t);
    const a = await natsNode(t, server.url, 'a', { cluster: 'one' });
    const b = await natsNode(t, server.url, 'b', { cluster: 'two' });
    await serve(b, async (envelope) => envelope);
    await b.board.put('k', Buffer.from('1'));
    await rejects(a.transport.request('b', Buffer.from('x'), 5_000), { code: 'NOT_OWNER' });
    equal((await a.board.list('')).length, 0);
    ok(b.health().ok);
  });
});
