// The words of a ledger that are about reminders. Every one of them names the reminder and the word that set it.

import type { CatchUp } from '../../../runtime/index.ts';

export type ReminderWord =
  | {
      readonly verb: 'set';
      readonly name: string;
      /** Tells this setting from every other one. */
      readonly id: string;
      readonly dueMs: number;
      /** 0 = once. */
      readonly everyMs: number;
      readonly catchUp: CatchUp;
      /** A periodic one ends with the first time it is due from here on; 0 = it is none. */
      readonly untilMs: number;
    }
  | { readonly verb: 'cancel'; readonly name: string; readonly id: string }
  | {
      readonly verb: 'did';
      readonly name: string;
      /** Of the word that set it. */
      readonly id: string;
      readonly dueMs: number;
      /** It took itself back with this. */
      readonly last: boolean;
    };

export function setWord(word: Omit<Extract<ReminderWord, { verb: 'set' }>, 'verb'>): string {
  const { name, id, dueMs, everyMs, catchUp, untilMs } = word;
  return ['set', name, id, dueMs, everyMs, catchUp, untilMs].join(':');
}

export function cancelWord(name: string, id: string): string {
  return `cancel:${name}:${id}`;
}

export function didWord(name: string, id: string, dueMs: number, last: boolean): string {
  return `did:${name}:${id}:${dueMs}:${last ? 'last' : 'more'}`;
}

/** Undefined for a word that is about no reminder. */
export function parseReminderWord(word: string): ReminderWord | undefined {
  const [verb, name = '', id = '', due = '0', fourth = '0', catchUp = 'once', until = '0'] = word.split(':');
  const dueMs = Number(due);
  if (verb === 'cancel') return { verb, name, id };
  if (verb === 'did') return { verb, name, id, dueMs, last: fourth === 'last' };
  if (verb !== 'set') return undefined;
  const everyMs = Number(fourth);
  return { verb, name, id, dueMs, everyMs, catchUp: catchUp as CatchUp, untilMs: Number(until) };
}
