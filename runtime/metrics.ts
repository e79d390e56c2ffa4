// What the runtime counts about itself, as plain numbers: so that counting costs next to nothing, whether anybody looks or
// not. Owns the names, units and bounds of histograms. Does not own: how they are shown (tools/node/telemetry).

import type { ActorMethod } from './actor-type.ts';
import type { ErrorCode } from './errors.ts';

/** Upper bounds of the buckets of a duration, milliseconds; the last bucket is open. */
export const DURATION_BOUNDS_MS: readonly number[] = [
  0.01, 0.05, 0.1, 0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000,
];

/** Upper bounds of the buckets of a size, bytes. */
export const BYTES_BOUNDS: readonly number[] = [64, 256, 1_024, 4_096, 16_384, 65_536, 262_144];

/** A distribution of values. */
export class Histogram {
  readonly bounds: readonly number[];
  /** How many values lie in each bucket; one more than there are bounds. */
  readonly counts: number[];
  sum = 0;
  count = 0;

  constructor(bounds: readonly number[]) {
    this.bounds = bounds;
    this.counts = new Array<number>(bounds.length + 1).fill(0);
  }

  record(value: number): void {
    this.count++;
    this.sum += value;
    let bucket = 0;
    for (const bound of this.bounds) {
      if (value <= bound) break;
      bucket++;
    }
    this.counts[bucket] = (this.counts[bucket] ?? 0) + 1;
  }
}

/** Turns of one method of one kind. */
export class TurnMetrics {
  readonly kind: string;
  /** `continuation`: replies to what was asked, timers. */
  readonly method: string;
  /** How long each kept the thread, milliseconds. */
  readonly duration = new Histogram(DURATION_BOUNDS_MS);
  /** Turns that ended with an error, expected ones too. */
  failed = 0;

  constructor(kind: string, method: string) {
    this.kind = kind;
    this.method = method;
  }
}

/** Why an activation ended. */
export type EndCause = 'idle' | 'handed_over' | 'failed' | 'stopped';

/** What one node has counted since it started. */
export class RuntimeMetrics {
  readonly #byMethod = new Map<ActorMethod, TurnMetrics>();
  readonly #continuations = new Map<string, TurnMetrics>();
  /** Calls refused or failed, by code. */
  readonly refusals = new Map<ErrorCode, number>();
  /** Calls that were handed to another node, and how long they took, milliseconds. */
  readonly remoteCalls = new Histogram(DURATION_BOUNDS_MS);
  /** Fan-out envelopes sent to other nodes, and receivers in them. */
  fanOutEnvelopes = 0;
  fanOutReceivers = 0;
  /** Calls tried again. */
  retries = 0;
  /** Reads of the node's own fence: bounded by time, whatever the load. */
  fenceReads = 0;
  /** How long outputs waited for what they show to be durable, milliseconds. Outputs that need not wait are not counted. */
  readonly gateWait = new Histogram(DURATION_BOUNDS_MS);
  /** Commits handed to the store: how long each took with its fence read, milliseconds, and how large it was. */
  readonly commits = new Histogram(DURATION_BOUNDS_MS);
  readonly commitBytes = new Histogram(BYTES_BOUNDS);
  commitRows = 0;
  /** Activations made, by kind. */
  readonly activated = new Map<string, number>();
  /** Activations ended, by `kind` and cause, as `kind.cause`. */
  readonly ended = new Map<string, number>();

  /** Turns by kind and method. */
  get turns(): readonly TurnMetrics[] {
    return [...this.#byMethod.values(), ...this.#continuations.values()];
  }

  /** The turns of a method; without one those that go on with work accepted before. */
  turn(kind: string, method: ActorMethod | undefined): TurnMetrics {
    const known = method === undefined ? this.#continuations.get(kind) : this.#byMethod.get(method);
    if (known !== undefined) return known;
    const fresh = new TurnMetrics(kind, method?.localName ?? 'continuation');
    if (method === undefined) this.#continuations.set(kind, fresh);
    else this.#byMethod.set(method, fresh);
    return fresh;
  }

  refused(code: ErrorCode): void {
    increase(this.refusals, code);
  }

  fenceRead(): void {
    this.fenceReads++;
  }

  activation(kind: string): void {
    increase(this.activated, kind);
  }

  activationEnded(kind: string, cause: EndCause): void {
    increase(this.ended, `${kind}.${cause}`);
  }
}

function increase<K>(counts: Map<K, number>, key: K): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

/** How many work waits in the mailboxes of one kind, as of now. */
export interface MailboxDepth {
  readonly kind: string;
  /** Activations in memory by state. */
  readonly activating: number;
  readonly active: number;
  /** Work that waits, of all of them; and of the one with the most. */
  readonly waiting: number;
  readonly waitingMost: number;
  /** Milliseconds that the oldest of it has waited. */
  readonly oldestMs: number;
  /** Outputs that wait for the store. */
  readonly gated: number;
}
