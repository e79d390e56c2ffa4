// What a server answered instead of a result. Owns: status names, and which exit code a status has. Does not own: framing.

import { ERRORS, type ErrorCode, type ErrorEntry, type StatusName } from '../../runtime/errors.ts';
import { CliError, type ExitName } from './exit.ts';

// Index = number of the code, as in google/rpc/code.proto.
const NAMES = [
  'OK',
  'CANCELLED',
  'UNKNOWN',
  'INVALID_ARGUMENT',
  'DEADLINE_EXCEEDED',
  'NOT_FOUND',
  'ALREADY_EXISTS',
  'PERMISSION_DENIED',
  'RESOURCE_EXHAUSTED',
  'FAILED_PRECONDITION',
  'ABORTED',
  'OUT_OF_RANGE',
  'UNIMPLEMENTED',
  'INTERNAL',
  'UNAVAILABLE',
  'DATA_LOSS',
  'UNAUTHENTICATED',
] as const;

/** A status that is not OK; also those that only others than Starling send. */
export type RpcStatus = StatusName | 'UNKNOWN' | 'DATA_LOSS';

/** Name of a gRPC status code other than OK. */
export function statusName(code: number): RpcStatus {
  const name = NAMES[code];
  return name === undefined || name === 'OK' ? 'UNKNOWN' : name;
}

const EXITS: Readonly<Record<RpcStatus, ExitName>> = {
  CANCELLED: 'interrupted',
  UNKNOWN: 'failed',
  INVALID_ARGUMENT: 'refused',
  DEADLINE_EXCEEDED: 'busy',
  NOT_FOUND: 'missing',
  ALREADY_EXISTS: 'refused',
  PERMISSION_DENIED: 'refused',
  RESOURCE_EXHAUSTED: 'refused',
  FAILED_PRECONDITION: 'refused',
  ABORTED: 'busy',
  OUT_OF_RANGE: 'refused',
  UNIMPLEMENTED: 'refused',
  INTERNAL: 'failed',
  UNAVAILABLE: 'busy',
  DATA_LOSS: 'failed',
  UNAUTHENTICATED: 'refused',
};

const HINTS: Readonly<Partial<Record<RpcStatus, string>>> = {
  UNAUTHENTICATED: 'Give a valid token with --token, or use the data directory of the node with --data.',
  PERMISSION_DENIED:
    'Import and export take a token of scope backend, show takes one of scope admin: starling token issue --help',
  UNIMPLEMENTED: 'The server may be of another version: starling node show',
};

/** What an operator does about a reason of the error table; empty where it is the caller's to mend. */
function helpOf(reason: string): string {
  const entry: ErrorEntry | undefined = Object.hasOwn(ERRORS, reason)
    ? ERRORS[reason as ErrorCode]
    : undefined;
  return entry === undefined || entry.help.startsWith('Nothing') ? '' : entry.help;
}

/** The server answered with a status that is not OK. */
export class RpcError extends CliError {
  readonly status: RpcStatus;
  /** Reason of Starling's error table, e.g. `NOT_A_MEMBER`; empty where the server gave none. */
  readonly reason: string;
  /** Milliseconds after which a repeat is sensible; undefined where a repeat will not help. */
  readonly retryAfterMs: number | undefined;

  constructor(
    status: RpcStatus,
    message: string,
    details: { readonly reason?: string; readonly retryAfterMs?: number | undefined } = {},
  ) {
    const reason = details.reason ?? '';
    super(EXITS[status], `${message} [${reason === '' ? status : reason}]`, {
      hint: HINTS[status] ?? helpOf(reason),
    });
    this.status = status;
    this.reason = reason;
    this.retryAfterMs = details.retryAfterMs;
  }
}

/** True where the same request may be sent again with the same ids. */
export function isRepeatable(error: unknown): boolean {
  if (error instanceof RpcError) {
    return (
      error.status === 'UNAVAILABLE' || error.status === 'DEADLINE_EXCEEDED' || error.status === 'ABORTED'
    );
  }
  return error instanceof CliError && error.exit === 'unreachable';
}
