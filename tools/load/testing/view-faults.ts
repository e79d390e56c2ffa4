// Every single corruption of what users and devices see that the checker has to report.

import type { Verdict } from '../findings.ts';
import type { Fault } from './faults.ts';
import { any } from './model.ts';

/** Each corruption, and the verdict that must fall (others may fall as well). */
export const VIEW_FAULTS: Readonly<Record<string, readonly [Verdict, Fault]>> = {
  'a device saw what its timeline does not hold': [
    'deviceViewMismatch',
    (h, r) => {
      any(any(h.devices, r).item.received, r).item.messageId = 'ghost';
    },
  ],
  'a device saw another time': [
    'deviceViewMismatch',
    (h, r) => {
      any(any(h.devices, r).item.received, r).item.timeMs += 1;
    },
  ],
  'a device misses the end': [
    'deviceViewMismatch',
    (h, r) => {
      any(h.devices, r).item.received.pop();
    },
  ],
  'a device is ordered a full sync': [
    'deviceViewMismatch',
    (h, r) => {
      any(h.devices, r).item.fullSyncs.push('MISMATCH');
    },
  ],
  'a line of a list ends too early': [
    'deviceViewMismatch',
    (h, r) => {
      any(h.summaries, r).item.lastSeq -= 1;
    },
  ],
  'a line of a list shows another message': [
    'deviceViewMismatch',
    (h, r) => {
      any(h.summaries, r).item.lastMessageId = 'old';
    },
  ],
  'unread is counted wrongly': [
    'deviceViewMismatch',
    (h, r) => {
      any(h.summaries, r).item.unreadCount += 1;
    },
  ],
  'a conversation is missing in a list': [
    'deviceViewMismatch',
    (h, r) => {
      h.summaries.splice(r.below(h.summaries.length), 1);
    },
  ],
  'a timeline cannot be read': [
    'deviceViewMismatch',
    (h, r) => {
      h.timelines.splice(r.below(h.timelines.length), 1);
    },
  ],
};
