// One envelope of a fan-out for all nodes of a host: which node takes it, and what that one does with it. Owns: grouping by
// host, splitting, putting the answers together. Does not own: who is on a host (port Directory), what carries an envelope.
//
// Invariants:
// H1  A part is passed on once: what a node of the host hands over is for the node that takes it, and no third one.
// H2  An envelope is answered when every part is, so it is acknowledged for those whose rows are durable, and who could
//     not be reached is refused by name (rule 13 of the safety protocol).

import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import {
  type NodeFanOut,
  type NodeOutcome,
  type NodeReceiver,
  NodeReplySchema,
  NodeRequestSchema,
} from '../proto/gen/starling/actor/v1/envelope_pb.ts';
import { StarlingError } from './errors.ts';
import type { FanOutPart } from './fan-out.ts';
import { encodeError } from './outcome.ts';
import type { Directory } from './ports/transport.ts';

/** What goes to one node. */
export interface HostPart {
  readonly node: string;
  readonly receivers: readonly FanOutPart[];
  /** The receivers are with several nodes of its host. */
  readonly forHost: boolean;
}

/**
 * The envelopes of a fan-out: one for each node that is on its own or on this node's host, one for each other host, to the node
 * that has the most receivers there. `node`: this one.
 */
export function byHost(
  elsewhere: ReadonlyMap<string, readonly FanOutPart[]>,
  node: string,
  directory: Directory,
): HostPart[] {
  const own = directory.hostOf?.(node);
  const parts: HostPart[] = [];
  const hosts = new Map<string, { readonly node: string; readonly receivers: readonly FanOutPart[] }[]>();
  for (const [each, receivers] of elsewhere) {
    const host = directory.hostOf?.(each);
    if (host === undefined || host === own) parts.push({ node: each, receivers, forHost: false });
    else hosts.set(host, [...(hosts.get(host) ?? []), { node: each, receivers }]);
  }
  for (const nodes of hosts.values()) {
    const most = nodes.reduce((best, each) => (each.receivers.length > best.receivers.length ? each : best));
    const receivers = nodes.length === 1 ? most.receivers : nodes.flatMap((each) => each.receivers);
    parts.push({ node: most.node, receivers, forHost: nodes.length > 1 });
  }
  return parts;
}

/** Who did not simply take it, and who was marked instead. */
export interface FanOutReply {
  readonly refused: { readonly key: string; readonly outcome: NodeOutcome }[];
  readonly marked: string[];
}

export interface HostSplit {
  /** The node of this host that serves a receiver; undefined = this node, or nobody is known to. */
  readonly siblingOf: (key: string) => string | undefined;
  /** Answers a part here. */
  readonly here: (part: NodeFanOut, timeoutMs: number) => Promise<FanOutReply>;
  /** Asks a node of this host. @throws StarlingError as the port Transport says */
  readonly ask: (node: string, envelope: Uint8Array, timeoutMs: number) => Promise<Uint8Array>;
}

const NOBODY: FanOutReply = { refused: [], marked: [] };

/** The part of the time that is kept for the way back, and the most of it, milliseconds. */
const BACK_SHARE = 0.1;
const BACK_MS_MAX = 250;

/** Answers an envelope that is for several nodes of this host (H1, H2). Never rejects. */
export async function answerForHost(
  fanOut: NodeFanOut,
  timeoutMs: number,
  { siblingOf, here, ask }: HostSplit,
): Promise<FanOutReply> {
  const own: NodeReceiver[] = [];
  const others = new Map<string, NodeReceiver[]>();
  for (const receiver of fanOut.receivers) {
    const node = siblingOf(receiver.key);
    const known = node === undefined ? own : others.get(node);
    if (known !== undefined) known.push(receiver);
    else if (node !== undefined) others.set(node, [receiver]);
  }
  // One that hangs must not keep the answers of the others from coming in time.
  const partMs = Math.max(1, Math.floor(timeoutMs - Math.min(timeoutMs * BACK_SHARE, BACK_MS_MAX)));
  const part = (receivers: NodeReceiver[]): NodeFanOut => ({ ...fanOut, receivers, forHost: false });
  const replies = await Promise.all([
    own.length === 0 ? NOBODY : here(part(own), partMs),
    ...[...others].map(([node, receivers]) => passOn(node, part(receivers), partMs, ask)),
  ]);
  return {
    refused: replies.flatMap(({ refused }) => refused),
    marked: replies.flatMap(({ marked }) => marked),
  };
}

async function passOn(
  node: string,
  value: NodeFanOut,
  timeoutMs: number,
  ask: HostSplit['ask'],
): Promise<FanOutReply> {
  const request = { case: 'fanOut', value } as const;
  try {
    const envelope = toBinary(NodeRequestSchema, create(NodeRequestSchema, { request, timeoutMs }));
    const { reply } = fromBinary(NodeReplySchema, await ask(node, envelope, timeoutMs));
    if (reply.case !== 'fanOut') throw new StarlingError('INTERNAL', 'Another node answered something else.');
    const { refused, marked } = reply.value;
    return { refused: refused.map(({ key, outcome }) => ({ key, outcome: outcome ?? nothing() })), marked };
  } catch (thrown) {
    const error =
      thrown instanceof StarlingError
        ? thrown
        : new StarlingError('OUTCOME_UNKNOWN', undefined, { cause: thrown });
    const outcome = encodeError(error);
    return { refused: value.receivers.map(({ key }) => ({ key, outcome })), marked: [] };
  }
}

function nothing(): NodeOutcome {
  return encodeError(new StarlingError('INTERNAL', 'Another node answered nothing.'));
}
