// The results of the model as a table to read and as rows for other programs.

import { definesOf } from './case.ts';
import type { CaseResult } from './run-cases.ts';

const HEADINGS = ['case', 'bounds', 'states', 'memory', 'time', 'result'];

/** A number of states with its thousands apart. */
export function grouped(count: number): string {
  return String(count).replaceAll(/\B(?=(\d{3})+$)/g, ',');
}

/** What a case is bounded by, short: `NODES=2 EPOCHS=2 …`. */
function boundsOf({ one }: CaseResult): string {
  return one.bounds.join(' ');
}

function cells(result: CaseResult): readonly string[] {
  const { outcome, one } = result;
  return [
    one.name,
    boundsOf(result),
    outcome === undefined ? '-' : grouped(outcome.report.states),
    outcome === undefined ? '-' : `${outcome.report.memoryMib.toFixed(0)} MiB`,
    outcome === undefined ? '-' : `${outcome.seconds.toFixed(1)} s`,
    result.verdict,
  ];
}

/** One line as each case ends. */
export function progressLine(result: CaseResult, done: number, all: number): string {
  const mark = result.holds ? 'ok  ' : 'FAIL';
  const states = result.outcome === undefined ? '' : ` (${grouped(result.outcome.report.states)} states)`;
  return `${String(done).padStart(3)}/${all} ${mark} ${result.one.name}: ${result.verdict}${states}\n`;
}

/** The table that ends a run, in columns. */
export function textTable(results: readonly CaseResult[]): string {
  const rows = [HEADINGS, ...results.map(cells)];
  const widths = HEADINGS.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const numeric = new Set([2, 3, 4]);
  return rows
    .map((row) =>
      row
        .map((cell, column) =>
          numeric.has(column) ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0),
        )
        .join('  ')
        .trimEnd(),
    )
    .map((line) => `${line}\n`)
    .join('');
}

/** The same table for a page of the documentation; without times, which differ from run to run. */
export function markdownTable(results: readonly CaseResult[]): string {
  const lines = results.map((result) => {
    const states = result.outcome === undefined ? '-' : grouped(result.outcome.report.states);
    return `| \`${result.one.name}\` | ${result.one.says} | ${boundsOf(result)} | ${states} | ${result.verdict} |\n`;
  });
  return `| case | what | bounds | states | result |\n|---|---|---|--:|---|\n${lines.join('')}`;
}

/** Rows for `out/model.json`. */
export function jsonRows(results: readonly CaseResult[]): readonly Readonly<Record<string, unknown>>[] {
  return results.map(({ one, outcome, holds, verdict }) => ({
    name: one.name,
    model: one.model,
    kind: one.kind,
    says: one.says,
    search: one.search,
    defines: definesOf(one),
    holds,
    verdict,
    states: outcome?.report.states,
    transitions: outcome?.report.transitions,
    depth: outcome?.report.depth,
    memoryMib: outcome?.report.memoryMib,
    seconds: outcome?.seconds,
    violation: outcome?.report.violation,
    trace: outcome?.steps,
  }));
}
