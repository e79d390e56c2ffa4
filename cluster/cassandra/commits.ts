// Commits under way. Owns: their order for each actor (S5), marks before rows (S4), what is told of a commit of two steps.
// Callbacks and no promises but the caller's: this runs for every message.
//
// Invariants:
// D1  One commit of an actor is under way at a time, in the order they were handed over (S5).
// D2  A commit of which a step has left something, or may have, is never refused as not done (S6).

import { StarlingError } from '../../runtime/errors.ts';
import { type Failure, toError } from './failures.ts';
import type { Steps } from './layout.ts';
import type { Op, Writer } from './writer.ts';

interface Job {
  readonly id: string;
  readonly steps: Steps;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
  /** The commit of the same actor that waits for this one. */
  next: Job | undefined;
}

export class Commits {
  readonly #writer: Pick<Writer, 'write'>;
  /** The last commit of each actor that has any. */
  readonly #last = new Map<string, Job>();
  readonly #idle: (() => void)[] = [];

  constructor(writer: Pick<Writer, 'write'>) {
    this.#writer = writer;
  }

  /** Runs both steps after the commits of the same `id` before it. */
  run(id: string, steps: Steps): Promise<void> {
    return new Promise((resolve, reject) => {
      const job: Job = { id, steps, resolve, reject, next: undefined };
      const before = this.#last.get(id);
      this.#last.set(id, job);
      if (before === undefined) this.#start(job);
      else before.next = job;
    });
  }

  /** Resolves when nothing is under way. */
  idle(): Promise<void> {
    return this.#last.size === 0 ? Promise.resolve() : new Promise((resolve) => this.#idle.push(resolve));
  }

  #start(job: Job): void {
    const { marks, rest } = job.steps;
    if (marks.length === 0) {
      this.#write(rest, (failure, cause) => this.#end(job, failure && toError(failure, cause)));
      return;
    }
    // S4: a mark that came after the rows could be missing when they are there.
    this.#write(marks, (failure, cause) => {
      if (failure !== undefined) this.#end(job, toError(failure, cause));
      else this.#write(rest, (other) => this.#end(job, other && markedOnly(other)));
    });
  }

  #write(ops: readonly Op[], settle: (failure: Failure | undefined, cause?: unknown) => void): void {
    if (ops.length === 0) {
      settle(undefined);
      return;
    }
    try {
      this.#writer.write(ops, settle);
    } catch (error) {
      const detail = String(error);
      settle({ fate: 'not_done', repeat: false, code: 'OVERLOADED', detail }, error);
    }
  }

  #end(job: Job, error: StarlingError | undefined): void {
    if (this.#last.get(job.id) === job) this.#last.delete(job.id);
    if (error === undefined) job.resolve();
    else job.reject(error);
    if (job.next !== undefined) this.#start(job.next);
    if (this.#last.size === 0) for (const resolve of this.#idle.splice(0)) resolve();
  }
}

/** D2. */
function markedOnly(failure: Failure): StarlingError {
  return new StarlingError('OUTCOME_UNKNOWN', `Its marks are written. ${failure.detail}`);
}
