// I8 for users and groups: what a checkpoint and the rows after it make of an actor is what all of its rows make of it. Both
// folds are the product's own (its definition, its codec), side by side at the end of a run, of every actor whose rows are
// all there; of one that was trimmed nothing is left to compare with. Compared is the whole state but what is no function
// of the log: of a user who it is and its devices; of a group how far its deliveries have come, and who is absent.

import { create, equals, fromBinary, type Message, toBinary, toJsonString } from '@bufbuild/protobuf';
import type { GenMessage } from '@bufbuild/protobuf/codegenv2';
import { imActors } from '../../../actors/index.ts';
import {
  type GroupState,
  GroupStateSchema,
  type MembershipState,
  MembershipStateSchema,
} from '../../../proto/gen/starling/actor/v1/group_pb.ts';
import { type UserState, UserStateSchema } from '../../../proto/gen/starling/actor/v1/user_pb.ts';
import type { ActorDefinition, Head, Row } from '../../../runtime/index.ts';
import { decodeRow, decodeState } from '../../../runtime/stored.ts';
import type { World } from '../world/world.ts';

/** How the state of a kind is read, and which part of it the log says nothing about. */
interface Kind<S extends Message> {
  readonly schema: GenMessage<S>;
  readonly parse: (bytes: Uint8Array) => S;
  /** The part of a checkpoint that no record says. */
  readonly apart: (state: S) => S;
  /** The part of a state that records say, in an order of its own. */
  readonly folded: (state: S) => S;
}

const USER: Kind<UserState> = {
  schema: UserStateSchema,
  parse: (bytes) => fromBinary(UserStateSchema, bytes),
  apart: ({ incarnation, known, devices }) => create(UserStateSchema, { incarnation, known, devices }),
  folded: ({ summaries, lastTimeMs, outbox, failedSends }) => {
    const byId = summaries.toSorted((a, b) => (a.conversationId < b.conversationId ? -1 : 1));
    return create(UserStateSchema, { summaries: byId, lastTimeMs, outbox, failedSends });
  },
};

const GROUP: Kind<GroupState> = {
  schema: GroupStateSchema,
  parse: (bytes) => fromBinary(GroupStateSchema, bytes),
  apart: () => create(GroupStateSchema),
  folded: ({ info, members, former, contentCount, lastTimeMs, lastSeq }) => {
    const byId = (list: readonly MembershipState[]): MembershipState[] =>
      list
        .map((one) => create(MembershipStateSchema, { ...one, marked: false }))
        .sort((a, b) => (a.userId < b.userId ? -1 : 1));
    const lists = { members: byId(members), former: byId(former) };
    const infos = info === undefined ? {} : { info };
    return create(GroupStateSchema, { ...lists, ...infos, contentCount, lastTimeMs, lastSeq });
  },
};

/** `rows`: from the first one on, without a gap. */
export function checkFold(
  world: World,
  kind: 'user' | 'group',
  key: string,
  head: Head | undefined,
  rows: readonly Row[],
): void {
  if (head === undefined || head.asOf === 0) return;
  if (kind === 'user') compare(world, kind, key, USER, head, rows);
  else compare(world, kind, key, GROUP, head, rows);
}

function compare<S extends Message>(
  world: World,
  kind: string,
  key: string,
  { schema, parse, apart, folded }: Kind<S>,
  head: Head,
  rows: readonly Row[],
): void {
  const { recorder, trace, swarm } = world;
  const definition = imActors(swarm.imLimits).find(({ type }) => type.kind === kind);
  if (definition === undefined) throw new Error(`There is no kind ${kind}.`);
  const { state } = decodeState(head.state);
  const fold = (from: Uint8Array, some: readonly Row[]): S =>
    folded(parse(stateOf(definition, key, from, some)));
  const opened = fold(
    state,
    rows.filter(({ seq }) => seq > head.asOf),
  );
  const whole = fold(toBinary(schema, apart(parse(state))), rows);
  trace.count('fold compared');
  if (equals(schema, opened, whole)) return;
  recorder.fail(
    'I8',
    `${kind}/${key}: the checkpoint at ${head.asOf} and its rows make\n${toJsonString(schema, opened)}\nall rows make\n${toJsonString(schema, whole)}`,
  );
}

function stateOf(
  definition: ActorDefinition,
  key: string,
  from: Uint8Array,
  rows: readonly Row[],
): Uint8Array {
  const { create: make, codec, type } = definition;
  const { durable } = make({ kind: type.kind, key, shard: 0, epoch: 0, node: 'checker' });
  if (durable === undefined || codec === undefined) throw new Error(`${type.kind} keeps nothing.`);
  if (from.length > 0) durable.restore(from);
  const effects = { put: () => undefined, remove: () => undefined };
  for (const { seq, value } of rows) durable.apply(seq, codec.decode(decodeRow(value).record), effects);
  return durable.snapshot();
}
