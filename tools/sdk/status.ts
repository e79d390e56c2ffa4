// Reads how a call ended: grpc-status, grpc-message and grpc-status-details-bin (google.rpc.Status with ErrorInfo,
// RetryInfo and BadRequest). The few fields are read by hand, so that no descriptors of google.rpc enter the bundle.

import { BinaryReader, base64Decode, WireType } from '@bufbuild/protobuf/wire';
import type { Done } from './done.ts';
import { type FieldViolation, SdkError, statusName } from './errors.ts';
import { protocolError } from './framing.ts';

interface Details {
  reason?: string;
  metadata: Record<string, string>;
  retryAfterMs?: number;
  violations: FieldViolation[];
}

/** Undefined for OK, else the error. `get` looks a trailer or header up by lower-case name. */
export function readStatus(get: (name: string) => string | undefined): SdkError | undefined {
  const status = get('grpc-status');
  if (status === undefined || !/^\d{1,3}$/.test(status)) return protocolError('no grpc-status');
  const code = Number(status);
  if (code === 0) return undefined;
  const name = statusName(code);
  const details = readDetails(get('grpc-status-details-bin'));
  return new SdkError(details.reason ?? name, percentDecode(get('grpc-message') ?? name), {
    status: name,
    metadata: details.metadata,
    violations: details.violations,
    ...(details.retryAfterMs === undefined ? {} : { retryAfterMs: details.retryAfterMs }),
  });
}

/**
 * An answer without a gRPC status comes from something between client and server (a proxy, a sign-in page of a hotel),
 * whatever its HTTP code says: it passes, and nothing is known of the call.
 */
export function httpError(status: number): SdkError {
  const message = `Something on the way answered HTTP ${status}.`;
  if (status === 401) return new SdkError('UNAUTHENTICATED', message, { status: 'UNAUTHENTICATED' });
  return new SdkError('network', message, { status: 'UNAVAILABLE' });
}

function readDetails(encoded: string | undefined): Details {
  const details: Details = { metadata: {}, violations: [] };
  if (encoded === undefined) return details;
  try {
    // Details are an array of Any in field 3 of google.rpc.Status.
    eachField(base64Decode(encoded), (field, reader) => {
      if (field !== 3) return false;
      readAny(reader.bytes(), details);
      return true;
    });
  } catch {
    // Details only refine what grpc-status says: a call never fails for their sake.
    return details;
  }
  return details;
}

function readAny(bytes: Uint8Array, details: Details): Done {
  let type = '';
  let value: Uint8Array = new Uint8Array(0);
  eachField(bytes, (field, reader) => {
    if (field === 1) type = reader.string();
    else if (field === 2) value = reader.bytes();
    else return false;
    return true;
  });
  switch (type.slice(type.lastIndexOf('/') + 1)) {
    case 'google.rpc.ErrorInfo':
      return readErrorInfo(value, details);
    case 'google.rpc.RetryInfo':
      return readRetryInfo(value, details);
    case 'google.rpc.BadRequest':
      return readBadRequest(value, details);
  }
}

function readErrorInfo(bytes: Uint8Array, details: Details): Done {
  eachField(bytes, (field, reader) => {
    if (field === 1) details.reason = reader.string();
    else if (field === 3) {
      const [key, value] = readPair(reader.bytes());
      details.metadata[key] = value;
    } else return false;
    return true;
  });
}

function readRetryInfo(bytes: Uint8Array, details: Details): Done {
  eachField(bytes, (field, reader) => {
    if (field !== 1) return false;
    let ms = 0;
    eachField(reader.bytes(), (part, duration) => {
      if (part === 1) ms += Number(duration.int64()) * 1000;
      else if (part === 2) ms += Math.ceil(duration.int32() / 1_000_000);
      else return false;
      return true;
    });
    details.retryAfterMs = Math.max(0, ms);
    return true;
  });
}

function readBadRequest(bytes: Uint8Array, details: Details): Done {
  eachField(bytes, (field, reader) => {
    if (field !== 1) return false;
    const [name, description] = readPair(reader.bytes());
    details.violations.push({ field: name, description });
    return true;
  });
}

/** Fields 1 and 2 as strings: an entry of a map, or a FieldViolation. */
function readPair(bytes: Uint8Array): [string, string] {
  const pair: [string, string] = ['', ''];
  eachField(bytes, (field, reader) => {
    if (field === 1) pair[0] = reader.string();
    else if (field === 2) pair[1] = reader.string();
    else return false;
    return true;
  });
  return pair;
}

/** Calls `take` for each field; what it does not take (false) is skipped. */
function eachField(bytes: Uint8Array, take: (field: number, reader: BinaryReader) => boolean): Done {
  const reader = new BinaryReader(bytes);
  while (reader.pos < reader.len) {
    const [field, wireType] = reader.tag();
    const readable = wireType === WireType.LengthDelimited || wireType === WireType.Varint;
    if (!readable || !take(field, reader)) reader.skip(wireType, field);
  }
}

function percentDecode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
