// A board of one process, for tests. Owns: keys, expiry, watches and its faults. Does not own: a network.

import { type Clock, StarlingError } from '../../../runtime/index.ts';
import type { Board, BoardEntry, BoardEvent, PutOptions } from '../index.ts';

interface Kept extends BoardEntry {
  readonly untilMs: number;
}

/** Keeps keys in memory; answers in a later task. */
export class ModelBoard implements Board {
  readonly #clock: Clock;
  readonly #watches = new Set<{ readonly prefix: string; readonly listener: (event: BoardEvent) => void }>();
  #kept = new Map<string, Kept>();
  #revision = 0;
  /** While true every call rejects and no watch reports. */
  down = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  async put(key: string, value: Uint8Array, { ttlMs, revision }: PutOptions = {}): Promise<number> {
    await this.#answer();
    if (revision !== undefined && (this.#kept.get(key)?.revision ?? 0) !== revision) {
      throw new StarlingError('NOT_OWNER');
    }
    const untilMs = ttlMs === undefined ? Number.POSITIVE_INFINITY : this.#clock.monotonic() + ttlMs;
    this.#revision++;
    const entry = { key, value, revision: this.#revision, untilMs };
    this.#kept.set(key, entry);
    this.#report(key, { kind: 'put', entry });
    return this.#revision;
  }

  async remove(key: string): Promise<void> {
    await this.#answer();
    if (this.#kept.delete(key)) this.#report(key, { kind: 'gone', key });
  }

  async list(prefix: string): Promise<readonly BoardEntry[]> {
    await this.#answer();
    const now = this.#clock.monotonic();
    return [...this.#kept.values()].filter(({ key, untilMs }) => key.startsWith(prefix) && untilMs > now);
  }

  watch(prefix: string, listener: (event: BoardEvent) => void): () => void {
    const watch = { prefix, listener };
    this.#watches.add(watch);
    return () => this.#watches.delete(watch);
  }

  /** Forgets everything, as a server that lost its disk. */
  lose(): void {
    const keys = [...this.#kept.keys()];
    this.#kept = new Map();
    for (const key of keys) this.#report(key, { kind: 'gone', key });
  }

  async #answer(): Promise<void> {
    await Promise.resolve();
    if (this.down) throw new StarlingError('OUTCOME_UNKNOWN');
  }

  #report(key: string, event: BoardEvent): void {
    if (this.down) return;
    for (const { prefix, listener } of [...this.#watches]) if (key.startsWith(prefix)) listener(event);
  }
}
