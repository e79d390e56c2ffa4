// An actor of the simulator's own: a list of words, each said once, some of them told on to another ledger, some of them
// a reminder that is set or cancelled. It shows what the product's actors do not: an order that clients can compare,
// tells, reminders, and a table.

import {
  type ActorDefinition,
  type ActorType,
  cancelReminder,
  type ReminderSetOrCancel,
  remind,
  type Turn,
  tell,
} from '../../../runtime/index.ts';
import { type ScriptType, scripted } from '../../../runtime/testing/index.ts';
import { didWord, parseReminderWord, type ReminderWord } from './reminder-words.ts';

export interface Ledger {
  readonly type: ScriptType;
  readonly definition: ActorDefinition;
}

/** Hears of reminders in the turn that sets or runs them, which may still turn out not to have been. */
export interface ReminderListener {
  set(id: string): void;
  runs(id: string, dueMs: number): void;
}

/**
 * `add WORD` says a word once and answers its place; `add WORD>KEY` also tells it to another ledger. A word of
 * reminder-words.ts also sets or cancels a reminder. What is told and what a reminder does is appended without a look at
 * what is there: that it happens once is the runtime's word.
 */
export function makeLedger(listener: ReminderListener): Ledger {
  const types: ActorType[] = [];
  const made = scripted({
    kind: 'ledger',
    run: (text, turn, script) => {
      const [verb = '', word = ''] = text.split(' ');
      if (turn.reminder !== undefined) return runReminder(turn, turn.reminder, word, listener);
      if (verb === 'told') return String(turn.append(word));
      const before = script.words.indexOf(word);
      if (before >= 0) return String(before + 1);
      const [self] = types;
      if (self === undefined) return '';
      const [, to] = word.split('>');
      const tells =
        to === undefined
          ? []
          : [tell(self as ScriptType, to).run({ text: `told ${word.replace('>', '<')}` })];
      const asked = parseReminderWord(word);
      if (asked?.verb === 'set') listener.set(asked.id);
      return String(turn.append(word, { tells, reminders: changesOf(self as ScriptType, asked) }));
    },
    look: (_text, _turn, script) => script.words.join(' '),
  });
  types.push(made.type);
  return made;
}

function changesOf(self: ScriptType, asked: ReminderWord | undefined): ReminderSetOrCancel[] {
  if (asked?.verb === 'cancel') return [cancelReminder(asked.name)];
  if (asked?.verb !== 'set') return [];
  const { name, id, dueMs, everyMs, catchUp, untilMs } = asked;
  const text = `did ${id}:${untilMs}:${catchUp}`;
  return [remind(self, { name, atMs: dueMs, everyMs, catchUp }).run({ text })];
}

/**
 * A periodic reminder takes itself back once it has been due for the last time. One that makes one call of all the times
 * that have passed is told the first of them, so the clock says whether the last one is among them.
 */
function runReminder(
  turn: Turn,
  { name, dueMs }: { readonly name: string; readonly dueMs: number },
  word: string,
  listener: ReminderListener,
): string {
  const [id = '', untilMs = '0', catchUp] = word.split(':');
  listener.runs(id, dueMs);
  const coveredMs = catchUp === 'once' ? Math.max(dueMs, turn.now()) : dueMs;
  const last = Number(untilMs) > 0 && coveredMs >= Number(untilMs);
  return String(
    turn.append(didWord(name, id, dueMs, last), { reminders: last ? [cancelReminder(name)] : [] }),
  );
}
