// Reads what a verifier made by spin prints, and what spin prints when it replays a counter-example.
//
// Invariants:
// 1. A report counts as exhaustive only where the verifier says how much it stored and says nothing of a search cut short.
// 2. A report that is not understood is an error, never a success.

/** What one run of a verifier found. */
export interface PanReport {
  /** Counter-examples found; the verifier stops at the first. */
  readonly errors: number;
  readonly states: number;
  readonly transitions: number;
  /** Longest path looked at, in steps. */
  readonly depth: number;
  /** Memory in MiB. */
  readonly memoryMib: number;
  /** What was violated; empty without an error. */
  readonly violation: string;
  /** Why the search is not exhaustive; empty where it is. */
  readonly truncated: string;
}

const SIGNS_OF_A_CUT: readonly (readonly [RegExp, string])[] = [
  [/max search depth too small/, 'the search depth was too small'],
  [/pan: reached -DMEMLIM bound|out of memory|memory limit/i, 'the memory was not enough'],
  [/hash-compact|Bit statespace search/i, 'the search was not exact'],
];

/** Parses the report of a verifier; throws an Error where the text is not one. */
export function parsePan(text: string): PanReport {
  const errors = numberAfter(text, /errors:\s+(\d+)/);
  const states = numberAfter(text, /^\s*([\d.e+]+)\s+states, stored/m);
  const depth = numberAfter(text, /depth reached (\d+)/);
  if (errors === undefined || states === undefined || depth === undefined) {
    throw new Error(`the verifier's report is not understood: ${text.trim().slice(-400)}`);
  }
  const cut = SIGNS_OF_A_CUT.find(([sign]) => sign.test(text));
  const unfinished = errors === 0 && /Warning: Search not completed/.test(text);
  return {
    errors,
    states,
    depth,
    transitions: numberAfter(text, /^\s*([\d.e+]+)\s+transitions/m) ?? 0,
    memoryMib: numberAfter(text, /^\s*([\d.]+)\s+total actual memory usage/m) ?? 0,
    violation: /^pan:\d+: (.*?)(?: \(at depth \d+\))?$/m.exec(text)?.[1] ?? '',
    truncated: cut?.[1] ?? (unfinished ? 'the search was not completed' : ''),
  };
}

function numberAfter(text: string, pattern: RegExp): number | undefined {
  const found = pattern.exec(text)?.[1];
  return found === undefined ? undefined : Number(found);
}

/** One step of a counter-example. */
export interface TraceStep {
  /** Who acts: a node by its letter, `store` or `network` by its name, `!` for what is wrong at the end. */
  readonly who: string;
  readonly event: string;
}

const STEP = /^([A-Z]|-|!|[a-z]+(?: \d+)?): (.+)$/;
/** Spin's own lines begin like this. */
const NOT_A_STEP = /^(?:spin|pan|gcc|cpp): /;

/** The steps that a replay printed, in order. */
export function parseTrace(text: string): readonly TraceStep[] {
  return text.split('\n').flatMap((line) => {
    const found = NOT_A_STEP.test(line) ? null : STEP.exec(line.trim());
    const who = found?.[1];
    const event = found?.[2];
    return who === undefined || event === undefined ? [] : [{ who: who === '-' ? 'store' : who, event }];
  });
}

/** The steps as numbered lines, the actors in a column of their own. */
export function traceText(steps: readonly TraceStep[]): string {
  const width = Math.max(0, ...steps.map(({ who }) => who.length));
  return steps
    .map(({ who, event }, index) => {
      const number = who === '!' ? '  ' : String(index + 1).padStart(2);
      return `${number}  ${who.padEnd(width)}  ${event}\n`;
    })
    .join('');
}
