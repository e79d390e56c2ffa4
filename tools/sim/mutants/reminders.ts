// Faults in reminders, and in what an activation takes up before it serves calls.

import type { Edit, Mutant } from './mutant.ts';

const reminders = (find: string, replace: string): Edit => ({
  file: 'runtime/actor-reminders.ts',
  find,
  replace,
});

export const REMINDER_MUTANTS: readonly Mutant[] = [
  {
    name: 'no due mark',
    edits: [reminders('    this.#options.journal().markDue(minuteMs);\n', '')],
    options: { on: ['kill'] },
    expected: ['I10'],
  },
  {
    name: 'due mark dropped while a reminder of its minute stands',
    edits: [reminders('    if (this.#book.firstDueMs < minuteMs + MINUTE_MS) return false;\n', '')],
    // Most ledgers are woken by their wake marks as well, so that seeds hardly show it.
    test: 'runtime/due-marks.test.ts',
    expected: ['I10'],
  },
  {
    name: 'what a reminder did, and that it is done, in two writes',
    edits: [reminders('      changes.push(doneChange(reminder.name, untilMs));\n', '')],
    options: { on: ['kill', 'bad_commit'] },
    expected: ['I10'],
  },
  {
    name: 'a reminder runs that was cancelled meanwhile',
    edits: [
      reminders('return this.#book.get(reminder.name) !== reminder;', 'return false;'),
      {
        file: 'runtime/reminder-book.ts',
        find: "else if (change.case === 'cancelled') this.#byName.delete(change.value);",
        replace:
          "else if (change.case === 'cancelled' && change.value === '') this.#byName.delete(change.value);",
      },
    ],
    expected: ['I10'],
  },
  {
    name: 'calls are served before what was left is taken up',
    edits: [
      {
        file: 'runtime/activation.ts',
        find: 'this.#turns.pushFirst({',
        replace: 'this.#turns.push({',
      },
    ],
    // A seed needs a call that waits while the actor opens with something in its outbox; a hundred seeds may have none.
    test: 'runtime/opened.test.ts',
    expected: ['I9'],
  },
];
