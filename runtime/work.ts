// What waits in a mailbox: a call, a stream that opens, or the continuation of work accepted before.

import type { Message } from '@bufbuild/protobuf';
import type { ActorMethod } from './actor-type.ts';
import type { Call } from './call.ts';
import type { StarlingError } from './errors.ts';
import type { RuntimeLimits } from './limits.ts';
import type { MailboxOptions, Work as MailboxWork } from './mailbox.ts';
import { roughBytes } from './message-size.ts';
import type { Clock } from './ports/clock.ts';
import type { ServerStream } from './service.ts';
import type { Turn } from './turn.ts';

export interface CallWork extends MailboxWork {
  readonly kind: 'call';
  readonly call: Call;
}

export interface StreamWork extends MailboxWork {
  readonly kind: 'stream';
  readonly method: ActorMethod;
  readonly request: Message;
  readonly stream: ServerStream;
}

export interface TaskWork extends MailboxWork {
  readonly kind: 'task';
  /** Trace context of the turn that it goes on from. */
  readonly traceparent: string | undefined;
  readonly task: (turn: Turn) => void;
}

export type Work = CallWork | StreamWork | TaskWork;

/** Deadline of work that must be done whenever its turn comes. */
export const NO_DEADLINE = Number.POSITIVE_INFINITY;

/** Answers work that will not be done. */
export function refuse(work: Work, error: StarlingError): void {
  if (work.kind === 'call') work.call.reject(error);
  else if (work.kind === 'stream') work.stream.end(error);
}

/** How mailboxes are bounded and measured. */
export function mailboxOptions(
  { mailboxTurnsMax, mailboxBytesMax, mailboxAgeMsMax }: RuntimeLimits,
  clock: Clock,
): MailboxOptions<Work> {
  return {
    turnsMax: mailboxTurnsMax,
    bytesMax: mailboxBytesMax,
    ageMsMax: mailboxAgeMsMax,
    sizeOf,
    monotonic: () => clock.monotonic(),
  };
}

/** Roughly what work holds in memory. */
function sizeOf(work: Work): number {
  switch (work.kind) {
    case 'call':
      return roughBytes(work.call.method.input, work.call.request);
    case 'stream':
      return roughBytes(work.method.input, work.request);
    case 'task':
      return 0;
  }
}

/** The method that work asks for; undefined where it goes on with work accepted before. */
export function methodOfWork(work: Work): ActorMethod | undefined {
  if (work.kind === 'task') return undefined;
  return work.kind === 'call' ? work.call.method : work.method;
}
