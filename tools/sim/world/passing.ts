// Time that passes in a history until something has happened, and errors that nobody caught.

import type { SimClock } from '../../../runtime/testing/index.ts';

const STEP_MS = 100;

/** Lets time pass until `done`; false where it is not after so long. */
export async function passes(clock: SimClock, limitMs: number, done: () => boolean): Promise<boolean> {
  for (let passed = 0; passed < limitMs; passed += STEP_MS) {
    if (done()) return true;
    await clock.advance(STEP_MS);
  }
  return done();
}

/**
 * Lets time pass until a promise has settled; false where it has not after so long.
 * @throws unknown what it rejects with
 */
export async function settles(clock: SimClock, limitMs: number, work: Promise<unknown>): Promise<boolean> {
  let settled = false;
  const note = (): void => {
    settled = true;
  };
  work.then(note, note);
  const inTime = await passes(clock, limitMs, () => settled);
  if (inTime) await work;
  return inTime;
}

/** Runs to the end; what it throws, and rejections that nobody handles meanwhile, are told. */
export async function strays(run: () => Promise<void>, told: (error: unknown) => void): Promise<void> {
  process.on('unhandledRejection', told);
  try {
    await run();
  } catch (error) {
    told(error);
  } finally {
    process.off('unhandledRejection', told);
  }
}

/** An error in full, as a report shows it. */
export function textOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
