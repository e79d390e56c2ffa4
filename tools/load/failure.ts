// How a call ends badly, seen from the wire. Owns: the status, the reason and whether the same call may be repeated. Does
// not own: the table of reasons (runtime/errors.ts).

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

const ERROR_INFO = 'type.googleapis.com/google.rpc.ErrorInfo';

// google.rpc.Status{details = 3: Any{type_url = 1, value = 2}}, ErrorInfo{reason = 1}; anything else is stepped over.
function reasonOf(base64: string): string {
  const bytes = Buffer.from(base64, 'base64');
  for (const any of fieldsOf(bytes, 3)) {
    if (fieldsOf(any, 1)[0]?.toString('utf8') !== ERROR_INFO) continue;
    return fieldsOf(fieldsOf(any, 2)[0] ?? Buffer.alloc(0), 1)[0]?.toString('utf8') ?? '';
  }
  return '';
}

// All length-delimited fields of a message with this number; stops at the first byte that makes no sense.
function fieldsOf(bytes: Buffer, wanted: number): Buffer[] {
  const found: Buffer[] = [];
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let shift = 0; at < bytes.length && shift < 42; shift += 7) {
      const byte = bytes[at] ?? 0;
      at += 1;
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    at = bytes.length;
    return 0;
  };
  while (at < bytes.length) {
    const tag = varint();
    const wireType = tag & 7;
    if (wireType === 0) varint();
    else if (wireType === 2) {
      const size = varint();
      if (tag >>> 3 === wanted) found.push(bytes.subarray(at, at + size));
      at += size;
    } else at += wireType === 1 ? 8 : wireType === 5 ? 4 : bytes.length;
  }
  return found;
}
