// Waiting for a server that is not there yet, and saying what is wrong with one that is of no use.

import { StarlingError } from '../../../runtime/errors.ts';
import { StartError } from '../errors.ts';
import type { BackingOptions } from './backing.ts';

type ServerName = 'Cassandra' | 'NATS';

/** What an operator looks at, by what is wrong. */
const HINTS: Readonly<Record<ServerName, { readonly away: string; readonly refused: string }>> = {
  Cassandra: {
    away: 'Start Cassandra, or correct cassandra.contact_points (--cassandra).',
    refused: 'The settings cassandra.* say where it is and who this node is there.',
  },
  NATS: {
    away: 'Start nats-server, or correct nats.servers (--nats).',
    refused: 'The settings nats.* say where it is and who this node is there.',
  },
};

/** Between two attempts, milliseconds. */
const RETRY_MS = 2_000;

/** Repeats `open` while the server can't be reached, at most `start.wait_ms`; any other failure is final. */
export async function patiently<T>(
  { config, clock, log }: BackingOptions,
  server: ServerName,
  open: () => Promise<T>,
): Promise<T> {
  const end = clock.monotonic() + config['start.wait_ms'];
  for (;;) {
    try {
      return await open();
    } catch (error) {
      if (!isAway(error) || clock.monotonic() + RETRY_MS > end) throw explained(server, error);
      const reason = textOf(error);
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

/** Only what was said for the case; that of the table is of no use here. */
function textOf(error: unknown): string {
  if (!(error instanceof StarlingError)) return error instanceof Error ? error.message : String(error);
  const { text } = error.entry;
  return error.message.startsWith(`${text} `) ? error.message.slice(text.length + 1) : error.message;
}

function explained(server: ServerName, error: unknown): unknown {
  if (!(error instanceof StarlingError)) return error;
  const hints = HINTS[server];
  return new StartError(textOf(error), isAway(error) ? hints.away : hints.refused, error);
}
