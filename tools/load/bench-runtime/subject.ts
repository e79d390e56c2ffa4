// What is compared: one way to run actors, and the same work for each of them. Owns: the shape of a subject, sizes of the
// work, and how time is taken. Does not own: what a subject does with the work.
//
// Every call adds 1 to the total of its actor and is answered with it, so each answer is checked, by the one who asked.

/** Actors that are called at a time, each by one caller that waits for every answer. */
export const LANES = 64;

/** One way to run actors, in this process. */
export interface Subject {
  /** `lanes` callers, each with an actor of its own, call `each` times in turn. @throws Error when an answer is wrong */
  calls(lanes: number, each: number): Promise<void>;
  /** One actor or caller sends `each` messages to every one of `actors`; resolves when all were taken. @throws Error when some were not */
  oneWays(actors: number, each: number): Promise<void>;
  /** First calls of `count` actors that nobody has called before, LANES at a time. @throws Error when an answer is wrong */
  activations(count: number): Promise<void>;
  /** Forgets all actors. */
  reset(): Promise<void>;
  /** Lets go of everything, so that the process can end. */
  close(): Promise<void>;
}

/** What an answer must be. @throws Error when it is not */
export function expectTotal(found: number | undefined, wanted: number): void {
  if (found !== wanted) throw new Error(`the total is ${found}, not ${wanted}`);
}

/** Runs `lane` for each number below `count` and waits for all. */
export async function inLanes(count: number, lane: (lane: number) => Promise<void>): Promise<void> {
  await Promise.all(Array.from({ length: count }, (_, n) => lane(n)));
}

/** Processor time of this process so far, milliseconds: garbage collection and compilation in other threads included. */
export function processorMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}

/**
 * How often `batch` does its work in a second of processor time, after a warm-up of a third of `forMs`. Processor time, so
 * that neither an idle loop nor another process on the machine counts. What `after` does between batches counts neither.
 */
export async function perCoreSecond(
  forMs: number,
  batch: () => Promise<number>,
  after: () => Promise<void> = async () => undefined,
): Promise<number> {
  for (let spent = 0; spent < forMs / 3; await after()) spent += (await timed(batch)).ms;
  let done = 0;
  let spent = 0;
  for (; spent < forMs; await after()) {
    const { count, ms } = await timed(batch);
    done += count;
    spent += ms;
  }
  return (done * 1_000) / spent;
}

async function timed(batch: () => Promise<number>): Promise<{ readonly count: number; readonly ms: number }> {
  const begun = processorMs();
  const count = await batch();
  return { count, ms: processorMs() - begun };
}

/** How often `batch` does its work in a second by the clock, after the same warm-up. */
export async function perSecond(forMs: number, batch: () => Promise<number>): Promise<number> {
  const warmUntil = performance.now() + forMs / 3;
  while (performance.now() < warmUntil) await batch();
  const begun = performance.now();
  let done = 0;
  while (performance.now() < begun + forMs) done += await batch();
  return (done * 1_000) / (performance.now() - begun);
}
