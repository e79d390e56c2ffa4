// Faults in the actors: deliveries, cursors, ids, absent members.

import type { Mutant } from './mutant.ts';

export const PRODUCT_MUTANTS: readonly Mutant[] = [
  {
    name: 'a user accepts any higher entry',
    edits: [
      {
        file: 'actors/user/user.ts',
        find: '      if (seq !== cursor + 1) {',
        replace: '      if (seq < 0) {',
      },
    ],
    // A conversation never offers a gap (D1, D2 of its deliveries), so only the user's own test can.
    test: 'actors/user/deliver.test.ts',
    expected: ['I7', 'I10', 'I12', 'I17'],
  },
  {
    name: 'a user has no cursor of its own',
    edits: [
      {
        file: 'actors/user/user.ts',
        find: 'let cursor = summary === undefined || joinSeq > summary.joinSeq ? joinSeq - 1 : summary.cursor;',
        replace: 'let cursor = Number(request.prevSeq);',
      },
    ],
    expected: ['I7', 'I12'],
  },
  {
    name: 'cursor dropped with the membership',
    edits: [
      {
        file: 'actors/user/summary.ts',
        find: 'if (change.left) summary.member = false;',
        replace: 'if (change.left) Object.assign(summary, { member: false, cursor: 0, joinSeq: 0 });',
      },
    ],
    expected: ['I7', 'I12'],
  },
  {
    name: 'refused deliveries are ignored',
    edits: [
      {
        file: 'actors/group/deliveries.ts',
        find: 'for (const [membership, outcome] of refused) this.#refused(membership, outcome, first - 1);',
        replace: '',
      },
    ],
    expected: ['I10', 'I7'],
  },
  {
    name: 'frontier before the acknowledgements',
    edits: [
      {
        file: 'actors/group/deliveries.ts',
        find: '    let lowest = this.#delivered;\n',
        replace:
          '    let lowest = Math.max(this.#sent, this.#options.state.lastSeq);\n    if (lowest > 0) return lowest;\n',
      },
    ],
    expected: ['I10', 'I7'],
  },
  {
    name: 'message id drawn per attempt',
    edits: [
      {
        file: 'actors/group/post.ts',
        find: 'messageIdOf(tenant, conversationId, senderId, clientMessageId);',
        replace: 'messageIdOf(tenant, conversationId, senderId, clientMessageId + String(turn.random64()));',
      },
    ],
    expected: ['I6'],
  },
  {
    name: 'two batches under way for one conversation',
    edits: [
      {
        file: 'actors/user/send-queue.ts',
        find: '    if (this.#underWay || this.#resting) return;',
        replace: '    if (this.#resting) return;',
      },
    ],
    expected: ['I9'],
  },
  {
    name: 'a send overtakes the outbox',
    edits: [
      {
        file: 'actors/user/send-queue.ts',
        find: '    this.#waiting.push(waiting);\n',
        replace: [
          '    const accepted = this.#waiting.findIndex(({ acceptedAtMs }) => acceptedAtMs !== undefined);',
          '    this.#waiting.splice(accepted < 0 ? this.#waiting.length : accepted, 0, waiting);',
          '',
        ].join('\n'),
      },
    ],
    options: { on: ['kill', 'cut_both_ways', 'cut_from_store'] },
    expected: ['I9'],
  },
  {
    name: 'device cursor without a look at its row',
    edits: [
      {
        file: 'actors/user/cursor.ts',
        find: 'return check === cursor.check ? { userSeq } : { fullSync: FullSync_Reason.MISMATCH };',
        replace: 'return check === undefined ? { fullSync: FullSync_Reason.MISMATCH } : { userSeq };',
      },
    ],
    expected: ['I12'],
  },
  {
    name: 'note cleared before what was missed is appended',
    edits: [
      {
        file: 'actors/user/catch-up.ts',
        find: '    const before = position(conversationId);\n',
        replace: '    const before = position(conversationId);\n    turn.clearNotes([note]);\n',
      },
    ],
    expected: ['I10', 'I7'],
  },
  {
    name: 'attach answered before it is durable',
    edits: [
      {
        file: 'actors/group/group.ts',
        find: 'if (this.#deliveries.attached(userId)) turn.checkpoint();',
        replace: 'this.#deliveries.attached(userId);',
      },
    ],
    expected: ['I10', 'I7'],
  },
];
