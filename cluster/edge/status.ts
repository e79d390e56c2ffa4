// How an error is written on a wire: gRPC status code, message, and google.rpc.Status. Does not own: which errors there are.

import { create, toBinary } from '@bufbuild/protobuf';
import { type Any, anyPack, DurationSchema } from '@bufbuild/protobuf/wkt';
import {
  BadRequestSchema,
  ErrorInfoSchema,
  LocalizedMessageSchema,
  RetryInfoSchema,
} from '../../proto/gen/google/rpc/error_details_pb.ts';
import { StatusSchema } from '../../proto/gen/google/rpc/status_pb.ts';
import type { StarlingError, StatusName } from '../../runtime/errors.ts';

/** Numbers of google.rpc.Code. */
const STATUS_NUMBERS: Readonly<Record<StatusName, number>> = {
  CANCELLED: 1,
  INVALID_ARGUMENT: 3,
  DEADLINE_EXCEEDED: 4,
  NOT_FOUND: 5,
  ALREADY_EXISTS: 6,
  PERMISSION_DENIED: 7,
  RESOURCE_EXHAUSTED: 8,
  FAILED_PRECONDITION: 9,
  ABORTED: 10,
  OUT_OF_RANGE: 11,
  UNIMPLEMENTED: 12,
  INTERNAL: 13,
  UNAVAILABLE: 14,
  UNAUTHENTICATED: 16,
};

/** `domain` of every ErrorInfo. */
const ERROR_DOMAIN = 'starling';

/** How a call ends on the wire. */
export interface WireStatus {
  /** gRPC status code; 0 = OK. */
  readonly code: number;
  readonly message: string;
  /** An encoded google.rpc.Status. */
  readonly details: Uint8Array | undefined;
}

export const STATUS_OK: WireStatus = { code: 0, message: '', details: undefined };

/** A status given as it is, for programs that speak for themselves (the conformance server). Not for the product. */
export class WireError extends Error {
  override readonly name = 'WireError';
  readonly status: WireStatus;

  constructor(code: number, message: string, details: readonly Any[]) {
    super(message);
    this.status = { code, message, details: encodeStatus(code, message, details) };
  }
}

/** The wire form of an error. */
export function statusOf(error: StarlingError): WireStatus {
  const code = STATUS_NUMBERS[error.entry.status];
  const details = [
    anyPack(
      ErrorInfoSchema,
      create(ErrorInfoSchema, { reason: error.code, domain: ERROR_DOMAIN, metadata: { ...error.metadata } }),
    ),
    anyPack(
      LocalizedMessageSchema,
      create(LocalizedMessageSchema, { locale: 'en', message: error.entry.text }),
    ),
  ];
  const { retryAfterMs } = error;
  if (retryAfterMs !== undefined) {
    const retryDelay = create(DurationSchema, {
      seconds: BigInt(Math.floor(retryAfterMs / 1000)),
      nanos: Math.round((retryAfterMs % 1000) * 1e6),
    });
    details.push(anyPack(RetryInfoSchema, create(RetryInfoSchema, { retryDelay })));
  }
  if (error.violations.length > 0) {
    const fieldViolations = error.violations.map(({ field, description }) => ({
      $typeName: 'google.rpc.BadRequest.FieldViolation' as const,
      field,
      description,
    }));
    details.push(anyPack(BadRequestSchema, create(BadRequestSchema, { fieldViolations })));
  }
  return { code, message: error.message, details: encodeStatus(code, error.message, details) };
}

function encodeStatus(code: number, message: string, details: readonly Any[]): Uint8Array {
  return toBinary(StatusSchema, create(StatusSchema, { code, message, details: [...details] }));
}

/** `grpc-message`: UTF-8, everything but printable ASCII and `%` percent-encoded. */
export function percentEncode(text: string): string {
  let plain = true;
  for (let i = 0; i < text.length && plain; i++) {
    const unit = text.charCodeAt(i);
    plain = unit >= 0x20 && unit <= 0x7e && unit !== 0x25;
  }
  if (plain) return text;
  let out = '';
  for (const byte of Buffer.from(text, 'utf8')) {
    out +=
      byte >= 0x20 && byte <= 0x7e && byte !== 0x25
        ? String.fromCharCode(byte)
        : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  }
  return out;
}
