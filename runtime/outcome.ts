// Answers of actors as they go between nodes: replies as bytes, typed errors with all that a caller acts on.

import { create, type DescMessage, type Message, toBinary } from '@bufbuild/protobuf';
import {
  type NodeError,
  NodeErrorSchema,
  type NodeOutcome,
  NodeOutcomeSchema,
} from '../proto/gen/starling/actor/v1/envelope_pb.ts';
import type { CallOutcome } from './call.ts';
import { ERRORS, type ErrorCode, StarlingError, toStarlingError } from './errors.ts';
import { decodeMessage } from './message-wire.ts';

export function encodeOutcome(output: DescMessage, outcome: CallOutcome<Message>): NodeOutcome {
  return outcome.ok ? encodeReply(output, outcome.value) : encodeError(outcome.error);
}

/** Never throws: a reply without an encoding is a defect of the actor, and the one who waits has to hear of it. */
export function encodeReply(output: DescMessage, value: Message): NodeOutcome {
  try {
    return create(NodeOutcomeSchema, { outcome: { case: 'reply', value: toBinary(output, value) } });
  } catch (error) {
    return encodeError(toStarlingError(error));
  }
}

export function encodeError(error: StarlingError, begun = true): NodeOutcome {
  return create(NodeOutcomeSchema, { outcome: { case: 'error', value: nodeError(error, begun) } });
}

/** An error as it goes to another node. */
export function nodeError(error: StarlingError, begun = true): NodeError {
  const { code, message, metadata, retryAfterMs, violations } = error;
  const value = create(NodeErrorSchema, {
    code,
    message,
    metadata: { ...metadata },
    notBegun: !begun,
    violations: violations.map(({ field, description }) => ({ field, description })),
  });
  if (retryAfterMs !== undefined) value.retryAfterMs = retryAfterMs;
  return value;
}

export function decodeOutcome(output: DescMessage, outcome: NodeOutcome | undefined): CallOutcome<Message> {
  const { outcome: inner } = outcome ?? create(NodeOutcomeSchema);
  if (inner.case === 'reply') return { ok: true, value: decodeMessage(output, inner.value, true) };
  if (inner.case === undefined)
    return { ok: false, error: new StarlingError('INTERNAL', 'Another node answered nothing.') };
  return { ok: false, error: errorOfNode(inner.value) };
}

/** An error as it came from another node. */
export function errorOfNode({ code, message, metadata, retryAfterMs, violations }: NodeError): StarlingError {
  // A code of a later release: all that is certain is that nothing is.
  const known: ErrorCode = code in ERRORS ? (code as ErrorCode) : 'OUTCOME_UNKNOWN';
  const detail = message.startsWith(ERRORS[known].text)
    ? message.slice(ERRORS[known].text.length).trim()
    : message;
  const retry = retryAfterMs === undefined ? {} : { retryAfterMs };
  return new StarlingError(known, detail === '' ? undefined : detail, { metadata, violations, ...retry });
}
