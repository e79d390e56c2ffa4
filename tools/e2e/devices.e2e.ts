import assert from 'node:assert/strict';
import { Stage } from './stage.ts';

const stage = new Stage('devices');

stage.scenario('what is read on one device is read on the other', async () => {
  const laptop = await stage.enter('alice', { device: 'laptop' });
  const phone = await stage.enter('alice', { device: 'phone' });
  const bob = await stage.enter('bob');
  await bob.newChat('alice');
  await bob.write('one');
  await bob.write('two');
  await bob.sees('two', 'sent');
  await phone.badge('Bob').getByText('2').waitFor();
  await laptop.badge('Bob').getByText('2').waitFor();
  await laptop.openChat('Bob');
  await laptop.sees('two');
  await phone.badge('Bob').waitFor({ state: 'detached' });
  assert.doesNotMatch(await phone.page.title(), /^\(/u);
});

stage.scenario('a setting, and a draft, made on one device are there on the other', async () => {
  const laptop = await stage.enter('alice', { device: 'laptop' });
  const phone = await stage.enter('alice', { device: 'phone' });
  await laptop.newChat('emma');
  await laptop.write('hi');
  await laptop.sees('hi', 'sent');
  await laptop.page.getByRole('button', { name: 'Mute' }).click();
  await laptop.page.getByRole('button', { name: 'Pin to the top' }).click();
  await phone.line('Emma').getByText('pinned').waitFor({ state: 'attached' });
  await phone.line('Emma').getByText('muted').waitFor({ state: 'attached' });
  await laptop.composer.fill('not sent yet');
  await laptop.page.keyboard.press('Escape');
  await phone.line('Emma').getByText('not sent yet').waitFor();
  await phone.picture('pinned-muted-draft');
});

stage.scenario('a device is signed out from another one, is told so, and may sign in again', async () => {
  const laptop = await stage.enter('diego', { device: 'laptop' });
  const phone = await stage.enter('diego', { device: 'phone' });
  await laptop.page.getByRole('button', { name: 'Your devices' }).click();
  await laptop.page.getByRole('button', { name: 'Sign out phone' }).waitFor();
  await laptop.picture('devices');
  await laptop.page.getByRole('button', { name: 'Sign out phone' }).click();
  await phone.page.getByText('This device was signed out from another device.').waitFor();
  await phone.picture('signed-out');
  await phone.page.getByRole('button', { name: 'Sign in here again' }).click();
  await phone.connected();
});

stage.scenario(
  'two windows of one browser are two devices, and a reloaded window stays the device it was',
  async () => {
    const first = await stage.enter('fatima');
    const second = await first.context.newPage();
    await second.goto(`${stage.server.http}/?user=fatima`);
    await second.locator('[data-connection="connected"]').waitFor({ state: 'attached' });
    await first.page.getByRole('button', { name: 'Your devices' }).click();
    const rows = first.page.locator('.device');
    await rows.nth(1).waitFor();
    assert.equal(await rows.count(), 2);
    await second.reload();
    await second.locator('[data-connection="connected"]').waitFor({ state: 'attached' });
    await first.page.keyboard.press('Escape');
    await first.page.getByRole('button', { name: 'Your devices' }).click();
    await rows.nth(1).waitFor();
    assert.equal(await rows.count(), 2);
  },
);

stage.scenario(
  'two windows of one device share one connection, and both show and send everything',
  async () => {
    const first = await stage.enter('emma', { device: 'desk' });
    const bob = await stage.enter('bob');
    const second = await first.context.newPage();
    await second.goto(`${stage.server.http}/?user=emma&device=desk`);
    await second.locator('[data-connection="connected"]').waitFor({ state: 'attached' });
    await bob.newChat('emma');
    await bob.write('to both windows');
    await first.openChat('Bob');
    await first.sees('to both windows');
    await second.locator('.line').getByText('Bob', { exact: true }).click();
    await second.locator('.bubble-text').getByText('to both windows').waitFor();
    await second.getByRole('textbox', { name: /^Message to/u }).fill('from the second window');
    await second.keyboard.press('Enter');
    await bob.openChat('Emma');
    await bob.seesExactly(['to both windows', 'from the second window']);
    await first.seesExactly(['to both windows', 'from the second window']);
    await first.page.locator('[data-connection="connected"]').waitFor({ state: 'attached' });
  },
);
