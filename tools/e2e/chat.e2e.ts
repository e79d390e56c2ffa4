import assert from 'node:assert/strict';
import { Stage } from './stage.ts';

const stage = new Stage('chat');

stage.scenario('somebody picks a demo user on the first page and is signed in', async () => {
  const alice = await stage.enter('alice');
  await alice.page.goto(stage.server.http);
  await alice.page.getByRole('link', { name: /陈晨/u }).waitFor();
  await alice.picture('sign-in');
  await alice.page.getByRole('link', { name: /陈晨/u }).click();
  await alice.connected();
  await alice.page.locator('.account-name').getByText('陈晨').waitFor();
});

stage.scenario('two people who never wrote to each other chat in both directions', async () => {
  const alice = await stage.enter('alice');
  const bob = await stage.enter('bob');
  await alice.page.getByText('No conversations yet').waitFor();
  await alice.picture('empty');
  await alice.newChat('bob');
  await alice.write('Hello Bob!');
  await alice.sees('Hello Bob!', 'sent');
  await bob.line('Alice').waitFor();
  assert.equal(await bob.badge('Alice').textContent(), '1 unread');
  assert.match(await bob.page.title(), /^\(1\)/u);
  await bob.picture('unread');
  await bob.openChat('Alice');
  await bob.sees('Hello Bob!');
  await bob.write('Hello Alice, how are you?');
  await bob.sees('Hello Alice, how are you?', 'sent');
  await alice.write('Fine!');
  await bob.seesExactly(['Hello Bob!', 'Hello Alice, how are you?', 'Fine!']);
  await alice.seesExactly(['Hello Bob!', 'Hello Alice, how are you?', 'Fine!']);
  await bob.badge('Alice').waitFor({ state: 'detached' });
  await alice.picture('direct');
});

stage.scenario('Chinese, emoji and what looks like markup arrive as they were written', async () => {
  const alice = await stage.enter('alice');
  const chen = await stage.enter('chenchen');
  await alice.newChat('chenchen');
  const texts = [
    '你好，陈晨！今天下午三点开会，别忘了。',
    '🎉',
    '👨‍👩‍👧‍👦 family, 🇨🇳 flag, 👍🏽 skin',
    '<b>bold?</b> &amp; <img src=x onerror=alert(1)>',
    'مرحبا بالعالم',
    '𠮷野家 rare 漢字',
    `${'W'.repeat(300)}`,
  ];
  for (const text of texts) await alice.write(text);
  await chen.openChat('Alice');
  await chen.seesExactly(texts);
  assert.equal(await chen.page.locator('.bubble b, .bubble img').count(), 0);
  await chen.write('收到！👌');
  await alice.sees('收到！👌');
  const overflows = await chen.page.locator('.log').evaluate((log) => log.scrollWidth > log.clientWidth);
  assert.ok(!overflows, 'long words wrap');
  await chen.picture('chinese');
});

stage.scenario(
  'Shift+Enter makes a new line, and Enter while an input method composes does not send',
  async () => {
    const alice = await stage.enter('alice');
    await alice.newChat('emma');
    await alice.composer.pressSequentially('one');
    await alice.composer.press('Shift+Enter');
    await alice.composer.pressSequentially('two');
    await alice.composer.evaluate((field) => {
      const enter = { key: 'Enter', isComposing: true, bubbles: true, cancelable: true };
      field.dispatchEvent(new KeyboardEvent('keydown', enter));
    });
    assert.equal(await alice.composer.inputValue(), 'one\ntwo');
    await alice.composer.press('Enter');
    await alice.sees('one two', 'sent');
    assert.deepEqual(await alice.texts(), ['one\ntwo']);
  },
);

stage.scenario('three people talk in a group, one of them on two devices, and all see the same', async () => {
  const alice = await stage.enter('alice', { device: 'laptop' });
  const phone = await stage.enter('alice', { device: 'phone' });
  const bob = await stage.enter('bob');
  const chen = await stage.enter('chenchen');
  await alice.newGroup('周末 hike', ['bob', 'chenchen']);
  await alice.write('Who is in for Saturday?');
  await bob.openChat('周末 hike');
  await bob.sees('Who is in for Saturday?');
  await bob.write('I am! 🥾');
  await chen.openChat('周末 hike');
  await chen.sees('I am! 🥾');
  await chen.write('我也去！');
  await phone.openChat('周末 hike');
  await phone.sees('我也去！');
  await phone.write('Great, from my phone');
  const all = ['Who is in for Saturday?', 'I am! 🥾', '我也去！', 'Great, from my phone'];
  for (const person of [alice, phone, bob, chen]) await person.seesExactly(all);
  await phone.message('Great, from my phone').and(phone.page.locator('.is-own')).waitFor();
  await alice.message('Great, from my phone').and(alice.page.locator('.is-own')).waitFor();
  await alice.page.getByRole('button', { name: 'Group info', exact: true }).click();
  await alice.page.getByRole('complementary', { name: 'Group info' }).getByText('陈晨').waitFor();
  await alice.picture('group');
});

stage.scenario(
  'the owner renames a group, changes a role, removes a member; somebody else leaves',
  async () => {
    const alice = await stage.enter('alice');
    const bob = await stage.enter('bob');
    const diego = await stage.enter('diego');
    await alice.newGroup('Plans', ['bob', 'diego']);
    await alice.page.getByRole('button', { name: 'Group info', exact: true }).click();
    const panel = alice.page.getByRole('complementary', { name: 'Group info' });
    await panel.getByRole('button', { name: 'Rename the group' }).click();
    await panel.getByRole('textbox', { name: 'Name of the group' }).fill('Great plans');
    await panel.getByRole('button', { name: 'Save' }).click();
    await bob.openChat('Great plans');
    await bob.page.getByText('Alice named the group "Great plans"').first().waitFor();
    await panel.getByRole('combobox', { name: 'Role of Bob' }).selectOption({ label: 'Admin' });
    await bob.page.getByText('You are now an admin').first().waitFor();
    await diego.openChat('Great plans');
    await panel.getByRole('button', { name: 'Remove Diego' }).click();
    await diego.page.getByText('You are no longer a member').waitFor();
    await diego.picture('removed');
    bob.page.once('dialog', (dialog) => void dialog.accept());
    await bob.page.getByRole('button', { name: 'Group info', exact: true }).click();
    await bob.page.getByRole('button', { name: 'Leave group' }).click();
    await alice.page.locator('.control').getByText('Bob left').waitFor();
    await alice.picture('group-changes');
  },
);

stage.scenario(
  'writing to somebody who does not exist is refused in words, and nothing is opened',
  async () => {
    const alice = await stage.enter('alice');
    await alice.page.getByRole('button', { name: 'New chat' }).first().click();
    const dialog = alice.page.getByRole('dialog', { name: 'New chat' });
    await dialog.getByRole('textbox', { name: 'Name or user id' }).fill('nobody-here');
    await dialog.getByRole('textbox', { name: 'Name or user id' }).press('Enter');
    await dialog.getByRole('button', { name: 'Start chat' }).click();
    await dialog.getByRole('alert').waitFor();
    await alice.picture('no-such-user');
    await alice.page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'detached' });
  },
);
