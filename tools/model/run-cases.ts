// Runs the cases of the model, some at a time, and judges how each went.
//
// Invariants:
// 1. Never more than `parallel` searches at once, and never more memory promised to them than `memoryMib`.
// 2. A case holds only where its search ran to its end: the protocol without an error, a mutant with a counter-example.

import type { Case } from './case.ts';
import type { Outcome } from './verifier.ts';

/** How a case went: as it has to, or not, and why. */
export interface CaseResult {
  readonly one: Case;
  readonly holds: boolean;
  /** `verified`, `counter-example of N steps`, or why the case does not hold. */
  readonly verdict: string;
  /** Missing where a tool failed. */
  readonly outcome?: Outcome;
}

export interface RunOptions {
  readonly parallel: number;
  readonly memoryMib: number;
  readonly verify: (one: Case) => Promise<Outcome>;
  /** Called as each case ends. */
  readonly done: (result: CaseResult) => void;
}

/** Judges a finished search (invariant 2). */
export function judge(one: Case, outcome: Outcome): CaseResult {
  const { report, steps } = outcome;
  const length = steps.filter(({ who }) => who !== '!').length;
  if (one.kind === 'mutant') {
    return report.errors > 0
      ? { one, outcome, holds: true, verdict: `counter-example of ${length} steps` }
      : { one, outcome, holds: false, verdict: 'NO COUNTER-EXAMPLE' };
  }
  if (report.errors > 0) {
    return { one, outcome, holds: false, verdict: `VIOLATED in ${length} steps: ${report.violation}` };
  }
  if (report.truncated !== '') {
    return { one, outcome, holds: false, verdict: `NOT EXHAUSTIVE: ${report.truncated}` };
  }
  return { one, outcome, holds: true, verdict: 'verified' };
}

/** Runs all cases and returns the results in their order. The largest go first, so that none is left over at the end. */
export async function runCases(cases: readonly Case[], options: RunOptions): Promise<readonly CaseResult[]> {
  const waiting = [...cases].sort((a, b) => b.memoryMib - a.memoryMib);
  const results = new Map<Case, CaseResult>();
  const underWay = new Set<Promise<void>>();
  let memory = 0;
  while (waiting.length > 0 || underWay.size > 0) {
    const fits = underWay.size < options.parallel;
    const next = fits ? waiting.findIndex((one) => memory + one.memoryMib <= options.memoryMib) : -1;
    if (next < 0) {
      if (underWay.size === 0) throw new Error(`no case fits into ${options.memoryMib} MiB`);
      await Promise.race(underWay);
      continue;
    }
    for (const one of waiting.splice(next, 1)) {
      memory += one.memoryMib;
      const task = runCase(one, options).then((result) => {
        memory -= one.memoryMib;
        results.set(one, result);
        underWay.delete(task);
        options.done(result);
      });
      underWay.add(task);
    }
  }
  return cases.flatMap((one) => results.get(one) ?? []);
}

async function runCase(one: Case, { verify }: RunOptions): Promise<CaseResult> {
  try {
    return judge(one, await verify(one));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return { one, holds: false, verdict: `FAILED: ${reason}` };
  }
}
