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
  type NodeFanOut,
  type NodeOutcome,
  NodeReplySchema,
  type NodeRequest,
  NodeRequestSchema,
} from '../proto/gen/starling/actor/v1/envelope_pb.ts';
import { type ActorMethod, type ActorType, methodOf } from './actor-type.ts';
import {
  actorNamed,
  type Call,
  type CallInit,
  type CallOutcome,
  type CallSink,
  namesOf,
  pathOf,
} from './call.ts';
import { encodePlainCall } from './call-wire.ts';
import { StarlingError, toStarlingError } from './errors.ts';
import type { FanOutHow, FanOutPart } from './fan-out.ts';
import type { FanOutResult } from './notes.ts';
import type { Origin } from './origin.ts';
import { decodeOutcome, encodeError, encodeOutcome, encodeReply } from './outcome.ts';
import type { Transport } from './ports/transport.ts';
import type { Relay } from './relay.ts';

/** What an answering node does with a request. */
export interface LocalNode {
  /** The type of a kind. Throws where the node does not know it. */
  typeOf(kind: string): ActorType;
  readonly relay: Pick<Relay, 'opened' | 'take'>;
  /** Starts a call here; it is not passed on to a third node. */
  startHere(init: Omit<CallInit, 'deadline'>, timeoutMs: number): void;
  /** Starts a fan-out here. */
  fanOutHere(
    type: ActorType,
    method: ActorMethod,
    requests: readonly { readonly key: string; readonly request: Message }[],
    timeoutMs: number,
    how: FanOutHow,
    done: (result: FanOutResult) => void,
  ): void;
}

// ---- asking ---------------------------------------------------------------------------------------------------------

/** Hands a call to the node that serves its actor. */
export function callRemotely(
  transport: Transport,
  node: string,
  call: Call,
  timeoutMs: number,
  answered: () => void,
): void {
  let envelope: Uint8Array;
  try {
    envelope = encodeCall(call, timeoutMs);
  } catch (error) {
    // A defect of whoever made the request: it has not left.
    call.reject(toStarlingError(error));
    return;
  }
  transport.request(node, envelope, timeoutMs).then(
    (bytes) => {
      answered();
      const { outcome, begun } = decodeAnswer(call.method.output, bytes);
      call.begun = begun;
      if (outcome.ok) call.resolve(outcome.value);
      else call.reject(outcome.error);
    },
    (error: unknown) => {
      answered();
      call.reject(unknownOutcome(error));
    },
  );
}

function encodeCall(call: Call, timeoutMs: number): Uint8Array {
  const { type, key, method, caller, metadata, traceparent } = call;
  const plain = {
    kind: type.kind,
    key,
    method: method.localName,
    request: toBinary(method.input, call.request),
    path: namesOf(call.path),
    caller: caller === undefined ? '' : `${caller.kind}/${caller.key}`,
    traceparent: call.span?.traceparent ?? traceparent ?? '',
  };
  const origin = originPart(call.origin);
  const isPlain = origin.origin === undefined && Object.keys(metadata ?? {}).length === 0;
  if (isPlain) return encodePlainCall({ ...plain, timeoutMs });
  const value = { ...plain, metadata: { ...metadata }, ...origin };
  const envelope = create(NodeRequestSchema, { request: { case: 'call', value }, timeoutMs });
  return toBinary(NodeRequestSchema, envelope);
}

/** Never throws: an answer that can't be read says nothing. */
function decodeAnswer(
  output: DescMessage,
  bytes: Uint8Array,
): { readonly outcome: CallOutcome<Message>; readonly begun: boolean } {
  try {
    const { reply } = fromBinary(NodeReplySchema, bytes);
    const answer = reply.case === 'call' ? reply.value : undefined;
    const begun = !(answer?.outcome.case === 'error' && answer.outcome.value.notBegun);
    return { outcome: decodeOutcome(output, answer), begun };
  } catch (error) {
    return { outcome: { ok: false, error: unknownOutcome(error) }, begun: true };
  }
}

/** Reminders stay on their node. */
function originPart(origin: Origin | undefined): { origin?: { sender: string; n: bigint } } {
  return origin?.type === 'tell' ? { origin: { sender: origin.sender, n: BigInt(origin.n) } } : {};
}

/** How to encode a request: once, for all nodes that it goes to. */
export function encodedOnce({ input }: ActorMethod, request: Message): () => Uint8Array {
  let encoded: Uint8Array | undefined;
  return () => {
    encoded ??= toBinary(input, request);
    return encoded;
  };
}

export interface RemoteFanOut extends FanOutHow {
  readonly type: ActorType;
  readonly method: ActorMethod;
  /** Encodes it, once for all nodes. */
  readonly shared: () => Uint8Array;
  readonly receivers: readonly FanOutPart[];
  readonly timeoutMs: number;
}

/** Hands the receivers of one node their part in one envelope. Never rejects. */
export async function fanOutRemotely(
  transport: Transport,
  node: string,
  fanOut: RemoteFanOut,
): Promise<FanOutResult> {
  const { method, receivers, timeoutMs } = fanOut;
  try {
    const bytes = await transport.request(node, encodeFanOut(fanOut), timeoutMs, 'bulk');
    const { reply } = fromBinary(NodeReplySchema, bytes);
    if (reply.case !== 'fanOut') throw new StarlingError('INTERNAL', 'Another node answered something else.');
    const { refused, marked } = reply.value;
    return {
      refused: refused.map(({ key, outcome }) => ({ key, outcome: decodeOutcome(method.output, outcome) })),
      marked,
    };
  } catch (thrown) {
    const error = unknownOutcome(thrown);
    return { refused: receivers.map(({ key }) => ({ key, outcome: { ok: false, error } })), marked: [] };
  }
}

/**
 * @throws StarlingError INTERNAL for what has no encoding
 */
function encodeFanOut(fanOut: RemoteFanOut): Uint8Array {
  const { type, method, receivers, timeoutMs, absentNote = '', traceparent = '', caller } = fanOut;
  const { input } = method;
  try {
    const parts = receivers.map(({ key, own }) => ({
      key,
      own: toBinary(input, create(input, own as MessageInitShape<typeof input>)),
    }));
    const value = {
      kind: type.kind,
      method: method.localName,
      shared: fanOut.shared(),
      receivers: parts,
      absentNote,
      traceparent,
      caller: caller === undefined ? '' : `${caller.kind}/${caller.key}`,
    };
    const envelope = create(NodeRequestSchema, { request: { case: 'fanOut', value }, timeoutMs });
    return toBinary(NodeRequestSchema, envelope);
  } catch (error) {
    throw toStarlingError(error);
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
  let envelope: NodeRequest;
  try {
    envelope = fromBinary(NodeRequestSchema, bytes);
  } catch {
    envelope = create(NodeRequestSchema);
  }
  const reply = create(NodeReplySchema, { reply: await replyTo(local, envelope) });
  return toBinary(NodeReplySchema, reply);
}

type Reply = NonNullable<Parameters<typeof create<typeof NodeReplySchema>>[1]>['reply'];

async function replyTo(local: LocalNode, { request, timeoutMs }: NodeRequest): Promise<NonNullable<Reply>> {
  switch (request.case) {
    case 'call':
      return { case: 'call', value: await answerCall(local, request.value, timeoutMs) };
    case 'fanOut':
      return { case: 'fanOut', value: await answerFanOut(local, request.value, timeoutMs) };
    case 'streamOpen':
      return { case: request.case, value: local.relay.opened(request.value) };
    case 'streamFrames':
      return { case: request.case, value: local.relay.take(request.value) };
    case undefined:
      return {
        case: 'call',
        value: encodeError(new StarlingError('MALFORMED', 'An envelope of a later release?'), false),
      };
  }
}

function answerCall(local: LocalNode, asked: NodeCall, timeoutMs: number): Promise<NodeOutcome> {
  return new Promise((resolve) => {
    try {
      const type = local.typeOf(asked.kind);
      const method = methodOf(type, asked.method);
      const sink: CallSink = {
        resolve: (value) => resolve(encodeReply(method.output, value)),
        reject: (error, begun) => resolve(encodeError(error, begun)),
      };
      const init: Omit<CallInit, 'deadline'> = {
        type,
        key: asked.key,
        method,
        request: fromBinary(method.input, asked.request),
        sink,
        path: pathOf(asked.path),
        caller: asked.caller === '' ? undefined : actorNamed(asked.caller),
        metadata: asked.metadata,
        traceparent: asked.traceparent === '' ? undefined : asked.traceparent,
        origin:
          asked.origin === undefined
            ? undefined
            : { type: 'tell', sender: asked.origin.sender, n: Number(asked.origin.n) },
      };
      local.startHere(init, timeoutMs);
    } catch (error) {
      resolve(encodeError(toStarlingError(error), false));
    }
  });
}

function answerFanOut(
  local: LocalNode,
  fanOut: NodeFanOut,
  timeoutMs: number,
): Promise<{ refused: { key: string; outcome: NodeOutcome }[]; marked: string[] }> {
  const { kind, method, receivers } = fanOut;
  const how = {
    absentNote: fanOut.absentNote === '' ? undefined : fanOut.absentNote,
    traceparent: fanOut.traceparent === '' ? undefined : fanOut.traceparent,
    caller: fanOut.caller === '' ? undefined : actorNamed(fanOut.caller),
  };
  return new Promise((resolve) => {
    try {
      const type = local.typeOf(kind);
      const descriptor = methodOf(type, method);
      const { input, output } = descriptor;
      const shared = fromBinary(input, fanOut.shared);
      // The large fields are decoded once; each receiver's copy refers to them.
      const requests = receivers.map(({ key, own }) => ({
        key,
        request: mergeFromBinary(input, { ...shared }, own),
      }));
      local.fanOutHere(type, descriptor, requests, timeoutMs, how, ({ refused, marked }) => {
        const encoded = refused.map(({ key, outcome }) => ({ key, outcome: encodeOutcome(output, outcome) }));
        resolve({ refused: encoded, marked: [...marked] });
      });
    } catch (error) {
      const outcome = encodeError(toStarlingError(error));
      resolve({ refused: receivers.map(({ key }) => ({ key, outcome })), marked: [] });
    }
  });
}
