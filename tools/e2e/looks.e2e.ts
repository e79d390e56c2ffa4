import assert from 'node:assert/strict';
import { phone } from './browser.ts';
import type { Person } from './person.ts';
import { Stage } from './stage.ts';

const stage = new Stage('looks');

const minute = 60_000;

type Said = readonly [sender: string, minutesAgo: number, text: string];

const team: readonly Said[] = [
  ['chenchen', 1_510, '大家好！明天下午三点评审新的存储层，请提前看一下设计文档 📄'],
  ['alice', 1_502, 'Read it last night. The fencing chapter is excellent.'],
  ['diego', 131, 'The nightly run is green on all machines 🎉'],
  ['alice', 129, '👏'],
  ['chenchen', 127, '太棒了！一共跑了多长时间？'],
  ['diego', 126, 'A bit over half an hour. I will post the log.'],
  ['diego', 125, 'And the histograms'],
  ['alice', 44, 'Great. 那我们三点见，会议室 301。Emma joins remotely.'],
  ['emma', 12, 'I am in. Could somebody share the agenda first?'],
  ['chenchen', 9, '已经发到群文件里了：先看基准测试，再讨论扩容方案，最后十分钟留给提问。'],
];

const direct: readonly { readonly peer: string; readonly said: readonly Said[] }[] = [
  {
    peer: 'bob',
    said: [
      ['bob', 64, 'Lunch at 12:30?'],
      ['alice', 61, 'Perfect 🍜'],
    ],
  },
  {
    peer: 'emma',
    said: [
      ['emma', 17, 'Can you review my change?'],
      ['emma', 16, 'It is only twelve lines, promise'],
    ],
  },
  { peer: 'fatima', said: [['fatima', 1_600, 'شكرا جزيلا! See you next week']] },
];

/** What somebody sees who has used the system for a few days. */
function records(): object[] {
  const now = Date.now();
  const message = (said: Said, at: number, place: object) => ({
    type: 'message',
    ...place,
    sender_user_id: said[0],
    client_message_id: `m-${at}`,
    create_time_ms: now - said[1] * minute,
    text: said[2],
  });
  const group = (id: string, name: string, others: string[]) => ({
    type: 'conversation',
    conversation_id: id,
    name,
    owner_user_id: 'alice',
    member_user_ids: others,
    create_time_ms: now - 3_000 * minute,
  });
  const place = (id: string) => ({ conversation_id: id });
  return [
    group('team', 'Storage team 存储组', ['chenchen', 'diego', 'emma']),
    ...team.map((said, at) => message(said, at, place('team'))),
    group('hike', '周末爬山', ['bob', 'chenchen']),
    message(['chenchen', 190, '周六早上八点，地铁站见 🥾'], 0, place('hike')),
    group('release', 'Release notes', ['bob', 'diego']),
    message(['diego', 2_900, '0.1.0 is tagged'], 0, place('release')),
    ...direct.flatMap(({ peer, said }) =>
      said.map((one, at) => message(one, at, { direct_user_ids: ['alice', peer] })),
    ),
  ];
}

/** Fails if something stands out to the right, which a person could not reach. */
async function fits(person: Person): Promise<void> {
  const width = await person.page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
  assert.equal(width[0], width[1], 'nothing stands out to the right');
}

/** How light the page is, 0 to 255. */
function lightness(person: Person): Promise<number> {
  return person.page.evaluate(() => {
    const parts = /(\d+), (\d+), (\d+)/u.exec(getComputedStyle(document.body).backgroundColor) ?? [];
    return (Number(parts[1]) + Number(parts[2]) + Number(parts[3])) / 3;
  });
}

stage.scenario('the page is light or dark as the system is', async () => {
  await stage.server.import(records());
  const alice = await stage.enter('alice', { device: 'laptop' });
  await alice.openChat('Release notes');
  await alice.page.getByRole('button', { name: 'Mute' }).click();
  await alice.openChat('Storage team 存储组');
  await alice.page.getByRole('button', { name: 'Pin to the top' }).click();
  await alice.line('Storage team 存储组').getByText('pinned').waitFor({ state: 'attached' });
  await alice.badge('Storage team 存储组').waitFor({ state: 'detached' });
  await alice.page.reload();
  await alice.connected();
  await alice.sees('👏');
  await fits(alice);
  assert.ok((await lightness(alice)) > 200);
  await alice.picture('light');
  await alice.page.emulateMedia({ colorScheme: 'dark' });
  assert.ok((await lightness(alice)) < 60);
  await alice.picture('dark');
});

stage.scenario(
  'a telephone shows the list or the chat, and goes back from the one to the other',
  async () => {
    const alice = await stage.enter('alice', { device: 'phone', context: phone });
    await alice.line('Emma').waitFor();
    await fits(alice);
    await alice.picture('phone-list');
    await alice.openChat('Emma');
    await alice.sees('It is only twelve lines, promise');
    await alice.line('Emma').waitFor({ state: 'hidden' });
    await fits(alice);
    await alice.picture('phone-chat');
    await alice.page.goBack();
    await alice.line('Emma').waitFor();
    await alice.openChat('Storage team 存储组');
    await alice.sees('👏');
    await alice.page.emulateMedia({ colorScheme: 'dark' });
    await alice.picture('phone-dark');
    await alice.page.getByRole('button', { name: 'Group info', exact: true }).click();
    await alice.page
      .getByRole('complementary', { name: 'Group info' })
      .getByText('Diego', { exact: true })
      .waitFor();
    await fits(alice);
    await alice.picture('phone-group');
    await alice.page.getByRole('button', { name: 'Close group info' }).click();
    await alice.page.getByRole('button', { name: 'Back to the list' }).click();
    await alice.line('Emma').waitFor();
  },
);
