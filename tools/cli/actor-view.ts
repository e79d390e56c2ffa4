// What `actor show` prints. As views.ts: what is wrong first, then the facts, then what to look at next.

import type { InspectActorResponse } from '../../proto/gen/starling/admin/v1/admin_pb.ts';
import { count, fit, moment, pairs, span, table } from './format.ts';
import { joined, next, place, problems, type ViewOptions } from './views.ts';

/** Reminders that are late by more than this are pointed out, milliseconds. */
const OVERDUE_MS = 120_000;
/** Calls that have waited longer are pointed out, milliseconds. */
const AGE_NOTED_MS = 1_000n;
/** Rows of the table; the rest is counted. `-o json` has all. */
const ROWS_MAX = 20;
const TEXT_COLUMNS = 48;

/** One actor. */
export function actorView(
  actor: { readonly kind: string; readonly key: string },
  answer: InspectActorResponse,
  options: ViewOptions,
): string {
  const { waiting, oldestMs, gated, reminders, tail, floor, asOf, pendingTells } = answer;
  const elsewhere = answer.place?.epoch === 0n;
  const overdue = reminders.filter(({ dueMs }) => Number(dueMs) < options.now - OVERDUE_MS);
  const servedBy = answer.servedBy === '' ? 'nobody that it has heard of' : answer.servedBy;
  return joined([
    problems([
      ...(answer.stored || answer.activation !== 'none' ? [] : ['nothing is stored under this name']),
      ...(oldestMs > AGE_NOTED_MS ? [`a call has waited for ${span(Number(oldestMs))}`] : []),
      ...overdue.map(({ name }) => `reminder ${name} is overdue`),
    ]),
    pairs([
      ['actor', `${actor.kind}/${actor.key}`],
      ['place', place(answer.place)],
      ...(elsewhere ? [['served by', servedBy] as const] : []),
      [
        'activation',
        answer.activation === 'active'
          ? `active, idle for ${span(Number(answer.idleMs))}`
          : answer.activation,
      ],
      [
        'mailbox',
        waiting === 0 ? 'empty' : `${count(waiting)} wait, the oldest for ${span(Number(oldestMs))}`,
      ],
      ['gate', gated === 0 ? 'empty' : `${count(gated)} answers wait for the store`],
      ['log', tail === 0n ? 'empty' : `${count(floor)} to ${count(tail)}, checkpoint at ${count(asOf)}`],
      ['state', `version ${answer.version}`],
      ['tells', pendingTells === 0 ? 'all taken' : `${count(pendingTells)} not known to be taken`],
      ['reminders', String(reminders.length)],
    ]),
    reminders.length === 0
      ? ''
      : table(
          ['name', 'due', 'every', 'method'].map((title) => ({ title })),
          reminders
            .slice(0, ROWS_MAX)
            .map(({ name, dueMs, everyMs, method }) => [
              fit(name, TEXT_COLUMNS),
              moment(dueMs, options.now),
              everyMs === 0n ? 'once' : span(Number(everyMs)),
              method,
            ]),
        ),
    next(elsewhere ? `ask the node that serves it: ${servedBy}` : undefined),
  ]);
}
