import assert from 'node:assert/strict';
import type { Person } from './person.ts';
import { Stage } from './stage.ts';

const stage = new Stage('history');

/** Enough for several pages. */
const seeded = 240;

/** Where a message stands on the screen, or undefined if it is not shown. */
function topOf(person: Person, text: string): Promise<number> {
  return person.message(text).evaluate((line) => line.getBoundingClientRect().top);
}

stage.scenario('scrolling up brings older messages, and what was being read stays where it is', async () => {
  const bob = await stage.client('bob');
  const sends = Array.from({ length: seeded }, (_, at) =>
    bob.sendText({ directUserId: 'alice' }, `message ${at + 1}`),
  );
  for (const send of sends) assert.equal((await send.done).state, 'sent');
  const alice = await stage.enter('alice');
  await alice.badge('Bob').getByText('99+').waitFor();
  await alice.openChat('Bob');
  await alice.page.locator('.message').first().waitFor();
  const before = await alice.texts();
  assert.ok(before.length < seeded, 'only a part is read at first');
  const top = before[0] ?? '';
  // The first line is brought to the top of the screen, where it has to stay when older ones are put before
  // it.
  await alice.page.locator('.log').evaluate((log) => {
    log.scrollTop = 0;
  });
  const at = await topOf(alice, top);
  await alice.page.waitForFunction(
    (count) => document.querySelectorAll('.message').length > count,
    before.length,
  );
  assert.ok(Math.abs((await topOf(alice, top)) - at) <= 2, 'the position is kept');
  await alice.picture('history');
  for (let shown = await alice.texts(); shown.length < seeded; shown = await alice.texts()) {
    await alice.page.locator('.log').evaluate((log) => {
      log.scrollTop = 0;
    });
    await alice.page.waitForFunction(
      (count) => document.querySelectorAll('.message').length > count,
      shown.length,
    );
  }
  assert.deepEqual(
    await alice.texts(),
    Array.from({ length: seeded }, (_, index) => `message ${index + 1}`),
  );
});

stage.scenario(
  'a message that comes in while older ones are read does not move them, and one click goes to it',
  async () => {
    const bob = await stage.client('bob');
    const alice = await stage.enter('alice');
    await alice.openChat('Bob');
    await alice.sees(`message ${seeded}`);
    await alice.page.locator('.log').evaluate((log) => {
      log.scrollTop = log.scrollHeight / 3;
    });
    const jump = alice.page.getByRole('button', { name: 'Jump to the newest message' });
    await jump.waitFor();
    const position = await alice.page.locator('.log').evaluate((log) => log.scrollTop);
    assert.equal((await bob.sendText({ directUserId: 'alice' }, 'news').done).state, 'sent');
    await alice.message('news').waitFor({ state: 'attached' });
    const moved = await alice.page.locator('.log').evaluate((log) => log.scrollTop);
    assert.ok(moved >= position - 2, 'the reader was not pulled away');
    await alice.badge('Bob').waitFor();
    await jump.click();
    await alice.badge('Bob').waitFor({ state: 'detached' });
    const end = await alice.page
      .locator('.log')
      .evaluate((log) => log.scrollHeight - log.scrollTop - log.clientHeight);
    assert.ok(end < 50, 'the newest message is in sight');
  },
);

stage.scenario('the list is filtered as one types, and is walked with the arrow keys', async () => {
  const alice = await stage.enter('alice');
  await alice.newChat('chenchen');
  await alice.write('图书馆见');
  await alice.sees('图书馆见', 'sent');
  await alice.page.keyboard.press('Control+k');
  await alice.page.keyboard.type('图书馆');
  await alice.line('Bob').waitFor({ state: 'detached' });
  await alice.line('陈晨').waitFor();
  await alice.page.keyboard.press('Escape');
  await alice.line('Bob').waitFor();
  await alice.page.keyboard.press('ArrowDown');
  await alice.page.keyboard.press('ArrowDown');
  await alice.page.keyboard.press('Enter');
  await alice.page.getByRole('heading', { level: 1, name: 'Bob', exact: true }).waitFor();
});
