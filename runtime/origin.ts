// What a call is the handing over of, where it is more than a request: so that its effect is durable together with the word
// that it has happened.

import type { ReminderOrigin } from './reminders.ts';
import type { TellOrigin } from './tells.ts';

/** A durable message of another actor, or a reminder of the actor itself. */
export type Origin = TellOrigin | ReminderOrigin;
