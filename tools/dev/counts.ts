// Counts of passed and failed work, handed from one process to the one that started it. Owns: the file named by
// TEST_COUNTS_FILE, one JSON object a line. Counting never reads what a program prints.

import { appendFileSync, existsSync, readFileSync } from 'node:fs';

/** Name of the environment variable with the path of the file to append counts to. */
export const COUNTS_VARIABLE = 'TEST_COUNTS_FILE';

/** How much was tried, and how it went. */
export interface Counts {
  readonly passed: number;
  readonly failed: number;
}

/** Appends counts for the process that asked for them; does nothing where none did. */
export function reportCounts(counts: Counts): void {
  const path = process.env[COUNTS_VARIABLE];
  if (path !== undefined && path !== '') appendFileSync(path, `${JSON.stringify(counts)}\n`);
}

/** Sums the counts in a file. Undefined where nothing was reported. Throws on a line that is not a count. */
export function readCounts(path: string): Counts | undefined {
  if (!existsSync(path)) return undefined;
  const lines = readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line !== '');
  return lines.length === 0 ? undefined : sumCounts(lines.map(parseCounts));
}

/** The sum of all. */
export function sumCounts(all: readonly Counts[]): Counts {
  return {
    passed: all.reduce((sum, one) => sum + one.passed, 0),
    failed: all.reduce((sum, one) => sum + one.failed, 0),
  };
}

function parseCounts(line: string): Counts {
  const value: unknown = JSON.parse(line);
  if (typeof value === 'object' && value !== null && 'passed' in value && 'failed' in value) {
    const { passed, failed } = value;
    if (isCount(passed) && isCount(failed)) return { passed, failed };
  }
  throw new Error(`not a count: ${line}`);
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}
