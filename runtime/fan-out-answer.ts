// The answering side of fan-outs between nodes. Owns: requests of many receivers as they come out of an envelope, and their
// answers as they go into one. Does not own: the envelope (remote.ts), what is done for a receiver (fan-out.ts, notes.ts).

import { fromBinary, mergeFromBinary } from '@bufbuild/protobuf';
import type { NodeFanOut } from '../proto/gen/starling/actor/v1/envelope_pb.ts';
import { type ActorType, methodOf } from './actor-type.ts';
import { actorNamed } from './call.ts';
import { toStarlingError } from './errors.ts';
import { answerForHost, type FanOutReply } from './host-fan-out.ts';
import { encodeError, encodeOutcome } from './outcome.ts';
import type { LocalNode } from './remote-answers.ts';

/** Answers a fan-out to receivers of this node, or, for its host, to those of its siblings too. Never rejects. */
export async function answerFanOut(
  local: LocalNode,
  fanOut: NodeFanOut,
  timeoutMs: number,
): Promise<FanOutReply> {
  const type = fanOut.forHost ? knownType(local, fanOut.kind) : undefined;
  if (type === undefined) return answerHere(local, fanOut, timeoutMs);
  return answerForHost(fanOut, timeoutMs, {
    siblingOf: (key) => local.siblings.of(type, key),
    here: (part, partMs) => answerHere(local, part, partMs),
    ask: local.siblings.ask,
  });
}

/** A kind that is not known is refused by name, receiver by receiver. */
function knownType(local: LocalNode, kind: string): ActorType | undefined {
  try {
    return local.typeOf(kind);
  } catch {
    return undefined;
  }
}

function answerHere(local: LocalNode, fanOut: NodeFanOut, timeoutMs: number): Promise<FanOutReply> {
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
