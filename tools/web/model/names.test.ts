import assert from 'node:assert/strict';
import { test } from 'node:test';
import { conversation, groupConversation } from '../testing/index.ts';
import { HUES, hueOf, initials, listNames, titleOf } from './names.ts';

const nameOf = (id: string) => ({ alice: 'Alice', bob: 'Bob' })[id] ?? id;

test('initials are those of the first and the last word', () => {
  assert.equal(initials('Alice Moreau'), 'AM');
  assert.equal(initials('alice maria moreau'), 'AM');
  assert.equal(initials('gus'), 'G');
  assert.equal(initials('li.na'), 'LN');
});

test('a short Chinese name is known by its last character, a longer title by its first', () => {
  assert.equal(initials('陈晨'), '晨');
  assert.equal(initials('王小明'), '明');
  assert.equal(initials('周末爬山'), '周');
  assert.equal(initials('周末 hike', true), '周');
});

test('an emoji of several code points stays whole', () => {
  assert.equal(initials('👩‍🚀 Crew'), '👩‍🚀C');
});

test('a name without letters still has something to show', () => {
  assert.equal(initials('  '), '?');
});

test('the colour of an id is stable and in range, and ids that differ in one character spread over the colours', () => {
  const hues = Array.from({ length: 200 }, (_, at) => hueOf(`user-${at}`));
  assert.ok(hues.every((hue) => Number.isInteger(hue) && hue >= 0 && hue < HUES));
  assert.equal(new Set(hues).size, HUES);
  assert.equal(hueOf('alice'), hueOf('alice'));
});

test('a direct conversation is called after the other user, one with oneself says so', () => {
  assert.equal(titleOf(conversation('c', ['alice', 'bob']), 'bob', nameOf), 'Alice');
  assert.equal(titleOf(conversation('c', ['alice', 'alice']), 'alice', nameOf), 'Alice (you)');
});

test('a group is called by its name, or by its id where it has none', () => {
  assert.equal(titleOf(groupConversation('g', { name: '周末' }), 'bob', nameOf), '周末');
  assert.equal(titleOf(groupConversation('g', { name: '' }), 'bob', nameOf), 'g');
});

test('a list of names says "you" for oneself and counts those who do not fit', () => {
  assert.equal(listNames(['alice'], 'bob', nameOf), 'Alice');
  assert.equal(listNames(['alice', 'bob'], 'bob', nameOf), 'Alice and you');
  assert.equal(listNames(['alice', 'x', 'y'], 'bob', nameOf), 'Alice, x and y');
  assert.equal(listNames(['alice', 'x', 'y', 'z', 'w'], 'bob', nameOf), 'Alice, x and 3 others');
});
