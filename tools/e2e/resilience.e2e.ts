import assert from 'node:assert/strict';
import { Stage } from './stage.ts';

const stage = new Stage('resilience');

const numbered = (prefix: string, count: number) =>
  Array.from({ length: count }, (_, at) => `${prefix} ${at + 1}`);

stage.scenario(
  'what is written offline is kept, and arrives once and in order after the return',
  async () => {
    const cable = await stage.cable();
    const alice = await stage.enter('alice', { http: cable.http });
    const bob = await stage.enter('bob');
    await alice.newChat('bob');
    await alice.write('before');
    await alice.sees('before', 'sent');
    await bob.openChat('Alice');
    await alice.context.setOffline(true);
    cable.pull();
    await alice.banner.getByText('You are offline.').waitFor();
    const queued = numbered('offline', 5);
    for (const text of queued) await alice.write(text);
    for (const text of queued) await alice.sees(text, 'sending');
    await bob.write('while you were away');
    await bob.sees('while you were away', 'sent');
    assert.deepEqual(await alice.texts(), ['before', ...queued]);
    await alice.picture('offline');
    cable.plugIn();
    await alice.context.setOffline(false);
    for (const text of queued) await alice.sees(text, 'sent');
    await alice.banner.waitFor({ state: 'detached' });
    const all = ['before', 'while you were away', ...queued];
    await bob.seesExactly(all);
    await alice.seesExactly(all);
  },
);

stage.scenario('a reload keeps everything and goes on', async () => {
  const alice = await stage.enter('alice');
  const diego = await stage.enter('diego');
  await alice.newChat('diego');
  await alice.write('one');
  await alice.sees('one', 'sent');
  await alice.composer.fill('a draft');
  await alice.page.reload();
  await alice.connected();
  await alice.sees('one', 'sent');
  assert.equal(await alice.composer.inputValue(), 'a draft');
  await alice.write('two');
  await diego.openChat('Alice');
  await diego.seesExactly(['one', 'two']);
  await diego.write('three');
  await alice.seesExactly(['one', 'two', 'three']);
});

stage.scenario('what was sent just before a reload is sent after it, once', async () => {
  const alice = await stage.enter('alice');
  const emma = await stage.enter('emma');
  await alice.newChat('emma');
  await alice.write('first');
  await alice.sees('first', 'sent');
  await alice.context.setOffline(true);
  await alice.write('kept in the local store');
  await alice.sees('kept in the local store', 'sending');
  await alice.context.setOffline(false);
  await alice.page.reload();
  await alice.sees('kept in the local store', 'sent');
  await emma.openChat('Alice');
  await emma.seesExactly(['first', 'kept in the local store']);
});

stage.scenario(
  'pages survive a power cut of the server: nothing is lost, nothing doubled, sends go out after',
  async () => {
    const alice = await stage.enter('alice');
    const chen = await stage.enter('chenchen');
    await alice.newChat('chenchen');
    await alice.write('before the cut');
    await alice.sees('before the cut', 'sent');
    await chen.openChat('Alice');
    await chen.sees('before the cut');
    await stage.server.kill();
    await alice.banner.waitFor();
    await chen.banner.waitFor();
    await alice.write('while it was down 1');
    await alice.write('while it was down 2');
    await alice.sees('while it was down 2', 'sending');
    await alice.picture('server-down');
    await stage.server.run();
    await alice.connected();
    await alice.banner.waitFor({ state: 'detached' });
    await alice.sees('while it was down 2', 'sent');
    await chen.connected();
    await chen.write('back again');
    const all = ['before the cut', 'while it was down 1', 'while it was down 2', 'back again'];
    await chen.seesExactly(all);
    await alice.seesExactly(all);
  },
);

stage.scenario('where the stream is held back on the way, messages arrive by long poll', async () => {
  const alice = await stage.enter('alice', {
    // The request is neither answered nor refused, as behind a proxy that waits for the whole answer.
    prepare: async (page) => {
      await page.route('**/starling.im.v1.SessionService/Open', () => undefined);
    },
  });
  const fatima = await stage.enter('fatima');
  await alice.newChat('fatima');
  await alice.write('can you hear me?');
  await fatima.openChat('Alice');
  await fatima.sees('can you hear me?');
  for (const text of numbered('loud and clear', 3)) await fatima.write(text);
  await alice.seesExactly(['can you hear me?', ...numbered('loud and clear', 3)]);
});

stage.scenario('a message that the server refuses says why, and is sent again on request', async () => {
  const alice = await stage.enter('alice');
  const diego = await stage.enter('diego');
  await alice.newChat('diego');
  await alice.write('accepted');
  await alice.sees('accepted', 'sent');
  const sending = '**/starling.im.v1.MessageService/SendMessage';
  await alice.page.route(sending, (route) =>
    route.fulfill({
      status: 200,
      headers: {
        'content-type': 'application/grpc-web+proto',
        'grpc-status': '7',
        'grpc-message': 'Refused.',
      },
    }),
  );
  await alice.write('refused at first');
  await alice.sees('refused at first', 'failed');
  await alice.picture('refused');
  await alice.page.unroute(sending);
  await alice.page.getByRole('button', { name: 'Try again' }).click();
  await alice.sees('refused at first', 'sent');
  await alice.write('and after');
  await diego.openChat('Alice');
  await diego.sees('and after');
  assert.deepEqual((await diego.texts()).slice(-3), ['accepted', 'refused at first', 'and after']);
  assert.deepEqual((await alice.texts()).slice(-3), ['accepted', 'refused at first', 'and after']);
});
