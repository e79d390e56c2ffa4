// Relayed streams as bytes between nodes.

import { create, fromBinary, type Message, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import {
  NodeReplySchema,
  NodeRequestSchema,
  type NodeStreamFramesReply,
  type NodeStreamFramesSchema,
  type NodeStreamOpenReply,
} from '../proto/gen/starling/actor/v1/envelope_pb.ts';
import type { ActorMethod, ActorType } from './actor-type.ts';

/** What opens a stream on an actor of another node. */
export interface OpenCall {
  readonly gateway: string;
  readonly incarnation: bigint;
  readonly stream: number;
  readonly type: ActorType;
  readonly key: string;
  readonly method: ActorMethod;
  readonly request: Message;
}

/** Throws where the request has no encoding. */
export function encodeOpen(open: OpenCall, timeoutMs: number): Uint8Array {
  const { gateway, incarnation, stream, type, key, method } = open;
  const request = toBinary(method.input, open.request);
  const value = { gateway, incarnation, stream, kind: type.kind, key, method: method.localName, request };
  return toBinary(
    NodeRequestSchema,
    create(NodeRequestSchema, { request: { case: 'streamOpen', value }, timeoutMs }),
  );
}

export function encodeBatch(
  value: MessageInitShape<typeof NodeStreamFramesSchema>,
  timeoutMs: number,
): Uint8Array {
  return toBinary(
    NodeRequestSchema,
    create(NodeRequestSchema, { request: { case: 'streamFrames', value }, timeoutMs }),
  );
}

/** Undefined: it can't be read. */
export function readOpenAnswer(bytes: Uint8Array): NodeStreamOpenReply | undefined {
  const reply = readReply(bytes);
  return reply?.case === 'streamOpen' ? reply.value : undefined;
}

/** Undefined: it can't be read. */
export function readBatchAnswer(bytes: Uint8Array): NodeStreamFramesReply | undefined {
  const reply = readReply(bytes);
  return reply?.case === 'streamFrames' ? reply.value : undefined;
}

function readReply(bytes: Uint8Array) {
  try {
    return fromBinary(NodeReplySchema, bytes).reply;
  } catch {
    return undefined;
  }
}
