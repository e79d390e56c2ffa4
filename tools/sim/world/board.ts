// The board on which nodes announce themselves, as bad as it may be (B1 … B4 of its port). One for all; each process has
// its own view of it.

import type { Board, BoardEntry, BoardEvent } from '../../../cluster/membership/ports.ts';
import { StarlingError } from '../../../runtime/index.ts';
import type { SimClock, SimRandom } from '../../../runtime/testing/index.ts';
import type { SimProcess } from './process.ts';
import type { Trace } from './trace.ts';

export interface BoardRates {
  /** How likely a call is answered with an error, 0 to 1. */
  readonly refused: number;
  /** How likely a list is answered from an old state. */
  readonly stale: number;
  /** How likely a watch misses an event. */
  readonly missed: number;
}

export const GOOD_BOARD: BoardRates = { refused: 0, stale: 0, missed: 0 };

/** Old states that a stale read may show. */
const STATES_KEPT_MAX = 16;
const TIMEOUT_MS = 1_000;

interface Key extends BoardEntry {
  readonly expiresAtMs: number;
}

interface Watch {
  readonly process: SimProcess;
  readonly prefix: string;
  readonly listener: (event: BoardEvent) => void;
}

export class SimBoard {
  readonly #clock: SimClock;
  readonly #random: SimRandom;
  readonly #trace: Trace;
  #keys = new Map<string, Key>();
  readonly #states: ReadonlyMap<string, Key>[] = [];
  readonly #watches = new Set<Watch>();
  #revision = 0;
  #down = false;
  rates: BoardRates = GOOD_BOARD;

  constructor(clock: SimClock, random: SimRandom, trace: Trace) {
    this.#clock = clock;
    this.#random = random;
    this.#trace = trace;
  }

  // ---- faults -----------------------------------------------------------------------------------------------------

  /** Loses the newest of what it acknowledged. */
  forget(): void {
    const state = this.#states[this.#random.below(this.#states.length)];
    if (state === undefined) return;
    this.#trace.count('board forgot what it acknowledged');
    this.#trace.note('board', 'loses its last changes');
    this.#keys = new Map(state);
    this.#tell({ kind: 'reset' }, '');
  }

  /** Everything expires at once. */
  expireAll(): void {
    this.#trace.count('board expired everything');
    this.#trace.note('board', 'everything expires');
    const keys = [...this.#keys.keys()];
    this.#keys.clear();
    for (const key of keys) this.#tell({ kind: 'gone', key }, key);
  }

  down(): void {
    this.#down = true;
    this.#trace.count('board was down');
    this.#trace.note('board', 'is down');
  }

  up(): void {
    if (!this.#down) return;
    this.#down = false;
    this.#trace.note('board', 'is up again');
  }

  // ---- the port ---------------------------------------------------------------------------------------------------

  viewOf(process: SimProcess): Board {
    return {
      put: (key, value, options = {}) =>
        this.#answer(process, () => {
          const at = this.#live(key)?.revision ?? 0;
          if (options.revision !== undefined && options.revision !== at)
            throw new StarlingError('NOT_OWNER', `${key} is at revision ${at}.`);
          return this.#put(key, value.slice(), options.ttlMs);
        }),
      remove: (key) =>
        this.#answer(process, () => {
          this.#remember();
          if (this.#keys.delete(key)) this.#tell({ kind: 'gone', key }, key);
        }),
      list: (prefix) => this.#answer(process, () => this.#list(prefix)),
      watch: (prefix, listener) => {
        const watch: Watch = { process, prefix, listener };
        this.#watches.add(watch);
        return () => this.#watches.delete(watch);
      },
    };
  }

  #put(key: string, value: Uint8Array, ttlMs: number | undefined): number {
    this.#remember();
    const revision = ++this.#revision;
    const expiresAtMs = ttlMs === undefined ? Number.POSITIVE_INFINITY : this.#clock.monotonic() + ttlMs;
    const entry: Key = { key, value, revision, expiresAtMs };
    this.#keys.set(key, entry);
    this.#tell({ kind: 'put', entry }, key);
    if (ttlMs !== undefined) this.#clock.after(ttlMs + 1, () => this.#expire(key, revision));
    return revision;
  }

  #expire(key: string, revision: number): void {
    if (this.#keys.get(key)?.revision !== revision) return;
    this.#keys.delete(key);
    this.#tell({ kind: 'gone', key }, key);
  }

  #list(prefix: string): BoardEntry[] {
    let from: ReadonlyMap<string, Key> = this.#keys;
    const old = this.#states[this.#random.below(this.#states.length)];
    if (old !== undefined && this.#random.float() < this.rates.stale) {
      this.#trace.count('board read was stale');
      from = old;
    }
    const now = this.#clock.monotonic();
    const found = [...from.values()].filter((one) => one.key.startsWith(prefix) && one.expiresAtMs > now);
    return found.map(({ key, value, revision }) => ({ key, value, revision }));
  }

  #live(key: string): Key | undefined {
    const found = this.#keys.get(key);
    return found !== undefined && found.expiresAtMs > this.#clock.monotonic() ? found : undefined;
  }

  #remember(): void {
    this.#states.push(new Map(this.#keys));
    if (this.#states.length > STATES_KEPT_MAX) this.#states.shift();
  }

  #tell(event: BoardEvent, key: string): void {
    for (const { process, prefix, listener } of this.#watches) {
      if (process.killed || (event.kind !== 'reset' && !key.startsWith(prefix))) continue;
      if (this.#random.float() < this.rates.missed) continue;
      this.#clock.after(this.#random.float() * 4, () => process.enter(() => listener(event)));
    }
  }

  /** The call takes effect on its way, or not at all; what is down answers with an error after its time-out (B4). */
  #answer<T>(process: SimProcess, act: () => T): Promise<T> {
    return process.arrive(
      new Promise((resolve, reject) => {
        const fail = (): void => reject(new StarlingError('OUTCOME_UNKNOWN', 'The board gives no answer.'));
        this.#clock.after(0.3 + this.#random.float() * 2, () => {
          if (this.#down) {
            this.#clock.after(TIMEOUT_MS, fail);
            return;
          }
          const refused = this.#random.float() < this.rates.refused;
          if (refused) this.#trace.count('board gave no answer');
          if (refused && this.#random.float() < 0.5) {
            this.#clock.after(TIMEOUT_MS, fail);
            return;
          }
          try {
            const value = act();
            if (refused) this.#clock.after(TIMEOUT_MS, fail);
            else this.#clock.after(0.3 + this.#random.float() * 2, () => resolve(value));
          } catch (error) {
            reject(error as Error);
          }
        });
      }),
    );
  }
}
