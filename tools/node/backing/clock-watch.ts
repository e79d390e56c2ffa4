// Looks whether this machine's clock is right. No safety rests on it: times of messages and reminders do.

import type { CassandraDatabase } from '../../../cluster/cassandra/index.ts';
import type { Timer } from '../../../runtime/index.ts';
import { StartError } from '../errors.ts';
import type { BackingOptions } from './backing.ts';

/** Beyond it the node says so on its health page. */
const SAID_MS = 2_000;
/** Beyond it the node does not start: a conversation's times never go back (rule 19), so one wrong clock spoils them all. */
const REFUSED_MS = 60_000;
const EVERY_MS = 60_000;

export class ClockWatch {
  readonly #database: Pick<CassandraDatabase, 'clockOffsetMs'>;
  readonly #options: Pick<BackingOptions, 'clock'>;
  #offsetMs = 0;
  #timer: Timer | undefined;
  #stopped = false;

  constructor(database: Pick<CassandraDatabase, 'clockOffsetMs'>, options: Pick<BackingOptions, 'clock'>) {
    this.#database = database;
    this.#options = options;
  }

  /** @throws StartError where the clock is far off */
  async look(): Promise<void> {
    this.#offsetMs = await this.#database.clockOffsetMs();
    if (Math.abs(this.#offsetMs) < REFUSED_MS) return;
    throw new StartError(
      `The clock of this machine is ${this.#text()} that of Cassandra.`,
      'Set it right (chrony, ntpd) on whichever of them is wrong, then start again.',
      undefined,
    );
  }

  start(): void {
    this.#timer = this.#options.clock.after(EVERY_MS, () => {
      this.#database
        .clockOffsetMs()
        .then(
          (offsetMs) => {
            this.#offsetMs = offsetMs;
          },
          () => {},
        )
        .finally(() => this.#stopped || this.start());
    });
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
  }

  problems(): string[] {
    if (Math.abs(this.#offsetMs) < SAID_MS) return [];
    return [`The clock of this machine is ${this.#text()} that of Cassandra: set it right (chrony, ntpd).`];
  }

  #text(): string {
    const seconds = Math.abs(this.#offsetMs / 1_000).toFixed(1);
    return `${seconds} s ${this.#offsetMs > 0 ? 'ahead of' : 'behind'}`;
  }
}
