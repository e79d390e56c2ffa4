// What waits in a mailbox: a call, a stream that opens, or the continuation of work accepted before.

import type { Message } from '@bufbuild/protobuf';
import type { Call } from './call.ts';
import type { StarlingError } from './errors.ts';
import type { Work as MailboxWork } from './mailbox.ts';
import type { ServerStream } from './service.ts';
import type { Turn } from './turn.ts';

export interface CallWork extends MailboxWork {
  readonly kind: 'call';
  readonly call: Call;
}

export interface StreamWork extends MailboxWork {
  readonly kind: 'stream';
  readonly method: string;
  readonly request: Message;
  readonly stream: ServerStream;
}

export interface TaskWork extends MailboxWork {
  readonly kind: 'task';
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
