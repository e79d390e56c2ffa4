// The whole cluster of one run: nodes, network, board and storage over one clock. Owns: which processes there are, and the
// faults that are done to them. Does not own: when faults happen (faults.ts), what clients do (load/).

import { fromBinary } from '@bufbuild/protobuf';
import {
  type NodeCall,
  NodeReplySchema,
  NodeRequestSchema,
} from '../../../proto/gen/starling/actor/v1/envelope_pb.ts';
import { DeliverRequestSchema, UserSendRequestSchema } from '../../../proto/gen/starling/actor/v1/user_pb.ts';
import { SimClock, SimRandom } from '../../../runtime/testing/index.ts';
import { Recorder } from '../check/recorder.ts';
import { ReminderWatch } from '../check/reminders.ts';
import { Sends } from '../load/sends.ts';
import type { Swarm } from '../swarm.ts';
import { SimBoard } from './board.ts';
import { Fleet } from './fleet.ts';
import { Ground } from './ground.ts';
import { Keeper } from './keeper.ts';
import { SimNet } from './net.ts';
import { TableWatch } from './observed-table.ts';
import type { SimProcess } from './process.ts';
import type { SimNode } from './sim-node.ts';
import { NO_HOLDS, type Site } from './site.ts';
import { Trace } from './trace.ts';

export class World implements Site {
  readonly swarm: Swarm;
  readonly clock = new SimClock();
  readonly random: SimRandom;
  readonly trace: Trace;
  readonly recorder: Recorder;
  readonly reminders: ReminderWatch;
  readonly sends: Sends;
  readonly net: SimNet;
  readonly board: SimBoard;
  readonly ground: Ground;
  readonly fleet: Fleet;
  /** Those that belong to the cluster, down or not. */
  readonly nodes: SimNode[];
  readonly table: TableWatch;
  readonly keeper: Keeper;
  readonly dead: string[] = [];
  /** Ends of the links of clients. */
  readonly clientPlaces: string[] = [];
  holds = NO_HOLDS;

  constructor(swarm: Swarm) {
    this.swarm = swarm;
    this.random = new SimRandom(swarm.seed);
    this.trace = new Trace(this.clock);
    this.recorder = new Recorder(this.clock, this.trace);
    this.reminders = new ReminderWatch(this.clock, this.trace, this.recorder);
    this.sends = new Sends(this.recorder, this.trace, () => this.clock.monotonic());
    const { clock, trace } = this;
    const watch = {
      answered: (process: SimProcess, envelope: Uint8Array, answer: Uint8Array) =>
        this.#answered(process, envelope, answer),
    };
    this.net = new SimNet({ clock, random: this.random.fork(), trace, watch });
    this.board = new SimBoard(clock, this.random.fork(), trace);
    this.ground = new Ground(clock, this.random.fork());
    this.table = new TableWatch(this.recorder, trace);
    this.fleet = new Fleet(this);
    this.nodes = Array.from({ length: swarm.nodes }, () => this.fleet.make());
    this.keeper = new Keeper(this);
  }

  get shards(): number {
    return this.swarm.shards;
  }

  get running(): SimNode[] {
    return this.nodes.filter((node) => node.up);
  }

  /** A node hears of its answer to a send: the refusal may be lost on its way back. */
  #noteRefusal({ kind, key, method, request }: NodeCall, answer: Uint8Array): void {
    if (kind !== 'user' || method !== 'send') return;
    const { reply } = fromBinary(NodeReplySchema, answer);
    if (reply.case !== 'call' || reply.value.outcome.case !== 'error') return;
    const { clientMessageId } = fromBinary(UserSendRequestSchema, request);
    this.sends.refusedBy(reply.value.outcome.value.code, key.slice('main/'.length), clientMessageId);
  }

  #noteRelayed(answer: Uint8Array): void {
    const { reply } = fromBinary(NodeReplySchema, answer);
    if (reply.case === 'streamOpen' && reply.value.error === undefined) this.trace.count('stream relayed');
  }

  /** I17: what a node acknowledges for its users. */
  #answered(process: SimProcess, envelope: Uint8Array, answer: Uint8Array): void {
    const { request } = fromBinary(NodeRequestSchema, envelope);
    if (request.case === 'call') this.#noteRefusal(request.value, answer);
    if (request.case === 'streamOpen') this.#noteRelayed(answer);
    if (request.case !== 'fanOut' || request.value.kind !== 'user') return;
    const { reply } = fromBinary(NodeReplySchema, answer);
    if (reply.case !== 'fanOut') return;
    const refused = new Set(reply.value.refused.map(({ key }) => key));
    const marked = new Set(reply.value.marked);
    const { conversationId, entries } = fromBinary(DeliverRequestSchema, request.value.shared);
    for (const { key, own } of request.value.receivers) {
      if (refused.has(key)) {
        this.trace.count('delivery refused');
        continue;
      }
      if (marked.has(key)) {
        this.recorder.receipts.marked(process, key, conversationId);
        continue;
      }
      const { joinSeq, untilSeq } = fromBinary(DeliverRequestSchema, own);
      const due = entries
        .map(({ conversationSeq }) => conversationSeq)
        .filter((seq) => seq >= joinSeq && (untilSeq === 0n || seq <= untilSeq));
      this.recorder.receipts.acknowledged(process, key, conversationId, Number(joinSeq), due.map(Number));
    }
  }
}
