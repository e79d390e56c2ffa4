// How an operator's commands and their answers are written (proto starling/actor/v1/link.proto).

import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { BoardMemberState } from '../../proto/gen/starling/actor/v1/board_pb.ts';
import {
  ControlOutcome,
  type ControlReply,
  ControlReplySchema,
  type ControlRequest,
  ControlRequestSchema,
  type ControlStatus,
  ControlStatusSchema,
} from '../../proto/gen/starling/actor/v1/link_pb.ts';
import {
  bitsOf,
  type ControlAnswer,
  type ControlCommand,
  type NodeStatus,
  shardsOf,
} from '../membership/index.ts';

/** A command and who is meant. */
export interface AskedCommand {
  readonly incarnation: string;
  readonly command: ControlCommand;
}

export function encodeCommand({ incarnation, command }: AskedCommand): Uint8Array {
  const request =
    command.kind === 'dismiss'
      ? create(ControlRequestSchema, {
          incarnation,
          command: { case: 'dismiss', value: { incarnation: command.incarnation } },
        })
      : create(ControlRequestSchema, { incarnation, command: { case: command.kind, value: {} } });
  return toBinary(ControlRequestSchema, request);
}

/** Undefined for what no node has sent, and for commands of a later release. */
export function decodeCommand(bytes: Uint8Array): AskedCommand | undefined {
  let request: ControlRequest;
  try {
    request = fromBinary(ControlRequestSchema, bytes);
  } catch {
    return undefined;
  }
  const { incarnation, command } = request;
  if (command.case === undefined) return undefined;
  if (command.case !== 'dismiss') return { incarnation, command: { kind: command.case } };
  return { incarnation, command: { kind: 'dismiss', incarnation: command.value.incarnation } };
}

export function encodeOutcome(answer: ControlAnswer): Uint8Array {
  const message = create(ControlReplySchema, { outcome: OUTCOMES[answer.kind] });
  if (answer.kind === 'refused') message.refusal = answer.reason;
  if (answer.kind === 'done') message.status = encodeStatus(answer.status);
  return toBinary(ControlReplySchema, message);
}

/** Undefined for what can't be understood. */
export function decodeOutcome(bytes: Uint8Array): ControlAnswer | undefined {
  let reply: ControlReply;
  try {
    reply = fromBinary(ControlReplySchema, bytes);
  } catch {
    return undefined;
  }
  switch (reply.outcome) {
    case ControlOutcome.DONE: {
      const status = reply.status === undefined ? undefined : decodeStatus(reply.status);
      return status === undefined ? undefined : { kind: 'done', status };
    }
    case ControlOutcome.REFUSED:
      return { kind: 'refused', reason: reply.refusal };
    case ControlOutcome.REPLACED:
      return { kind: 'replaced' };
    default:
      return undefined;
  }
}

const OUTCOMES: Readonly<Record<ControlAnswer['kind'], ControlOutcome>> = {
  done: ControlOutcome.DONE,
  refused: ControlOutcome.REFUSED,
  replaced: ControlOutcome.REPLACED,
};

const STATES: Readonly<Record<NodeStatus['state'], BoardMemberState>> = {
  ready: BoardMemberState.READY,
  draining: BoardMemberState.DRAINING,
  leaving: BoardMemberState.LEAVING,
};

function encodeStatus(status: NodeStatus): ControlStatus {
  const { state, placementOf, serving, refused, dependencies, uptimeMs, ...same } = status;
  return create(ControlStatusSchema, {
    ...same,
    state: STATES[state],
    placementOf: BigInt(placementOf),
    serving: bitsOf(serving, 1 + [...serving].reduce((last, shard) => Math.max(last, shard), -1)),
    refused: [...refused],
    dependencies: dependencies.map((each) => ({ ...each })),
    uptimeMs: BigInt(uptimeMs),
  });
}

function decodeStatus(found: ControlStatus): NodeStatus | undefined {
  const state = (['ready', 'draining', 'leaving'] as const).find((each) => STATES[each] === found.state);
  if (state === undefined) return undefined;
  const { store, lease, planner, alarm, draining, claiming, waiting, refused } = found;
  return {
    ...{ state, store, lease, planner, alarm, draining, claiming, waiting, refused },
    placementOf: Number(found.placementOf),
    serving: shardsOf(found.serving),
    dependencies: found.dependencies.map(({ name, ok, detail }) => ({ name, ok, detail })),
    uptimeMs: Number(found.uptimeMs),
  };
}
