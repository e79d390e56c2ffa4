// Fence reads of all processes of a host, shared (rule 8 of the safety protocol). Owns: which read answers which request.
// Does not own: the read, and how requests come here.
//
// Invariants:
// F1  A request is answered by a read that began after it had come: what comes while a read is under way waits for the next.
//     So `live` is true of a moment after the request was made, as if it had been read for it alone.
// F2  At most one read is under way, for everybody who waits when it begins: their number is bounded by time, not by
//     load or by the number of processes.

import { StarlingError } from '../../runtime/index.ts';

/** Reads which of these incarnations are live, at a quorum; a mark that was never written is not. */
export type ReadLives = (incarnations: readonly string[]) => Promise<ReadonlySet<string>>;

export class FenceDoor {
  readonly #read: ReadLives;
  readonly #waitingMax: number;
  #waiting: Waiting[] = [];
  #reading = false;
  #reads = 0;

  /** `waitingMax`: requests that wait at once; more are refused. */
  constructor(read: ReadLives, waitingMax: number) {
    this.#read = read;
    this.#waitingMax = waitingMax;
  }

  /** Reads begun so far. */
  get reads(): number {
    return this.#reads;
  }

  /**
   * Whether an incarnation is live, at some moment after this call began.
   * @throws StarlingError OVERLOADED, or as the read does
   */
  ask(incarnation: string): Promise<'live' | 'fenced'> {
    if (this.#waiting.length >= this.#waitingMax)
      return Promise.reject(new StarlingError('OVERLOADED', 'Too many fence reads wait.'));
    const answer = new Promise<'live' | 'fenced'>((resolve, reject) => {
      this.#waiting.push({ incarnation, resolve, reject });
    });
    if (!this.#reading) void this.#readOn();
    return answer;
  }

  /** F1, F2. Never rejects. */
  async #readOn(): Promise<void> {
    this.#reading = true;
    while (this.#waiting.length > 0) {
      const asked = this.#waiting;
      this.#waiting = [];
      this.#reads++;
      try {
        const live = await this.#read([...new Set(asked.map(({ incarnation }) => incarnation))]);
        for (const { incarnation, resolve } of asked) resolve(live.has(incarnation) ? 'live' : 'fenced');
      } catch (error) {
        for (const { reject } of asked) reject(error);
      }
    }
    this.#reading = false;
  }
}

interface Waiting {
  readonly incarnation: string;
  readonly resolve: (life: 'live' | 'fenced') => void;
  readonly reject: (error: unknown) => void;
}
