// The output gate of one activation. Turns do not wait for writes, outputs do (rule 8).
//
// G1  An output leaves only after every write issued before it is durable and a fence read begun after that said `live`.
// G2  Outputs leave in the order in which they were made.
// G3  When the activation ends, what has not left never leaves. Its waiters hear that nothing was done only where that is
//     what ended it and none of their own writes has settled; else that the outcome is unknown.

import { StarlingError } from './errors.ts';
import type { FenceReader } from './fence.ts';
import type { Histogram } from './metrics.ts';
import type { Clock } from './ports/clock.ts';

/** Where the gate says how long outputs waited. */
export interface GateWatch {
  readonly clock: Clock;
  /** Milliseconds. */
  readonly wait: Histogram;
}

interface Output {
  readonly after: number;
  /** Number of the last write before those of the work that it ends. */
  readonly before: number;
  /** On the monotonic clock. */
  readonly since: number;
  ready: boolean;
  readonly release: () => void;
  readonly fail: (error: StarlingError) => void;
}

export class Gate {
  readonly #fence: FenceReader;
  readonly #outputsMax: number;
  readonly #watch: GateWatch | undefined;
  readonly #queue: Output[] = [];
  #first = 0;
  #settled = 0;
  #ended: StarlingError | undefined;

  constructor(fence: FenceReader, outputsMax: number, watch?: GateWatch) {
    this.#fence = fence;
    this.#outputsMax = outputsMax;
    this.#watch = watch;
  }

  get waiting(): number {
    return this.#queue.length - this.#first;
  }

  /** True: no room for what another turn would put out. */
  get full(): boolean {
    return this.waiting >= this.#outputsMax;
  }

  /**
   * Lets `release` run once all writes up to number `after` have settled; at once where that is so already.
   * `fail` runs instead if the activation ends before. `before`: number of the last write before those of the work that the
   * output ends; default: what is lost with it is the output alone.
   */
  output(
    after: number,
    release: () => void,
    fail: (error: StarlingError) => void,
    before = Number.POSITIVE_INFINITY,
  ): void {
    if (this.#ended !== undefined) {
      fail(this.#errorFor(before, this.#ended));
      return;
    }
    if (after > this.#settled) {
      this.#queue.push({ after, before, ready: true, since: this.#now(), release, fail });
      return;
    }
    // All its writes have settled, but what it shows may rest on a right that has ended since: a read of its own.
    const fence = this.#fence.read();
    if (fence === 'live' && this.waiting === 0) {
      release();
      return;
    }
    const output: Output = { after, before, ready: fence === 'live', since: this.#now(), release, fail };
    this.#queue.push(output);
    if (fence === 'live') return;
    fence.then(
      () => {
        output.ready = true;
        this.#flush();
      },
      () => {}, // The reader has told the node, which ends every activation.
    );
  }

  /** All writes up to number `settled` are durable and fence-checked. */
  settle(settled: number): void {
    this.#settled = settled;
    this.#flush();
  }

  /** Nothing leaves any more. */
  end(error: StarlingError): void {
    if (this.#ended !== undefined) return;
    this.#ended = error;
    const rest = this.#queue.splice(this.#first);
    this.#queue.length = 0;
    this.#first = 0;
    for (const { before, fail } of rest) fail(this.#errorFor(before, error));
  }

  /** G3. */
  #errorFor(before: number, error: StarlingError): StarlingError {
    return before >= this.#settled || error.entry.outcome === 'unknown' ? error : outcomeUnknown(error);
  }

  #now(): number {
    return this.#watch?.clock.monotonic() ?? 0;
  }

  #flush(): void {
    while (this.#first < this.#queue.length) {
      const output = this.#queue[this.#first];
      if (output === undefined || output.after > this.#settled || !output.ready) break;
      this.#first++;
      this.#watch?.wait.record(this.#now() - output.since);
      output.release();
    }
    if (this.#first === this.#queue.length) {
      this.#queue.length = 0;
      this.#first = 0;
    } else if (this.#first > 1024) {
      this.#queue.splice(0, this.#first);
      this.#first = 0;
    }
  }
}

/** The answer to whoever waited for an output of an activation that has ended. */
export function outcomeUnknown(cause: unknown): StarlingError {
  return new StarlingError('OUTCOME_UNKNOWN', undefined, { cause });
}
