// What a check gathers. Owns: the verdicts, their counts and examples, and the index over a run's histories. Does not own:
// the rules (checker.ts).

import type { Histories, LogRow, SendRecord } from './history.ts';

/** The verdicts, in the order of the table. */
export const VERDICTS = [
  'ackedLost',
  'storedTwice',
  'userSeqGaps',
  'conversationSeqGaps',
  'orderViolations',
  'contentMismatch',
  'deviceViewMismatch',
] as const;

export type Verdict = (typeof VERDICTS)[number];

/** Most examples kept of each verdict. */
const EXAMPLES_MAX = 5;

/** How often one verdict fell, and the first cases in words. */
export interface Finding {
  readonly count: number;
  readonly examples: readonly string[];
}

export interface Report {
  readonly findings: Readonly<Record<Verdict, Finding>>;
  /** Sum of all counts; 0 = the run holds. */
  readonly violations: number;
}

/** Gathers cases while a run is checked. */
export class Findings {
  readonly #findings = Object.fromEntries(
    VERDICTS.map((verdict) => [verdict, { count: 0, examples: [] as string[] }]),
  ) as Record<Verdict, { count: number; examples: string[] }>;

  add(verdict: Verdict, example: string): void {
    const finding = this.#findings[verdict];
    finding.count += 1;
    if (finding.examples.length < EXAMPLES_MAX) finding.examples.push(example);
  }

  report(): Report {
    const counts = Object.values(this.#findings).map((finding) => finding.count);
    return { findings: this.#findings, violations: counts.reduce((sum, count) => sum + count, 0) };
  }
}

/** A run's rows and sends by name. */
export interface World {
  /** Row by `conversation/seq`. */
  readonly rows: ReadonlyMap<string, LogRow>;
  /** Send by `sender/client id`. A client id is unique for its sender over all conversations of a run. */
  readonly sends: ReadonlyMap<string, SendRecord>;
  /** Message ids that were acked. */
  readonly acked: ReadonlySet<string>;
  /** Places of the rows by `sender/client id`. */
  readonly placesOfSend: ReadonlyMap<string, readonly string[]>;
}

/** Indexes a run. */
export function indexWorld(histories: Histories): World {
  const rows = new Map<string, LogRow>();
  const placesOfSend = new Map<string, string[]>();
  for (const log of histories.logs) {
    for (const row of log.rows) {
      const place = placeOf(log.conversationId, row.conversationSeq);
      if (!rows.has(place)) rows.set(place, row);
      if (row.senderId === '') continue;
      const places = placesOfSend.get(sendKey(row)) ?? [];
      places.push(place);
      placesOfSend.set(sendKey(row), places);
    }
  }
  const sends = new Map(histories.sends.map((send) => [sendKey(send), send]));
  const acked = new Set(histories.sends.flatMap((send) => send.answers.map((answer) => answer.messageId)));
  return { rows, sends, acked, placesOfSend };
}

/** A place in a log, as a word. */
export function placeOf(conversationId: string, seq: number): string {
  return `${conversationId}/${seq}`;
}

/** A send, as a word. */
export function sendKey(of: { readonly senderId: string; readonly clientMessageId: string }): string {
  return `${of.senderId}/${of.clientMessageId}`;
}

/** A message and its place, for an example. */
export function describe(answer: {
  readonly messageId: string;
  readonly conversationId: string;
  readonly conversationSeq: number;
}): string {
  return `${answer.messageId} at ${placeOf(answer.conversationId, answer.conversationSeq)}`;
}
