// What an error of the database library says about a request. Owns: the mapping to what is known of it.
//
// Invariants:
// F1  "Not done" is claimed only where nothing can have been written: nothing was sent, or the server says that it refused
//     before it wrote. All else is unknown.
// F2  A server that lacks replicas may find so for the second partition of a request after it has written the first, and
//     for a conditional write after its proposal was accepted: it is believed for requests of one partition only.

import cassandra from 'cassandra-driver';
import { type ErrorCode, StarlingError } from '../../runtime/errors.ts';

/** What a request was. */
export type RequestKind = 'read' | 'write' | 'conditional';

/** What is known of a failed request. */
export interface Failure {
  /** `refused`: not done, and a repeat would be refused again. */
  readonly fate: 'not_done' | 'unknown' | 'refused';
  /** Whether another attempt of an idempotent request makes sense. */
  readonly repeat: boolean;
  /** The code to answer with. */
  readonly code: ErrorCode;
  /** One sentence. */
  readonly detail: string;
}

const codes = cassandra.types.responseErrorCodes;

/** Says what a failed request leaves. `partitions`: how many it writes. */
export function failureOf(error: unknown, kind: RequestKind, partitions: number): Failure {
  const detail = error instanceof Error ? error.message : String(error);
  if (error instanceof StarlingError) return { fate: 'not_done', repeat: false, code: error.code, detail };
  if (
    error instanceof cassandra.errors.NoHostAvailableError ||
    error instanceof cassandra.errors.BusyConnectionError
  ) {
    // The driver is told never to send a request again, so this one was never sent.
    return {
      fate: 'not_done',
      repeat: true,
      code: 'OVERLOADED',
      detail: `No node of Cassandra in reach: ${inner(error)}`,
    };
  }
  if (error instanceof cassandra.errors.ResponseError)
    return ofResponse(error.code, detail, kind, partitions);
  // A time-out of ours, a connection that broke: the request may be under way, or done.
  return unknown(kind, detail);
}

function ofResponse(code: number, detail: string, kind: RequestKind, partitions: number): Failure {
  switch (code) {
    case codes.unavailableException:
      if (kind === 'write' && partitions === 1)
        return { fate: 'not_done', repeat: true, code: 'OVERLOADED', detail };
      return unknown(kind, detail);
    case codes.isBootstrapping:
      return { fate: 'not_done', repeat: true, code: 'OVERLOADED', detail };
    case codes.invalid:
      return refused(refusalCode(detail), detail);
    case codes.unauthorized:
    case codes.badCredentials:
      return refused('OVERLOADED', `Cassandra refuses the account: ${detail}`);
    case codes.syntaxError:
    case codes.configError:
    case codes.alreadyExists:
    case codes.protocolError:
      return refused('INTERNAL', detail);
    default:
      return unknown(kind, detail);
  }
}

function refusalCode(detail: string): ErrorCode {
  if (/disk usage/i.test(detail)) return 'STORAGE_FULL';
  return /too large|exceed|size/i.test(detail) ? 'PAYLOAD_TOO_LARGE' : 'INVALID_REQUEST';
}

function refused(code: ErrorCode, detail: string): Failure {
  return { fate: 'refused', repeat: false, code, detail };
}

/** A read leaves nothing, whatever became of it. */
function unknown(kind: RequestKind, detail: string): Failure {
  return kind === 'read'
    ? { fate: 'not_done', repeat: true, code: 'OVERLOADED', detail }
    : { fate: 'unknown', repeat: kind === 'write', code: 'OUTCOME_UNKNOWN', detail };
}

function inner(error: Error & { readonly innerErrors?: Readonly<Record<string, unknown>> }): string {
  const causes = Object.entries(error.innerErrors ?? {}).map(([host, cause]) => `${host}: ${String(cause)}`);
  return causes.length === 0 ? error.message : causes.join('; ');
}

/** The error for a caller. */
export function toError(failure: Failure, cause?: unknown): StarlingError {
  return cause instanceof StarlingError ? cause : new StarlingError(failure.code, failure.detail, { cause });
}
