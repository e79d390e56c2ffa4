// The streams that an activation was handed.
//
// A6  No stream outlives its activation: what the actor itself does not end ends with an error that may be retried.

import { StarlingError } from './errors.ts';
import type { ServerStream } from './service.ts';

/** Streams that are still open; undefined before the first. */
export type OpenStreams = Set<ServerStream> | undefined;

/** `open` and one more. */
export function withStream(open: OpenStreams, stream: ServerStream): OpenStreams {
  const streams = open ?? new Set();
  streams.add(stream);
  stream.onClose(() => streams.delete(stream));
  return streams;
}

/** A6. `reason`: why the activation has ended. */
export function endStreams(open: OpenStreams, reason: () => StarlingError): void {
  if (open === undefined || open.size === 0) return;
  const error = reason();
  const retryable = error.retryAfterMs !== undefined;
  const told = retryable ? error : new StarlingError('OUTCOME_UNKNOWN', undefined, { cause: error });
  for (const stream of [...open]) stream.end(told);
}
