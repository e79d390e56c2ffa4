// What the end of a run shows: everything is read from the store itself, past the actors, and compared with what anybody
// was ever told.

import { fromBinary } from '@bufbuild/protobuf';
import { directPlacement } from '../../../actors/ids.ts';
import { SentIndexEntrySchema } from '../../../proto/gen/starling/actor/v1/group_pb.ts';
import type { Message } from '../../../proto/gen/starling/im/v1/message_pb.ts';
import { SendState } from '../../../proto/gen/starling/im/v1/send_pb.ts';
import { type Head, type Row, shardOf } from '../../../runtime/index.ts';
import { decodeRow } from '../../../runtime/stored.ts';
import type { Workload } from '../load/workload.ts';
import type { World } from '../world/world.ts';
import { checkFold } from './folds.ts';
import { factsOfUserRow, messageOfRow, sayingOfMessage, sayingOfRow, type UserRowFacts } from './rows.ts';

const PAGE = 1_000;
const SENT_TABLE = 'sent';

interface ActorLog {
  /** The checkpoint holds everything up to here. */
  readonly asOf: number;
  readonly head: Head | undefined;
  readonly floor: number;
  readonly rows: readonly Row[];
}

/** The valid contiguous rows of an actor. */
async function logOf(world: World, kind: string, key: string): Promise<ActorLog> {
  const shard = shardOf(kind === 'group' ? directPlacement(key) : key, world.swarm.shards);
  const actor = { kind, key, shard };
  const head = await world.ground.auditor.readHead(actor);
  const rows = await world.ground.auditor.readRows(actor, { from: 1, rowsMax: PAGE }, head);
  const floor = head?.floor ?? 1;
  const contiguous = rows.filter(({ seq }, i) => seq === floor + i);
  return { head, floor, rows: contiguous, asOf: head?.asOf ?? 0 };
}

/** A membership of a user in a conversation. */
interface Membership {
  readonly user: string;
  readonly joinSeq: number;
  leftSeq: number;
}

export class FinalCheck {
  readonly #world: World;
  readonly #workload: Workload;
  readonly #logs = new Map<string, readonly Message[]>();

  /** Users who are absent may have a note in place of rows. */
  readonly #notesCount: boolean;

  constructor(world: World, workload: Workload, options: { readonly notesCount: boolean }) {
    this.#world = world;
    this.#notesCount = options.notesCount;
    this.#workload = workload;
  }

  async run(): Promise<void> {
    const { auditor } = this.#world.ground;
    for (const key of await auditor.listActors('group', { actorsMax: PAGE })) await this.#group(key);
    for (const key of await auditor.listActors('user', { actorsMax: PAGE })) await this.#user(key);
    const ledgers = new Map<string, readonly string[]>();
    for (const key of await auditor.listActors('ledger', { actorsMax: PAGE })) {
      const { rows } = await logOf(this.#world, 'ledger', key);
      this.#prefix('ledger', key, rows);
      const words = rows.map(({ value }) => Buffer.from(decodeRow(value).record).toString());
      ledgers.set(key, words);
      this.#world.reminders.check(key, words);
    }
    this.#workload.ledgers.check(ledgers);
    this.#acked();
  }

  /** I3: what was established is in the prefix, unchanged. */
  #prefix(kind: string, key: string, rows: readonly Row[], floor = 1): void {
    const { recorder } = this.#world;
    const bySeq = new Map(rows.map((row) => [row.seq, row]));
    for (const [seq, saying] of recorder.established(`${kind}/${key}`)) {
      if (seq < floor) continue;
      const row = bySeq.get(seq);
      const now = row === undefined ? 'nothing' : `"${sayingOfRow(kind, row.value)}"`;
      if (now !== `"${saying}"`)
        recorder.fail('I3', `${kind}/${key} ${seq} was "${saying}", at the end it is ${now}`);
    }
  }

  async #group(key: string): Promise<void> {
    const { head, rows, floor, asOf } = await logOf(this.#world, 'group', key);
    if (floor === 1) checkFold(this.#world, 'group', key, head, rows);
    const { recorder } = this.#world;
    this.#prefix('group', key, rows, floor);
    const messages = rows.map(({ value }) => messageOfRow(value));
    this.#logs.set(key.slice('main/'.length), messages);
    await this.#index(key, messages.slice(0, asOf));
    const seen = new Map<string, number>();
    const lastOf = new Map<string, number>();
    let timeMs = 0n;
    messages.forEach((message, i) => {
      const seq = Number(message.conversationSeq);
      if (seq !== i + 1) recorder.fail('I2', `group/${key} has ${seq} at row ${i + 1}`);
      if (message.createTimeMs < timeMs) recorder.fail('I2', `group/${key} ${seq}: time runs back`);
      timeMs = message.createTimeMs;
      if (message.senderId === '') return;
      const name = `${message.senderId} ${message.clientMessageId}`;
      const before = seen.get(name);
      if (before !== undefined) recorder.fail('I6', `group/${key} has ${name} at ${before} and at ${seq}`);
      seen.set(name, seq);
      const text = message.content?.body.case === 'text' ? message.content.body.value.text : '';
      const [place = '', n] = text.split('#');
      const last = lastOf.get(place) ?? 0;
      if (Number(n) < last && !this.#world.sends.refused.has(name))
        recorder.fail('I9', `group/${key} ${seq}: ${text} comes after ${place}#${last}`);
      lastOf.set(place, Math.max(last, Number(n)));
    });
  }

  /** I8: the index of what was sent has every row that a checkpoint covers. */
  async #index(key: string, messages: readonly Message[]): Promise<void> {
    const { ground, recorder, swarm } = this.#world;
    const actor = { kind: 'group', key, shard: shardOf(directPlacement(key), swarm.shards) };
    const cells = await ground.auditor.readCells(actor, SENT_TABLE, { cellsMax: PAGE });
    const known = new Map(cells.map((cell) => [cell.key, fromBinary(SentIndexEntrySchema, cell.value)]));
    for (const { senderId, clientMessageId, conversationSeq } of messages) {
      if (clientMessageId === '') continue;
      const entry = known.get(`${senderId}/${clientMessageId}`);
      if (entry?.conversationSeq !== conversationSeq)
        recorder.fail(
          'I8',
          `group/${key} ${conversationSeq}: the index says ${entry?.conversationSeq ?? 'nothing'}`,
        );
    }
  }

  async #user(key: string): Promise<void> {
    const { head, rows, floor } = await logOf(this.#world, 'user', key);
    if (floor === 1) checkFold(this.#world, 'user', key, head, rows);
    this.#prefix('user', key, rows, floor);
    const { recorder, ground, swarm } = this.#world;
    const address = { kind: 'user', key, shard: shardOf(key, swarm.shards) };
    const notes = await ground.auditor.readNotes(address, { notesMax: PAGE });
    const noted = this.#notesCount ? notes.map(({ note }) => note) : [];
    const userId = key.slice('main/'.length);
    const facts = rows.map((row): readonly [number, UserRowFacts] => [row.seq, factsOfUserRow(row.value)]);
    let timeMs = 0;
    const taken = new Map<string, number[]>();
    for (const [userSeq, fact] of facts) {
      if (fact.timeMs < timeMs) recorder.fail('I7', `user/${key} ${userSeq}: time runs back`);
      timeMs = fact.timeMs;
      if (fact.conversationId === '') continue;
      const name = `${fact.conversationId} ${fact.joinSeq}`;
      const list = taken.get(name);
      if (list === undefined) taken.set(name, [fact.conversationSeq]);
      else list.push(fact.conversationSeq);
    }
    for (const [conversationId, log] of this.#logs) {
      for (const membership of membershipsOf(log)) {
        if (membership.user === userId)
          this.#membership(
            key,
            conversationId,
            membership,
            log,
            taken,
            floor,
            noted.includes(conversationId),
          );
      }
    }
  }

  /** I7 and I10: each entry of a membership once, in order, and none missing. */
  #membership(
    key: string,
    conversationId: string,
    { joinSeq, leftSeq }: Membership,
    log: readonly Message[],
    taken: ReadonlyMap<string, readonly number[]>,
    floor: number,
    noted: boolean,
  ): void {
    const { recorder } = this.#world;
    const got = taken.get(`${conversationId} ${joinSeq}`) ?? [];
    const last = leftSeq === 0 ? log.length : leftSeq;
    const due = Array.from({ length: last - joinSeq + 1 }, (_, i) => joinSeq + i);
    // What was trimmed from the ring is no longer there to be looked at.
    const first = floor > 1 ? (got[0] ?? last + 1) : joinSeq;
    const expected = due.filter((seq) => seq >= first);
    if (got.join() === expected.join()) return;
    if (noted && got.join() === expected.slice(0, got.length).join()) return;
    const missing = expected.filter((seq) => !got.includes(seq));
    const invariant =
      missing.length > 0 && got.join() === expected.filter((seq) => got.includes(seq)).join() ? 'I10' : 'I7';
    recorder.fail(
      invariant,
      `user/${key} has of ${conversationId} since ${joinSeq}: ${got.join()}; due are ${expected[0]} … ${expected.at(-1)}, missing ${missing.join()}`,
    );
  }

  /** I1 and I6: every acked send stands where its sender was told. */
  #acked(): void {
    const { recorder, sends } = this.#world;
    for (const [name, { answer, text }] of sends.acked) {
      const log = this.#logs.get(answer.conversationId) ?? [];
      const found = log.find(({ messageId }) => messageId === answer.messageId);
      if (
        found === undefined &&
        answer.state === SendState.ACCEPTED &&
        recorder.receipts.failedSends.has(name)
      )
        continue;
      if (found === undefined) recorder.fail('I1', `${name} was acked as ${answer.messageId} and is nowhere`);
      else if (answer.conversationSeq !== 0n && found.conversationSeq !== answer.conversationSeq)
        recorder.fail(
          'I1',
          `${name} was acked at ${answer.conversationSeq} and stands at ${found.conversationSeq}`,
        );
      else if (sayingOfMessage(found) !== `${answer.messageId} ${text}`)
        recorder.fail('I1', `${name} stands as "${sayingOfMessage(found)}"`);
    }
  }
}

/** Who was a member from which entry to which. */
function membershipsOf(log: readonly Message[]): Membership[] {
  const all: Membership[] = [];
  for (const message of log) {
    const body = message.content?.body;
    if (body?.case !== 'membersChanged') continue;
    const seq = Number(message.conversationSeq);
    for (const user of body.value.leftUserIds) {
      const open = all.find((one) => one.user === user && one.leftSeq === 0);
      if (open !== undefined) open.leftSeq = seq;
    }
    for (const user of body.value.joinedUserIds) all.push({ user, joinSeq: seq, leftSeq: 0 });
  }
  return all;
}
