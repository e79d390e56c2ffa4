// Waiting for a server that is not there yet.

import { StarlingError } from '../../../runtime/errors.ts';
import type { BackingOptions } from './backing.ts';

/** Between two attempts, milliseconds. */
const RETRY_MS = 2_000;

/** Repeats `open` while the server can't be reached, at most `start.wait_ms`; any other failure is final. */
export async function patiently<T>(
  { config, clock, log }: BackingOptions,
  server: string,
  open: () => Promise<T>,
): Promise<T> {
  const end = clock.monotonic() + config['start.wait_ms'];
  for (;;) {
    try {
      return await open();
    } catch (error) {
      if (!isAway(error) || clock.monotonic() + RETRY_MS > end) throw error;
      const reason = error instanceof Error ? error.message : String(error);
      log({ level: 'warn', message: `${server} can not be reached yet`, fields: { reason } });
      // Referenced: nothing else keeps the process alive yet.
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }
}

function isAway(error: unknown): boolean {
  if (!(error instanceof StarlingError)) return false;
  return error.code === 'OUTCOME_UNKNOWN' || error.metadata['reason'] === 'UNREACHABLE';
}
