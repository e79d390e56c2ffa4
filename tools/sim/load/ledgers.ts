// Clients of the ledgers. Owns: what they said and what they saw, and that both fit one order of events (I8).

import { StarlingError } from '../../../runtime/index.ts';
import type { SimRandom } from '../../../runtime/testing/index.ts';
import { cancelWord, setWord } from '../world/reminder-words.ts';
import type { World } from '../world/world.ts';

const CALL_MS = 4_000;
/** Names of reminders that a ledger has: few, so that some are replaced. */
const NAMES = 4;
const CANCEL_CHANCE = 0.25;
const PERIODIC_CHANCE = 0.3;
const CATCH_UPS = ['once', 'all', 'skip'] as const;

interface Said {
  readonly word: string;
  /** When the first answer came, and what it was; undefined = not answered yet. */
  ackedAt: number | undefined;
  place: number;
}

interface Seen {
  readonly beganAt: number;
  readonly endedAt: number;
  readonly words: readonly string[];
}

export class Ledgers {
  readonly #world: World;
  readonly said = new Map<string, Said[]>();
  readonly seen = new Map<string, Seen[]>();
  #words = 0;

  constructor(world: World) {
    this.#world = world;
  }

  static keyOf(n: number): string {
    return `main/l${n}`;
  }

  /** Says a word at a ledger, some of them told on; repeats it until it is answered, a few times. */
  async say(n: number, to: number | undefined): Promise<void> {
    this.#words += 1;
    await this.#add(
      n,
      to === undefined ? `w${this.#words}` : `w${this.#words}>${Ledgers.keyOf(to)}`,
      'word said',
    );
  }

  /** Sets, replaces or cancels one of a ledger's reminders. */
  async remind(random: SimRandom): Promise<void> {
    const { clock, swarm, reminders } = this.#world;
    this.#words += 1;
    const n = random.below(swarm.ledgers);
    const id = String(this.#words);
    const name = `r${random.below(NAMES)}`;
    const cancels = random.float() < CANCEL_CHANCE;
    const inMs = random.below(swarm.remindMsMax) - 500;
    const everyMs = random.float() < PERIODIC_CHANCE ? 1_000 + random.below(8_000) : 0;
    const times = random.below(5);
    const catchUp = CATCH_UPS[random.below(CATCH_UPS.length)] ?? 'once';
    if (cancels) {
      await this.#add(n, cancelWord(name, id), 'reminder to be cancelled');
      return;
    }
    const dueMs = Math.floor(clock.now()) + inMs;
    const untilMs = everyMs === 0 ? 0 : dueMs + times * everyMs;
    reminders.lastMs = Math.max(reminders.lastMs, dueMs, untilMs);
    await this.#add(n, setWord({ name, id, dueMs, everyMs, catchUp, untilMs }), 'reminder to be set');
  }

  async #add(n: number, word: string, event: string): Promise<void> {
    const key = Ledgers.keyOf(n);
    const said: Said = { word, ackedAt: undefined, place: 0 };
    this.#list(this.said, key).push(said);
    for (let tries = 0; tries < 6; tries++) {
      const answer = await this.#ask(key, `add ${word}`, 'run');
      if (answer === undefined) continue;
      const { clock, trace } = this.#world;
      said.ackedAt = clock.monotonic();
      said.place = Number(answer);
      trace.note('ledgers', `${key} ${word} at ${answer}`);
      trace.count(event);
      this.#world.recorder.shown('ledgers', `ledger/${key}`, said.place, word);
      return;
    }
  }

  async look(n: number): Promise<void> {
    const key = Ledgers.keyOf(n);
    const { clock } = this.#world;
    const beganAt = clock.monotonic();
    const answer = await this.#ask(key, '', 'look');
    if (answer === undefined) return;
    const words = answer === '' ? [] : answer.split(' ');
    this.#list(this.seen, key).push({ beganAt, endedAt: clock.monotonic(), words });
    words.forEach((word, i) => {
      const row = word === 'told' ? undefined : word;
      if (row !== undefined) this.#world.recorder.shown('ledgers', `ledger/${key}`, i + 1, row);
    });
    this.#world.trace.count('ledger looked at');
  }

  /** I8: everything that was answered stands where it was said to, and nobody saw less than was known before. */
  check(final: ReadonlyMap<string, readonly string[]>): void {
    const { recorder } = this.#world;
    for (const [key, list] of this.said) {
      const words = final.get(key) ?? [];
      for (const { word, ackedAt, place } of list) {
        if (ackedAt !== undefined && words[place - 1] !== word)
          recorder.fail(
            'I1',
            `${key} answered that "${word}" stands at ${place}; there is "${words[place - 1] ?? ''}"`,
          );
        if (words.filter((one) => one === word).length > 1)
          recorder.fail('I6', `${key} has "${word}" more than once`);
      }
      for (const look of this.seen.get(key) ?? []) {
        for (const { word, ackedAt, place } of list) {
          if (ackedAt !== undefined && ackedAt < look.beganAt && look.words.length < place)
            recorder.fail(
              'I8',
              `${key} showed ${look.words.length} words at ${look.beganAt} after "${word}" at ${place} was answered`,
            );
        }
      }
      this.#checkTold(key, list, final);
    }
  }

  /** Every tell of a word that stands has had its one effect. */
  #checkTold(key: string, list: readonly Said[], final: ReadonlyMap<string, readonly string[]>): void {
    const { recorder } = this.#world;
    const words = final.get(key) ?? [];
    const standing = words.filter((word) => word.includes('>'));
    for (const receiver of new Set(standing.map((word) => word.split('>')[1] ?? ''))) {
      const due = standing
        .filter((word) => word.endsWith(`>${receiver}`))
        .map((word) => word.replace('>', '<'));
      const got = (final.get(receiver) ?? []).filter((word) => due.includes(word));
      if (got.join(' ') !== due.join(' '))
        recorder.fail('I10', `${key} told ${receiver} "${due.join(' ')}", taken were "${got.join(' ')}"`);
    }
    if (list.length > 0 && standing.length > 0) this.#world.trace.count('tell taken', standing.length);
  }

  async #ask(key: string, text: string, method: 'run' | 'look'): Promise<string | undefined> {
    const { clock, random, running } = this.#world;
    const node = running[random.below(running.length)];
    const run = node?.run;
    const answer = await new Promise<string | undefined>((resolve) => {
      const timer = clock.after(CALL_MS + 3_000, () => resolve(undefined));
      const done = (text: string | undefined): void => {
        timer.cancel();
        resolve(text);
      };
      run?.process.enter(() => {
        const ledger = run.runtime.client(run.ledger.type, key);
        const asked =
          method === 'run'
            ? ledger.run({ text }, { timeoutMs: CALL_MS })
            : ledger.look({ text }, { timeoutMs: CALL_MS });
        asked.then(
          (reply) => run.process.leave(() => clock.after(1, () => done(reply.text))),
          (error: unknown) => {
            if (!(error instanceof StarlingError))
              this.#world.recorder.fail('I13', `a ledger answered ${String(error)}`);
            done(undefined);
          },
        );
      });
    });
    if (answer === undefined) await new Promise<void>((resolve) => clock.after(150, resolve));
    return answer;
  }

  #list<T>(lists: Map<string, T[]>, key: string): T[] {
    let list = lists.get(key);
    if (list === undefined) {
      list = [];
      lists.set(key, list);
    }
    return list;
  }
}
