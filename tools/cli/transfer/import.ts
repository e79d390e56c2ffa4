// Imports a planned file: users, then groups, then messages. Owns: the order of the steps and the report. Does not own:
// validation (plan.ts), order within conversations (lanes.ts). Every call is safe to repeat, so an import that was
// interrupted is continued by running it again: the server recognises what it has.

import { CliError } from '../exit.ts';
import type { ImportApi } from './api.ts';
import { Lanes } from './lanes.ts';
import { type Plan, PROBLEMS_MAX, type Problem, readRecords } from './plan.ts';
import { isRefusal, type RetryOptions, withRetry } from './retry.ts';

export interface ImportOptions {
  readonly path: string;
  readonly plan: Plan;
  readonly api: ImportApi;
  /** Batches on their way at once. */
  readonly concurrency: number;
  readonly retry: RetryOptions;
  /** Called after each batch. */
  readonly onProgress: (report: ImportReport) => void;
}

/** What an import did; counts of lines. */
export interface ImportReport {
  readonly users: number;
  readonly groups_created: number;
  readonly groups_repeated: number;
  readonly messages_added: number;
  readonly messages_repeated: number;
  readonly refused: number;
  /** The first refused lines. */
  readonly problems: readonly Problem[];
}

/** Most users of one call. */
const USERS_MAX = 500;

/** @throws CliError when the import cannot go on; what was written stays and is recognised by the next run */
export async function runImport(options: ImportOptions): Promise<ImportReport> {
  const tally = new Tally(options.onProgress);
  const repeating: ImportApi = {
    upsertUsers: (...args) => withRetry(options.retry, () => options.api.upsertUsers(...args)),
    createGroup: (...args) => withRetry(options.retry, () => options.api.createGroup(...args)),
    sendMessages: (...args) => withRetry(options.retry, () => options.api.sendMessages(...args)),
  };
  await importUsers(options, repeating, tally);
  await importGroups(options, repeating, tally);
  await importMessages(options, repeating, tally);
  return tally.report();
}

async function importUsers(options: ImportOptions, api: ImportApi, tally: Tally): Promise<void> {
  const { signal } = options.retry;
  const all = [...options.plan.users.values()];
  const batches: (typeof all)[] = [];
  for (let start = 0; start < all.length; start += USERS_MAX)
    batches.push(all.slice(start, start + USERS_MAX));
  const send = async (batch: typeof all): Promise<void> => {
    try {
      await api.upsertUsers(
        batch.map(({ record }) => record),
        signal,
      );
      tally.add({ users: batch.length });
    } catch (error) {
      const [first] = batch;
      if (!isRefusal(error) || first === undefined) throw error;
      if (batch.length === 1) return tally.problem({ line: first.line, message: error.message });
      await send(batch.slice(0, batch.length >> 1));
      await send(batch.slice(batch.length >> 1));
    }
  };
  await forEachConcurrently(batches, options.concurrency, signal, send);
}

async function importGroups(options: ImportOptions, api: ImportApi, tally: Tally): Promise<void> {
  const { signal } = options.retry;
  await forEachConcurrently(options.plan.groups.values(), options.concurrency, signal, async (group) => {
    try {
      const created = await api.createGroup(group.record, group.createTimeMs, signal);
      tally.add(created ? { groups_created: 1 } : { groups_repeated: 1 });
    } catch (error) {
      if (!isRefusal(error)) throw error;
      tally.problem({ line: group.line, message: error.message });
    }
  });
}

async function importMessages(options: ImportOptions, api: ImportApi, tally: Tally): Promise<void> {
  const lanes = new Lanes({
    plan: options.plan,
    api,
    concurrency: options.concurrency,
    signal: options.retry.signal,
    onSent: ({ added, repeated }) => tally.add({ messages_added: added, messages_repeated: repeated }),
    onProblem: (problem) => tally.problem(problem),
  });
  const changed = (problem: Problem): never => {
    throw new CliError(
      'usage',
      `Line ${problem.line} ${problem.message}: the file changed while it was imported.`,
    );
  };
  for await (const { record, line } of readRecords(options.path, changed)) {
    if (record.type === 'message') await lanes.add(record, line);
  }
  await lanes.finish();
}

/** Runs a task for each item, so many at once; stops at the first failure, after those under way have ended. */
export async function forEachConcurrently<T>(
  items: Iterable<T>,
  concurrency: number,
  signal: AbortSignal,
  task: (item: T) => Promise<void>,
): Promise<void> {
  const iterator = items[Symbol.iterator]();
  let failure: { readonly error: unknown } | undefined;
  const worker = async (): Promise<void> => {
    for (let next = iterator.next(); next.done !== true; next = iterator.next()) {
      if (failure !== undefined || signal.aborted) return;
      try {
        await task(next.value);
      } catch (error) {
        failure ??= { error };
      }
    }
  };
  await Promise.all(Array.from({ length: concurrency }, worker));
  if (failure !== undefined) throw failure.error;
  signal.throwIfAborted();
}

type Counts = Omit<ImportReport, 'problems'>;

class Tally {
  readonly #onChange: (report: ImportReport) => void;
  readonly #problems: Problem[] = [];
  #counts: Counts = {
    users: 0,
    groups_created: 0,
    groups_repeated: 0,
    messages_added: 0,
    messages_repeated: 0,
    refused: 0,
  };

  constructor(onChange: (report: ImportReport) => void) {
    this.#onChange = onChange;
  }

  add(more: Partial<Counts>): void {
    const sum = { ...this.#counts };
    for (const [name, amount] of Object.entries(more)) sum[name as keyof Counts] += amount;
    this.#counts = sum;
    this.#onChange(this.report());
  }

  problem(problem: Problem): void {
    if (this.#problems.length < PROBLEMS_MAX) this.#problems.push(problem);
    this.add({ refused: 1 });
  }

  report(): ImportReport {
    return { ...this.#counts, problems: [...this.#problems].sort((left, right) => left.line - right.line) };
  }
}
