// An actor for tests of reminders: told by words what to be reminded of, it notes in its log what was done.

import { type CatchUp, cancelReminder, remind, type Turn } from '../index.ts';
import { type KernelNode, type ScriptType, scripted } from './script-actor.ts';

/** When the simulated clock starts. */
export const START_MS = 1_767_225_600_000;

/**
 * Understands `set NAME IN_MS [EVERY_MS [CATCH_UP]]` and `cancel NAME`, each one record. When it is reminded, `onReminder`
 * runs; by default it appends `did REQUEST`. The request of a reminder is its name and what follows a `#` in it.
 */
export function reminded(onReminder: (text: string, turn: Turn) => string | Promise<string> = did) {
  const runs: string[] = [];
  const own: { type: ScriptType | undefined } = { type: undefined };
  const script = scripted({
    run: (text, turn) => {
      const { reminder } = turn;
      if (reminder !== undefined) {
        runs.push(`${reminder.name}@${reminder.dueMs - START_MS}`);
        return onReminder(text, turn);
      }
      const { type } = own;
      if (type !== undefined) change(type, text, turn);
      return 'ok';
    },
    look: (_text, _turn, { words }) => words.join(),
  });
  own.type = script.type;
  const done = async (node: KernelNode, key = 'a'): Promise<string[]> =>
    (await node.look(script.type, key)).split(',').filter((word) => word.startsWith('did'));
  return { ...script, runs, done };
}

function change(type: ScriptType, text: string, turn: Turn): void {
  const [verb = '', request = '', inMs = '0', everyMs = '0', catchUp = 'once'] = text.split(' ');
  const [name = ''] = request.split('#');
  if (verb === 'cancel') {
    turn.append(text, { reminders: [cancelReminder(name)] });
    return;
  }
  const atMs = turn.now() + Number(inMs);
  const options = { name, atMs, everyMs: Number(everyMs), catchUp: catchUp as CatchUp };
  turn.append(text, { reminders: [remind(type, options).run({ text: request })] });
}

function did(text: string, turn: Turn): string {
  turn.append(`did ${text}`);
  return '';
}
