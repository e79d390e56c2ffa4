import { deepEqual, equal, match } from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { BoardSubjects, LaneSubjects, nameOf, tokenOf } from './subjects.ts';

describe('the subjects', () => {
  test('any name is one token, and read back from it', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1, unit: 'grapheme' }), (name) => {
        match(tokenOf(name), /^[\w=-]+$/);
        equal(nameOf(tokenOf(name)), name);
      }),
    );
  });

  test('what is addressed to a process is told apart by its subject alone', () => {
    const a = new LaneSubjects('c', 'calls', 'node.a 1');
    const b = new LaneSubjects('c', 'calls', 'b');
    deepEqual(b.parse(a.requests('b', 7)), { what: 'requests', process: 'node.a 1', link: 7 });
    deepEqual(a.parse(b.replies('node.a 1', 7)), { what: 'replies', link: 7 });
    deepEqual(a.parse(`${a.lostRequests(7)}.3`), { what: 'lost-requests', link: 7, frame: 3 });
    deepEqual(b.parse(b.lostReplies('node.a 1', 7)), { what: 'lost-replies', process: 'node.a 1', link: 7 });
    equal(b.parse(`${b.mine.slice(0, -1)}later`), undefined);
  });

  test('a key of the board is read back from its subject, and every prefix has a filter', () => {
    const board = new BoardSubjects('east');
    equal(board.keyOf(board.keySubject('member.a b/c')), 'member.a b/c');
    deepEqual(board.filters('member.'), ['$KV.starling-east.member.>']);
    deepEqual(board.filters('placement.core'), ['$KV.starling-east.placement.>']);
    deepEqual(board.filters(''), ['$KV.starling-east.>']);
  });
});
