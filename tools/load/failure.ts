// How a call ends badly, seen from the wire. Owns: the status, the reason and whether the same call may be repeated. Does
// not own: the table of reasons (runtime/errors.ts).

import { fromBinary } from '@bufbuild/protobuf';
import { anyUnpack } from '@bufbuild/protobuf/wkt';
import { ErrorInfoSchema } from '../../proto/gen/google/rpc/error_details_pb.ts';
import { StatusSchema } from '../../proto/gen/google/rpc/status_pb.ts';

const STATUS_NAMES = [
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

/** Name of a gRPC status code. */
export type Status = (typeof STATUS_NAMES)[number];

/** A call that did not end with OK. */
export class CallFailure extends Error {
  override readonly name = 'CallFailure';
  readonly status: Status;
  /** `reason` of google.rpc.ErrorInfo; empty where the answer held none. */
  readonly reason: string;

  constructor(status: Status, message: string, reason = '') {
    super(reason === '' ? `${status}: ${message}` : `${status} ${reason}: ${message}`);
    this.status = status;
    this.reason = reason;
  }

  /** True: the contract says that the outcome is unknown, or that it was not yet the turn; repeat with the same ids. */
  get repeatable(): boolean {
    return this.status === 'UNAVAILABLE' || this.status === 'DEADLINE_EXCEEDED' || this.status === 'ABORTED';
  }
}

/** Reads the trailers of an answer; undefined = OK. */
export function failureOf(trailers: ReadonlyMap<string, string>): CallFailure | undefined {
  const code = Number(trailers.get('grpc-status') ?? '2');
  if (code === 0) return undefined;
  const status = STATUS_NAMES[code] ?? 'UNKNOWN';
  const message = percentDecode(trailers.get('grpc-message') ?? '');
  const details = trailers.get('grpc-status-details-bin');
  return new CallFailure(status, message, details === undefined ? '' : reasonOf(details));
}

function percentDecode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

// A status whose details cannot be read is still a status.
function reasonOf(base64: string): string {
  try {
    for (const detail of fromBinary(StatusSchema, Buffer.from(base64, 'base64')).details) {
      const reason = anyUnpack(detail, ErrorInfoSchema)?.reason;
      if (reason !== undefined) return reason;
    }
  } catch {
    return '';
  }
  return '';
}
