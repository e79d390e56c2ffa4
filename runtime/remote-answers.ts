// Calls and fan-outs that other nodes hand over. Owns: reading their envelopes, and answers as bytes with typed errors.
// Does not own: what is done with them (router.ts), the other end (remote.ts).

import { create, fromBinary, type Message, toBinary } from '@bufbuild/protobuf';
import {
  type NodeCall,
  NodeReplySchema,
  type NodeRequest,
  NodeRequestSchema,
} from '../proto/gen/starling/actor/v1/envelope_pb.ts';
import { type ActorMethod, type ActorType, methodOf } from './actor-type.ts';
import { actorNamed, type CallInit, type CallSink, pathOf } from './call.ts';
import { decodePlainCall, encodePlainReply, type PlainCall } from './call-wire.ts';
import { StarlingError, toStarlingError } from './errors.ts';
import type { FanOutHow } from './fan-out.ts';
import { answerFanOut } from './fan-out-answer.ts';
import { decodeMessage, messagePart } from './message-wire.ts';
import type { FanOutResult } from './notes.ts';
import { encodeError } from './outcome.ts';
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
  /** The other nodes of this host. */
  readonly siblings: {
    /** The one that serves an actor; undefined where none is known to. */
    of(type: ActorType, key: string): string | undefined;
    ask(node: string, envelope: Uint8Array, timeoutMs: number): Promise<Uint8Array>;
  };
}

/** Answers an envelope of another node. Never rejects: what goes wrong is an answer. */
export function answer(local: LocalNode, bytes: Uint8Array): Promise<Uint8Array> {
  const plain = decodePlainCall(bytes);
  return plain === undefined ? answerAny(local, bytes) : answerCall(local, plain, plain.timeoutMs);
}

async function answerAny(local: LocalNode, bytes: Uint8Array): Promise<Uint8Array> {
  let envelope: NodeRequest;
  try {
    // A copy, since bytes in it are views, and some are kept.
    envelope = fromBinary(NodeRequestSchema, new Uint8Array(bytes));
  } catch {
    envelope = create(NodeRequestSchema);
  }
  const { request, timeoutMs } = envelope;
  switch (request.case) {
    case 'call':
      return answerCall(local, request.value, timeoutMs);
    case 'fanOut':
      return encodeAnswer({ case: 'fanOut', value: await answerFanOut(local, request.value, timeoutMs) });
    case 'streamOpen':
      return encodeAnswer({ case: request.case, value: local.relay.opened(request.value) });
    case 'streamFrames':
      return encodeAnswer({ case: request.case, value: local.relay.take(request.value) });
    case undefined:
      return refusal(new StarlingError('MALFORMED', 'An envelope of a later release?'), false);
  }
}

type Reply = NonNullable<Parameters<typeof create<typeof NodeReplySchema>>[1]>['reply'];

function encodeAnswer(reply: NonNullable<Reply>): Uint8Array {
  return toBinary(NodeReplySchema, create(NodeReplySchema, { reply }));
}

function refusal(error: StarlingError, begun: boolean): Uint8Array {
  return encodeAnswer({ case: 'call', value: encodeError(error, begun) });
}

/** A reply without an encoding is a defect of the actor, and the one who waits has to hear of it. */
function replyBytes({ outputWriter }: ActorMethod, value: Message): Uint8Array {
  try {
    return encodePlainReply(messagePart(outputWriter, value));
  } catch (error) {
    return refusal(toStarlingError(error), true);
  }
}

type AskedCall = Omit<PlainCall, 'timeoutMs'> & Partial<Pick<NodeCall, 'metadata' | 'origin'>>;

function answerCall(local: LocalNode, asked: AskedCall, timeoutMs: number): Promise<Uint8Array> {
  return new Promise((resolve) => {
    try {
      const type = local.typeOf(asked.kind);
      const method = methodOf(type, asked.method);
      const sink: CallSink = {
        resolve: (value) => resolve(replyBytes(method, value)),
        reject: (error, begun) => resolve(refusal(error, begun)),
      };
      const init: Omit<CallInit, 'deadline'> = {
        type,
        key: asked.key,
        method,
        request: decodeMessage(method.input, asked.request, method.inputHasBytes),
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
      resolve(refusal(toStarlingError(error), false));
    }
  });
}
