// Calls and fan-outs between nodes. Owns the envelopes: requests and answers as bytes, typed errors across the wire, one
// envelope per destination node of a fan-out. Does not own which node that is (ports/transport) or what carries it.

import {
  create,
  type DescMessage,
  fromBinary,
  type Message,
  type MessageInitShape,
  mergeFromBinary,
  toBinary,
} from '@bufbuild/protobuf';
import {
  type NodeCall,
  NodeErrorSchema,
  type NodeFanOut,
  type NodeOutcome,
  NodeOutcomeSchema,
  NodeReplySchema,
  type NodeRequest,
  NodeRequestSchema,
} from '../proto/gen/starling/actor/v1/envelope_pb.ts';
import type { Call, CallOutcome, CallSink } from './call.ts';
import type { ActorType } from './definition.ts';
import { ERRORS, type ErrorCode, StarlingError, toStarlingError } from './errors.ts';
import type { FanOutPart, Refused } from './fan-out.ts';
import type { Transport } from './ports/transport.ts';
import { methodOf } from './registry.ts';
import type { TellOrigin } from './tells.ts';

/** What an answering node does with a request. */
export interface LocalNode {
  /** The type of a kind. Throws where the node does not know it. */
  typeOf(kind: string): ActorType;
  /** Starts a call here; it is not passed on to a third node. */
  startHere(
    type: ActorType,
    key: string,
    request: Message,
    options: {
      readonly method: string;
      readonly timeoutMs: number;
      readonly sink: CallSink;
      readonly origin?: TellOrigin;
    },
  ): void;
  /** Starts a fan-out here. */
  fanOutHere(
    type: ActorType,
    method: string,
    requests: readonly { readonly key: string; readonly request: Message }[],
    timeoutMs: number,
    done: (refused: Refused[]) => void,
  ): void;
}

// ---- asking ---------------------------------------------------------------------------------------------------------

/** Hands a call to the node that serves its actor. */
export function callRemotely(
  transport: Transport,
  node: string,
  type: ActorType,
  key: string,
  call: Call,
  timeoutMs: number,
): void {
  const { input, output } = methodOf(type, call.method);
  const asked = {
    kind: type.kind,
    key,
    method: call.method,
    request: toBinary(input, call.request),
    ...originPart(call.origin),
  };
  const envelope = create(NodeRequestSchema, { request: { case: 'call', value: asked }, timeoutMs });
  transport.request(node, toBinary(NodeRequestSchema, envelope), timeoutMs).then(
    (bytes) => {
      const { reply } = fromBinary(NodeReplySchema, bytes);
      const outcome = decodeOutcome(output, reply.case === 'call' ? reply.value : undefined);
      if (outcome.ok) call.resolve(outcome.value);
      else call.reject(outcome.error);
    },
    (error: unknown) => call.reject(unknownOutcome(error)),
  );
}

function originPart(origin: TellOrigin | undefined): { origin?: { sender: string; n: bigint } } {
  return origin === undefined ? {} : { origin: { sender: origin.sender, n: BigInt(origin.n) } };
}

export interface RemoteFanOut {
  readonly type: ActorType;
  readonly method: string;
  /** Encoded: once for all nodes. */
  readonly shared: Uint8Array;
  readonly receivers: readonly FanOutPart[];
  readonly timeoutMs: number;
}

/** Hands the receivers of one node their part in one envelope. Resolves with those who did not simply take it. */
export async function fanOutRemotely(
  transport: Transport,
  node: string,
  fanOut: RemoteFanOut,
): Promise<Refused[]> {
  const { type, method, shared, receivers, timeoutMs } = fanOut;
  const { input, output } = methodOf(type, method);
  const parts = receivers.map(({ key, own }) => ({
    key,
    own: toBinary(input, create(input, own as MessageInitShape<typeof input>)),
  }));
  const value = { kind: type.kind, method, shared, receivers: parts };
  const envelope = create(NodeRequestSchema, { request: { case: 'fanOut', value }, timeoutMs });
  try {
    const bytes = await transport.request(node, toBinary(NodeRequestSchema, envelope), timeoutMs);
    const { reply } = fromBinary(NodeReplySchema, bytes);
    if (reply.case !== 'fanOut') throw new StarlingError('INTERNAL', 'Another node answered something else.');
    return reply.value.refused.map(({ key, outcome }) => ({ key, outcome: decodeOutcome(output, outcome) }));
  } catch (thrown) {
    const error = unknownOutcome(thrown);
    return receivers.map(({ key }) => ({ key, outcome: { ok: false, error } }));
  }
}

/** What went wrong on the way says nothing of what the other node has done, unless it is typed. */
function unknownOutcome(error: unknown): StarlingError {
  return error instanceof StarlingError
    ? error
    : new StarlingError('OUTCOME_UNKNOWN', undefined, { cause: error });
}

// ---- answering ------------------------------------------------------------------------------------------------------

/** Answers an envelope of another node. Never rejects: what goes wrong is an answer. */
export async function answer(local: LocalNode, bytes: Uint8Array): Promise<Uint8Array> {
  const envelope = fromBinary(NodeRequestSchema, bytes);
  const reply = create(NodeReplySchema, { reply: await replyTo(local, envelope) });
  return toBinary(NodeReplySchema, reply);
}

type Reply = NonNullable<Parameters<typeof create<typeof NodeReplySchema>>[1]>['reply'];

async function replyTo(local: LocalNode, { request, timeoutMs }: NodeRequest): Promise<NonNullable<Reply>> {
  switch (request.case) {
    case 'call':
      return { case: 'call', value: await answerCall(local, request.value, timeoutMs) };
    case 'fanOut':
      return { case: 'fanOut', value: { refused: await answerFanOut(local, request.value, timeoutMs) } };
    case undefined:
      return {
        case: 'call',
        value: encodeError(new StarlingError('MALFORMED', 'An envelope of a later release?')),
      };
  }
}

function answerCall(local: LocalNode, call: NodeCall, timeoutMs: number): Promise<NodeOutcome> {
  return new Promise((resolve) => {
    try {
      const type = local.typeOf(call.kind);
      const { input, output } = methodOf(type, call.method);
      const origin =
        call.origin === undefined ? {} : { origin: { sender: call.origin.sender, n: Number(call.origin.n) } };
      const sink: CallSink = {
        resolve: (value) => resolve(encodeReply(output, value)),
        reject: (error) => resolve(encodeError(error)),
      };
      local.startHere(type, call.key, fromBinary(input, call.request), {
        method: call.method,
        timeoutMs,
        sink,
        ...origin,
      });
    } catch (error) {
      resolve(encodeError(toStarlingError(error)));
    }
  });
}

function answerFanOut(
  local: LocalNode,
  fanOut: NodeFanOut,
  timeoutMs: number,
): Promise<{ key: string; outcome: NodeOutcome }[]> {
  const { kind, method, receivers } = fanOut;
  return new Promise((resolve) => {
    try {
      const type = local.typeOf(kind);
      const { input, output } = methodOf(type, method);
      const shared = fromBinary(input, fanOut.shared);
      // The large fields are decoded once; each receiver's copy refers to them.
      const requests = receivers.map(({ key, own }) => ({
        key,
        request: mergeFromBinary(input, { ...shared }, own),
      }));
      local.fanOutHere(type, method, requests, timeoutMs, (refused) => {
        resolve(refused.map(({ key, outcome }) => ({ key, outcome: encodeOutcome(output, outcome) })));
      });
    } catch (error) {
      const outcome = encodeError(toStarlingError(error));
      resolve(receivers.map(({ key }) => ({ key, outcome })));
    }
  });
}

// ---- outcomes -------------------------------------------------------------------------------------------------------

function encodeOutcome(output: DescMessage, outcome: CallOutcome<Message>): NodeOutcome {
  return outcome.ok ? encodeReply(output, outcome.value) : encodeError(outcome.error);
}

function encodeReply(output: DescMessage, value: Message): NodeOutcome {
  return create(NodeOutcomeSchema, { outcome: { case: 'reply', value: toBinary(output, value) } });
}

function encodeError({ code, message, metadata, retryAfterMs }: StarlingError): NodeOutcome {
  const value = create(NodeErrorSchema, { code, message, metadata: { ...metadata } });
  if (retryAfterMs !== undefined) value.retryAfterMs = retryAfterMs;
  return create(NodeOutcomeSchema, { outcome: { case: 'error', value } });
}

function decodeOutcome(output: DescMessage, outcome: NodeOutcome | undefined): CallOutcome<Message> {
  const { outcome: inner } = outcome ?? create(NodeOutcomeSchema);
  if (inner.case === 'reply') return { ok: true, value: fromBinary(output, inner.value) };
  if (inner.case === undefined)
    return { ok: false, error: new StarlingError('INTERNAL', 'Another node answered nothing.') };
  const { code, message, metadata, retryAfterMs } = inner.value;
  // A code of a later release: all that is certain is that nothing is.
  const known: ErrorCode = code in ERRORS ? (code as ErrorCode) : 'OUTCOME_UNKNOWN';
  const detail = message.startsWith(ERRORS[known].text)
    ? message.slice(ERRORS[known].text.length).trim()
    : message;
  const retry = retryAfterMs === undefined ? {} : { retryAfterMs };
  return {
    ok: false,
    error: new StarlingError(known, detail === '' ? undefined : detail, { metadata, ...retry }),
  };
}
