// What a run of chaos showed, as figures and as tables. Pure.

import { VERDICTS } from '../index.ts';
import { type Figure, readable, table } from '../report.ts';
import type { ChaosResult, FaultReport } from './run.ts';
import { FAULT_KINDS, type FaultKind } from './schedule.ts';

/** One kind of fault over a run. */
export interface KindSummary {
  readonly kind: FaultKind;
  readonly count: number;
  /** Worst of all; undefined where there was none. */
  readonly worstMs: number | undefined;
  readonly worstOfNodeMs: number | undefined;
}

/** Each kind that came, in the order of the schedule's table. */
export function byKind(faults: readonly FaultReport[]): KindSummary[] {
  return FAULT_KINDS.map((kind) => {
    const own = faults.filter(({ fault }) => fault.kind === kind);
    return {
      kind,
      count: own.length,
      worstMs: highest(own.map(({ worstMs }) => worstMs)),
      worstOfNodeMs: highest(own.map(({ worstOfNodeMs }) => worstOfNodeMs)),
    };
  }).filter(({ count }) => count > 0);
}

function highest(values: readonly (number | undefined)[]): number | undefined {
  const known = values.filter((value) => value !== undefined);
  return known.length === 0 ? undefined : Math.max(...known);
}

/** Whether a run shows that the system does not keep its word. */
export function isViolated(result: ChaosResult): boolean {
  const { report, unrest, unsettled, undrained, crashes } = result;
  const waits = unsettled > 0 || undrained > 0 || unrest !== undefined;
  return report.violations > 0 || waits || crashes.length > 0;
}

/** Every figure of a run, in the order of the table. */
export function chaosFigures(result: ChaosResult, seed: number, seconds: number): Figure[] {
  const count = (name: string, value: number): Figure => ({ name: `chaos.${name}`, value, unit: 'count' });
  const ms = (name: string, value: number | undefined): Figure[] =>
    value === undefined ? [] : [{ name: `chaos.${name}`, value: Math.round(value), unit: 'ms' }];
  const entries = result.histories.timelines.reduce((sum, timeline) => sum + timeline.entries.length, 0);
  return [
    { name: 'chaos.seed', value: seed, unit: 'seed' },
    { name: 'chaos.duration_s', value: Math.round(seconds), unit: 's' },
    count('sends', result.sends),
    count('acked', result.histories.sends.filter((send) => send.answers.length > 0).length),
    count('repeated_sends', result.repeats),
    count('unknown_outcomes', result.unknown),
    count('timeline_entries', entries),
    count('faults', result.faults.length),
    count('fenced', result.fenced),
    ...byKind(result.faults).flatMap(({ kind, count: times, worstMs, worstOfNodeMs }) => [
      count(`${kind}.count`, times),
      ...ms(`${kind}.unavailable_ms`, worstMs),
      ...ms(`${kind}.node_unavailable_ms`, worstOfNodeMs),
    ]),
    ...VERDICTS.map((verdict) =>
      count(
        verdict.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
        result.report.findings[verdict].count,
      ),
    ),
    count('unrest', result.unrest === undefined ? 0 : 1),
    count('unsettled', result.unsettled),
    count('undrained', result.undrained),
    count('crashes', result.crashes.length),
  ];
}

/** Per kind of fault: how often, and the longest times without an ack. */
export function faultTable(faults: readonly FaultReport[]): string {
  const seconds = (value: number | undefined): string =>
    value === undefined ? '–' : `${(value / 1_000).toFixed(1)} s`;
  return table([
    ['fault', 'times', 'worst for all', 'worst for its users'],
    ...byKind(faults).map(({ kind, count, worstMs, worstOfNodeMs }) => [
      kind,
      `${count}`,
      seconds(worstMs),
      seconds(worstOfNodeMs),
    ]),
  ]);
}

/** The other figures. */
export function verdictTable(figures: readonly Figure[]): string {
  const rows = figures.filter(({ name }) => !FAULT_KINDS.some((kind) => name.startsWith(`chaos.${kind}.`)));
  return table(
    rows.map(({ name, value, unit }) => [name, unit === 'seed' ? `${value}` : readable(value), unit]),
  );
}
