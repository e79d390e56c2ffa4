// The SDK's one error class, and what follows from an error: repeat, ask for a new token, or give up.

/** Names of gRPC status codes by number. */
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

/** A gRPC status other than OK, or `LOCAL` for what never left the SDK. */
export type SdkStatus = Exclude<(typeof STATUS_NAMES)[number], 'OK'> | 'LOCAL';

export interface SdkErrorOptions {
  /** Default `LOCAL`. */
  readonly status?: SdkStatus;
  /** ErrorInfo.metadata, e.g. {expected: "17"}. */
  readonly metadata?: Readonly<Record<string, string>>;
  /** The server's advice (RetryInfo), milliseconds. */
  readonly retryAfterMs?: number | undefined;
  /** What is wrong with which field of the request (BadRequest). */
  readonly violations?: readonly FieldViolation[];
  readonly cause?: unknown;
}

export interface FieldViolation {
  readonly field: string;
  readonly description: string;
}

/**
 * What every method of the SDK rejects with. `code` is a reason of the server's error table (upper case), or one of the
 * SDK's own (lower case): `closed`, `network`, `protocol`, `token`, `outgoing_full`, `kicked_replaced`,
 * `kicked_signed_out`, `store`.
 */
export class SdkError extends Error {
  override readonly name = 'SdkError';
  readonly code: string;
  readonly status: SdkStatus;
  readonly metadata: Readonly<Record<string, string>>;
  readonly retryAfterMs: number | undefined;
  readonly violations: readonly FieldViolation[];

  constructor(code: string, message: string, options: SdkErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.status = options.status ?? 'LOCAL';
    this.metadata = options.metadata ?? {};
    this.retryAfterMs = options.retryAfterMs;
    this.violations = options.violations ?? [];
  }
}

/** Name of a gRPC status number; `UNKNOWN` for a number nobody defined. Not for 0. */
export function statusName(code: number): SdkStatus {
  const name = STATUS_NAMES[code];
  return name === undefined || name === 'OK' ? 'UNKNOWN' : name;
}

/** The connection broke before an answer came: whether the work was done is not known. */
export function networkError(cause: unknown): SdkError {
  const detail = cause instanceof Error ? cause.message : String(cause);
  return new SdkError('network', `The connection failed: ${detail}`, { status: 'UNAVAILABLE', cause });
}

/** Makes an SdkError of anything thrown. */
export function toSdkError(thrown: unknown): SdkError {
  return thrown instanceof SdkError ? thrown : networkError(thrown);
}

/** The outcome is not known or the cause passes: repeat with the same ids. */
export function isTransient(error: SdkError): boolean {
  return error.status === 'UNAVAILABLE' || error.status === 'DEADLINE_EXCEEDED' || error.status === 'ABORTED';
}

/** The token was refused: ask the application for another one. */
export function isTokenRefused(error: SdkError): boolean {
  return error.status === 'UNAUTHENTICATED';
}

/** Connecting again cannot help: the server understood the request and refuses it. */
export function isPermanent(error: SdkError): boolean {
  switch (error.status) {
    case 'INVALID_ARGUMENT':
    case 'PERMISSION_DENIED':
    case 'FAILED_PRECONDITION':
    case 'NOT_FOUND':
    case 'UNIMPLEMENTED':
    case 'LOCAL':
      return true;
    default:
      return false;
  }
}
