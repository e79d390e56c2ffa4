// Commits under way. Owns: their order for each actor (S5), marks before rows (S4), what is told of a commit of two steps.
// Callbacks and no promises but the caller's: this runs for every message.
//
// Invariants:
// D1  One commit of an actor is under way at a time, in the order they were handed over (S5).
// D2  A commit of which a step has left something, or may have, is never refused as not done (S6).

import { StarlingError } from '../../runtime/errors.ts';
import type { ActorAddress } from '../../runtime/ports/store.ts';
import { type Failure, toError } from './failures.ts';
import type { Steps } from './layout.ts';
import type { Op, Writer } from './writer.ts';

interface Job {
  readonly kind: string;
  readonly key: string;
  readonly steps: Steps;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
  /** The commit of the same actor that waits for this one. */
  next: Job | undefined;
}

export class Commits {
  readonly #writer: Pick<Writer, 'write'>;
  /** The last commit of each actor that has any, by kind and key: no text is put together for a commit. */
  readonly #last = new Map<string, Map<string, Job>>();
  #underWay = 0;
  readonly #idle: (() => void)[] = [];

  constructor(writer: Pick<Writer, 'write'>) {
    this.#writer = writer;
  }

  /** Runs both steps after the commits of the same actor before it. */
  run(actor: ActorAddress, steps: Steps): Promise<void> {
    return new Promise((resolve, reject) => {
      const { kind, key } = actor;
      const job: Job = { kind, key, steps, resolve, reject, next: undefined };
      const last = this.#ofKind(kind);
      const before = last.get(key);
      last.set(key, job);
      this.#underWay += 1;
      if (before === undefined) this.#start(job);
      else before.next = job;
    });
  }

  /** Resolves when nothing is under way. */
  idle(): Promise<void> {
    return this.#underWay === 0 ? Promise.resolve() : new Promise((resolve) => this.#idle.push(resolve));
  }

  /** Kinds are few, and stay. */
  #ofKind(kind: string): Map<string, Job> {
    let last = this.#last.get(kind);
    if (last === undefined) {
      last = new Map();
      this.#last.set(kind, last);
    }
    return last;
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
    const last = this.#ofKind(job.kind);
    if (last.get(job.key) === job) last.delete(job.key);
    this.#underWay -= 1;
    if (error === undefined) job.resolve();
    else job.reject(error);
    if (job.next !== undefined) this.#start(job.next);
    if (this.#underWay === 0) for (const resolve of this.#idle.splice(0)) resolve();
  }
}

/** D2. */
function markedOnly(failure: Failure): StarlingError {
  return new StarlingError('OUTCOME_UNKNOWN', `Its marks are written. ${failure.detail}`);
}
