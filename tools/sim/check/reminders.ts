// Reminders of the ledgers. Owns: that what was set and neither cancelled nor replaced has had its effect, once for each
// time, and that nothing runs that was cancelled, replaced or done (I10). The log of the ledger alone says what was: the
// records stand in one order.

import { MINUTE_MS } from '../../../runtime/actor-reminders.ts';
import type { SimClock } from '../../../runtime/testing/index.ts';
import { parseReminderWord, type ReminderWord } from '../world/reminder-words.ts';
import type { Trace } from '../world/trace.ts';
import type { Recorder } from './recorder.ts';

/** Later than this counts as late, milliseconds. */
const LATE_MS = 3_000;

type SetWord = Extract<ReminderWord, { verb: 'set' }>;

/** A reminder as the log has it. */
interface Standing {
  readonly word: SetWord;
  /** First time that it has not been run for. */
  nextMs: number;
}

export class ReminderWatch {
  readonly #clock: SimClock;
  readonly #trace: Trace;
  readonly #recorder: Recorder;
  /** Which process set it last. */
  readonly #setBy = new Map<string, string>();
  /** The last time that any of them is to run, by the clock of the world. */
  lastMs = 0;

  constructor(clock: SimClock, trace: Trace, recorder: Recorder) {
    this.#clock = clock;
    this.#trace = trace;
    this.#recorder = recorder;
  }

  set(process: string, id: string): void {
    this.#setBy.set(id, process);
  }

  runs(process: string, id: string, dueMs: number): void {
    const lateMs = this.#clock.now() - dueMs;
    if (this.#setBy.get(id) !== process) this.#trace.count('reminder run after a takeover');
    if (lateMs > LATE_MS) this.#trace.count('reminder run late');
    // In another minute than its own: the due mark of that minute had to be found again.
    if (lateMs > MINUTE_MS) this.#trace.count('reminder run a minute late');
    this.#trace.note(process, `runs reminder ${id}, ${Math.round(lateMs)} ms after its time`);
  }

  /** Everything that was set has had its time: the log of a ledger says what became of it. */
  check(key: string, words: readonly string[]): void {
    const standing = new Map<string, Standing>();
    words.forEach((text, i) => {
      const word = parseReminderWord(text);
      if (word !== undefined) this.#fold(standing, word, `${key} ${i + 1}: "${text}"`);
    });
    for (const { word, nextMs } of standing.values())
      this.#fail(`${key}: reminder ${word.name} of ${word.id} was due at ${nextMs} and has not run`);
  }

  #fold(standing: Map<string, Standing>, word: ReminderWord, where: string): void {
    const before = standing.get(word.name);
    if (word.verb === 'set') {
      this.#trace.count(before === undefined ? 'reminder set' : 'reminder replaced');
      standing.set(word.name, { word, nextMs: word.dueMs });
    } else if (word.verb === 'cancel') {
      if (standing.delete(word.name)) this.#trace.count('reminder cancelled');
    } else this.#ran(standing, before, word, where);
  }

  #ran(
    standing: Map<string, Standing>,
    before: Standing | undefined,
    { name, id, dueMs, last }: Extract<ReminderWord, { verb: 'did' }>,
    where: string,
  ): void {
    if (before?.word.id !== id) {
      this.#fail(`${where} ran although it was cancelled, replaced or done`);
      return;
    }
    const { everyMs } = before.word;
    const fits = everyMs === 0 ? dueMs === before.nextMs : (dueMs - before.nextMs) % everyMs === 0;
    if (!fits || dueMs < before.nextMs) this.#fail(`${where} ran for another time than ${before.nextMs}`);
    this.#trace.count(everyMs === 0 ? 'reminder run once' : 'periodic reminder run');
    before.nextMs = dueMs + everyMs;
    if (everyMs === 0 || last) standing.delete(name);
  }

  #fail(text: string): void {
    this.#recorder.fail('I10', text);
  }
}
