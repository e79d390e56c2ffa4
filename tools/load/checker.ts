// Judges a run from what clients saw. Owns: the seven verdicts and their examples. Does not own: recording, or any look
// behind the client API. Pure: the same histories give the same report.
//
// What must hold:
// 1. An acked send stands in its log at the answered place, and every member's timeline holds it.
// 2. One row per (sender, conversation, client id), one answer for all repeats, one timeline entry per row.
// 3. user_seq and conversation_seq are contiguous.
// 4. A log keeps each device's order; times never run backwards; a reply comes after what it answers.
// 5. A row says what was sent, nobody's words are invented, everyone sees the same bytes.
// 6. A device was given exactly its user's timeline; a user's list of conversations says what the logs say.

import { checkLog, checkRowsApart, checkSend } from './check-logs.ts';
import { checkDevice, checkSummaries, checkTimeline } from './check-views.ts';
import { Findings, indexWorld, type Report } from './findings.ts';
import type { Histories } from './history.ts';

/** Checks a whole run. */
export function check(histories: Histories): Report {
  const found = new Findings();
  const world = indexWorld(histories);
  for (const log of histories.logs) checkLog(log, world, found);
  checkRowsApart(histories.logs, found);
  for (const send of histories.sends) checkSend(send, world, found);
  for (const timeline of histories.timelines) checkTimeline(timeline, histories.logs, world, found);
  for (const device of histories.devices) checkDevice(device, histories.timelines, found);
  checkSummaries(histories.summaries, histories.logs, found);
  return found.report();
}
