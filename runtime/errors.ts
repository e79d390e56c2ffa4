// The one error class and the closed table of its codes. Owns: text, gRPC status, retry advice and operator help of each
// code. Does not own: how an error is encoded on a wire (cluster/edge).

/** What is certain about the work that was asked for when an error comes back. */
export type Outcome = 'not_done' | 'unknown';

/** Names of gRPC status codes, as in google/rpc/code.proto. */
export type StatusName =
  | 'CANCELLED'
  | 'INVALID_ARGUMENT'
  | 'DEADLINE_EXCEEDED'
  | 'NOT_FOUND'
  | 'ALREADY_EXISTS'
  | 'PERMISSION_DENIED'
  | 'RESOURCE_EXHAUSTED'
  | 'FAILED_PRECONDITION'
  | 'ABORTED'
  | 'OUT_OF_RANGE'
  | 'UNIMPLEMENTED'
  | 'INTERNAL'
  | 'UNAVAILABLE'
  | 'UNAUTHENTICATED';

export interface ErrorEntry {
  /** gRPC status a client sees. */
  readonly status: StatusName;
  /** Whether the work may have happened. `unknown`: repeat with the same ids. */
  readonly outcome: Outcome;
  /** Milliseconds to wait before a repeat is sensible; absent = a repeat will not help. */
  readonly retryAfterMs?: number;
  /** One sentence for the person at the keyboard. */
  readonly text: string;
  /** What an operator does about it. */
  readonly help: string;
}

const entry = (
  status: StatusName,
  outcome: Outcome,
  text: string,
  help: string,
  retryAfterMs?: number,
): ErrorEntry =>
  retryAfterMs === undefined
    ? { status, outcome, text, help }
    : { status, outcome, text, help, retryAfterMs };

const CLIENT = 'Nothing: the caller has to change the request.';
const LOAD = 'See which actors are hot; add nodes or lower the load.';
const BUG = 'A defect: report it with the log lines around it.';
const PASSING = 'Passes by itself; if it lasts, look at the health of the store and of the nodes.';

/** Every error Starling answers with. The key is the `reason` of google.rpc.ErrorInfo. */
export const ERRORS = {
  INVALID_REQUEST: entry('INVALID_ARGUMENT', 'not_done', 'The request is not valid.', CLIENT),
  MALFORMED: entry('INVALID_ARGUMENT', 'not_done', 'The request could not be decoded.', CLIENT),
  PAYLOAD_TOO_LARGE: entry('RESOURCE_EXHAUSTED', 'not_done', 'The request is too large.', CLIENT),
  UNAUTHENTICATED: entry('UNAUTHENTICATED', 'not_done', 'A valid token is required.', CLIENT),
  TOKEN_EXPIRED: entry('UNAUTHENTICATED', 'not_done', 'The token has expired.', CLIENT),
  PERMISSION_DENIED: entry('PERMISSION_DENIED', 'not_done', 'The token does not allow this.', CLIENT),
  NOT_A_MEMBER: entry('PERMISSION_DENIED', 'not_done', 'Only members may do this.', CLIENT),
  ROLE_REQUIRED: entry('PERMISSION_DENIED', 'not_done', 'The role in the group does not allow this.', CLIENT),
  USER_NOT_FOUND: entry('NOT_FOUND', 'not_done', 'There is no such user.', CLIENT),
  CONVERSATION_NOT_FOUND: entry('NOT_FOUND', 'not_done', 'There is no such conversation.', CLIENT),
  MESSAGE_NOT_FOUND: entry('NOT_FOUND', 'not_done', 'There is no such message.', CLIENT),
  DEVICE_NOT_FOUND: entry('NOT_FOUND', 'not_done', 'There is no such device.', CLIENT),
  NODE_NOT_FOUND: entry(
    'NOT_FOUND',
    'not_done',
    'There is no such node.',
    'See who is there: starling node list.',
  ),
  METHOD_NOT_FOUND: entry('UNIMPLEMENTED', 'not_done', 'There is no such method.', CLIENT),
  ID_REUSED: entry('ALREADY_EXISTS', 'not_done', 'The id was used before for something else.', CLIENT),
  REFUSED: entry('FAILED_PRECONDITION', 'not_done', 'This can not be done as things stand.', CLIENT),
  SUPERSEDED: entry(
    'FAILED_PRECONDITION',
    'not_done',
    'A later send of this device was already answered.',
    CLIENT,
  ),
  SEND_EXPIRED: entry(
    'FAILED_PRECONDITION',
    'not_done',
    'It could not be placed in time.',
    'Look at the shard of the conversation: it was out of reach for as long as sends are kept.',
  ),
  OUT_OF_ORDER: entry('ABORTED', 'not_done', 'An earlier send of this device has not arrived.', CLIENT, 0),
  TOO_MANY_DEVICES: entry('FAILED_PRECONDITION', 'not_done', 'The user has too many devices.', CLIENT),
  GROUP_FULL: entry('FAILED_PRECONDITION', 'not_done', 'The group has too many members.', CLIENT),
  LAST_OWNER: entry('FAILED_PRECONDITION', 'not_done', 'A group needs an owner: hand it over first.', CLIENT),
  OVERLOADED: entry('UNAVAILABLE', 'not_done', 'Too much at once; try again shortly.', LOAD, 500),
  STORAGE_FULL: entry(
    'RESOURCE_EXHAUSTED',
    'not_done',
    'The store is full.',
    'Give the store more room, then restart.',
  ),
  STORAGE_FAILED: entry(
    'UNAVAILABLE',
    'unknown',
    'The store failed.',
    'Look at disk and log; the node must restart.',
    1000,
  ),
  OUTCOME_UNKNOWN: entry('UNAVAILABLE', 'unknown', 'It is not known whether this was done.', PASSING, 200),
  NOT_OWNER: entry('UNAVAILABLE', 'not_done', 'This node does not serve the actor.', PASSING, 100),
  SHUTTING_DOWN: entry('UNAVAILABLE', 'not_done', 'The node is shutting down.', PASSING, 500),
  DEADLINE_EXCEEDED: entry('DEADLINE_EXCEEDED', 'unknown', 'No answer in time.', PASSING, 200),
  CANCELLED: entry('CANCELLED', 'unknown', 'The caller gave up.', 'Nothing.'),
  CALL_CYCLE: entry('INTERNAL', 'not_done', 'Actors wait for each other in a circle.', BUG),
  CORRUPTION: entry(
    'INTERNAL',
    'not_done',
    'Stored data contradicts itself.',
    'Stop, keep the data, and report it.',
  ),
  VERSION_TOO_NEW: entry(
    'UNAVAILABLE',
    'not_done',
    'The data was written by a later release.',
    'Finish the upgrade: this node runs an older release than the one that wrote the actor.',
    1000,
  ),
  INTERNAL: entry('INTERNAL', 'unknown', 'Something went wrong inside.', BUG),
} as const satisfies Record<string, ErrorEntry>;

/** One of the closed set of error codes. */
export type ErrorCode = keyof typeof ERRORS;

/** What is wrong with one field of a request. */
export interface FieldViolation {
  /** Path in the request, e.g. `content.text.text`. */
  readonly field: string;
  /** What it must be. */
  readonly description: string;
}

export interface StarlingErrorOptions {
  /** Facts for programs, e.g. {expected: "17"}; become ErrorInfo.metadata. */
  readonly metadata?: Readonly<Record<string, string>>;
  /** Become google.rpc.BadRequest. */
  readonly violations?: readonly FieldViolation[];
  /** Overrides the table's advice, milliseconds. */
  readonly retryAfterMs?: number;
  readonly cause?: unknown;
}

/** An expected failure. Everything else that is thrown is a defect and reaches callers as INTERNAL. */
export class StarlingError extends Error {
  override readonly name = 'StarlingError';
  readonly code: ErrorCode;
  readonly metadata: Readonly<Record<string, string>>;
  readonly violations: readonly FieldViolation[];
  readonly retryAfterMs: number | undefined;

  /** `detail` is added to the table's text: say what, e.g. the id that was not found. */
  constructor(code: ErrorCode, detail?: string, options: StarlingErrorOptions = {}) {
    const { text } = ERRORS[code];
    super(
      detail === undefined ? text : `${text} ${detail}`,
      options.cause === undefined ? undefined : { cause: options.cause },
    );
    this.code = code;
    this.metadata = options.metadata ?? {};
    this.violations = options.violations ?? [];
    this.retryAfterMs = options.retryAfterMs ?? (ERRORS[code] as ErrorEntry).retryAfterMs;
  }

  get entry(): ErrorEntry {
    return ERRORS[this.code];
  }
}

/** Makes a StarlingError of anything thrown: itself, CANCELLED for an abort, else INTERNAL with the cause kept. */
export function toStarlingError(thrown: unknown): StarlingError {
  if (thrown instanceof StarlingError) return thrown;
  if (thrown instanceof Error && thrown.name === 'AbortError') {
    return new StarlingError('CANCELLED', undefined, { cause: thrown });
  }
  return new StarlingError('INTERNAL', undefined, { cause: thrown });
}

/** A request that breaks the contract: names the field. */
export function invalidRequest(field: string, description: string): StarlingError {
  return new StarlingError('INVALID_REQUEST', `${field}: ${description}`, {
    violations: [{ field, description }],
  });
}

/** Ends the activation (or the process, outside of one) when the code's own assumption does not hold. */
export function invariant(condition: unknown, statement: string): asserts condition {
  if (!condition) throw new InvariantViolation(statement);
}

/** A broken assumption of our own code. */
export class InvariantViolation extends Error {
  override readonly name = 'InvariantViolation';
}
