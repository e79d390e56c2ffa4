// Calls and fan-outs for actors of other nodes. Owns: the envelopes of requests, what an answer means to who asked, one
// envelope per destination node or host of a fan-out. Does not own: which node that is (ports/transport), what carries it, the
// other end (remote-answers.ts).

import { create, fromBinary, type Message, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import { NodeReplySchema, NodeRequestSchema } from '../proto/gen/starling/actor/v1/envelope_pb.ts';
import type { ActorMethod, ActorType } from './actor-type.ts';
import { type Call, type CallMetadata, type CallOutcome, namesOf } from './call.ts';
import { decodePlainReply, encodePlainCall } from './call-wire.ts';
import { StarlingError, toStarlingError } from './errors.ts';
import type { FanOutHow, FanOutPart } from './fan-out.ts';
import { decodeMessage, messagePart } from './message-wire.ts';
import type { FanOutResult } from './notes.ts';
import type { Origin } from './origin.ts';
import { decodeOutcome } from './outcome.ts';
import type { Transport } from './ports/transport.ts';

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
      takeAnswer(call, bytes);
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
    path: namesOf(call.path),
    caller: caller === undefined ? '' : `${caller.kind}/${caller.key}`,
    traceparent: call.span?.traceparent ?? traceparent ?? '',
  };
  if (call.origin?.type !== 'tell' && isEmpty(metadata))
    return encodePlainCall({ ...plain, request: messagePart(method.inputWriter, call.request), timeoutMs });
  const request = toBinary(method.input, call.request);
  const value = { ...plain, request, metadata: { ...metadata }, ...originPart(call.origin) };
  const envelope = create(NodeRequestSchema, { request: { case: 'call', value }, timeoutMs });
  return toBinary(NodeRequestSchema, envelope);
}

function isEmpty(metadata: CallMetadata | undefined): boolean {
  for (const _ in metadata) return false;
  return true;
}

/** Never throws: an answer that can't be read says nothing. */
function takeAnswer(call: Call, bytes: Uint8Array): void {
  const { outcome, begun } = decodeAnswer(call.method, bytes);
  call.begun = begun;
  if (outcome.ok) call.resolve(outcome.value);
  else call.reject(outcome.error);
}

function decodeAnswer(
  { output, outputHasBytes }: ActorMethod,
  bytes: Uint8Array,
): { readonly outcome: CallOutcome<Message>; readonly begun: boolean } {
  try {
    const plain = decodePlainReply(bytes);
    if (plain !== undefined)
      return { outcome: { ok: true, value: decodeMessage(output, plain, outputHasBytes) }, begun: true };
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
  /** The receivers may be with any node of the host of the one that is asked. */
  readonly forHost: boolean;
}

/** Hands the receivers of one node, or host, their part in one envelope. Never rejects. */
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
  const { type, method, receivers, timeoutMs, absentNote = '', traceparent = '', caller, forHost } = fanOut;
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
      forHost,
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
