// A receiving device that outlives the server. Owns: the open stream or the pulls of one device, its cursor, the merge of
// push and pull, and the record of everything it was given. Does not own: judgement (checker.ts).
//
// Invariants:
// 1. The cursor moves by one entry at a time and only forward, but for a rewind, which stands for a device that lost what
//    it had not acknowledged.
// 2. Whatever an answer or a frame holds at or below the cursor is recorded as a repeat; what a pull holds beyond the next
//    entry is recorded as it came (a hole). A push beyond the next entry is left to a pull.

import { setTimeout as sleep } from 'node:timers/promises';
import { create, toBinary } from '@bufbuild/protobuf';
import { ConversationService } from '../../../proto/gen/starling/im/v1/conversation_pb.ts';
import { type Cursor, CursorSchema } from '../../../proto/gen/starling/im/v1/cursor_pb.ts';
import {
  OpenRequestSchema,
  type OpenResponse,
  SessionService,
} from '../../../proto/gen/starling/im/v1/session_pb.ts';
import {
  type Delivery,
  type FullSync_Reason,
  FullSync_ReasonSchema,
  SyncService,
} from '../../../proto/gen/starling/im/v1/sync_pb.ts';
import { type Caller, pathOf } from '../api.ts';
import { timelineEntry } from '../digest.ts';
import { CallFailure } from '../failure.ts';
import type { DeviceView, TimelineEntry } from '../history.ts';
import type { Roamer } from '../roamer.ts';
import type { Seeded } from '../seeded.ts';
import { RequestHead } from '../wire.ts';
import { stayOnStream } from './stay.ts';

/** `stream`: an open stream, left and opened again at times. `pull`: asks at times. `poll`: long polls. */
export type DeviceMode = 'stream' | 'pull' | 'poll';

export interface DeviceOptions {
  /** Calls by way of `roamer`. */
  readonly caller: Caller;
  readonly roamer: Roamer;
  readonly userId: string;
  readonly deviceId: string;
  readonly mode: DeviceMode;
  readonly random: Seeded;
}

/** Entries the device may forget when it comes back, as if it had died before it kept them. */
const REWIND_MAX = 20;
/** Deliveries after which it acknowledges: half of the server's window. */
const ACK_EACH = 16;

export class Device {
  readonly userId: string;
  readonly deviceId: string;
  readonly #caller: Caller;
  readonly #roamer: Roamer;
  readonly #mode: DeviceMode;
  readonly #random: Seeded;
  readonly #received: TimelineEntry[] = [];
  readonly #fullSyncs: string[] = [];
  readonly #messageIds = new Set<string>();
  readonly #stop = new AbortController();
  #cursor: Cursor = create(CursorSchema);
  #afterUserSeq = 0;
  #recent: Cursor[] = [];
  #ackedSeq = 0n;
  #pulling = false;
  #settled = false;
  #task: Promise<void> = Promise.resolve();

  constructor(options: DeviceOptions) {
    this.userId = options.userId;
    this.deviceId = options.deviceId;
    this.#caller = options.caller;
    this.#roamer = options.roamer;
    this.#mode = options.mode;
    this.#random = options.random;
  }

  /** Position of the cursor. */
  get userSeq(): number {
    return Number(this.#cursor.userSeq);
  }

  /** Incarnation of the timeline that the cursor belongs to. */
  get incarnation(): bigint {
    return this.#cursor.timelineIncarnation;
  }

  /** Takes the timeline's position as its own, as a new device does with an empty local store. */
  async begin(): Promise<void> {
    const page = await this.#caller.until(ConversationService.method.listConversations, { pageSize: 1 });
    if (page.cursor === undefined) throw new Error('the first page of conversations has no cursor');
    this.#cursor = page.cursor;
    this.#afterUserSeq = this.userSeq;
    this.#task = this.#mode === 'stream' ? this.#streams() : this.#pulls();
  }

  /** From now on it stays connected and loses nothing, so that it can catch up. */
  settle(): void {
    this.#settled = true;
  }

  /** Whether it was given this message. */
  has(messageId: string): boolean {
    return this.#messageIds.has(messageId);
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#task;
  }

  /** What it was given. */
  view(): DeviceView {
    return {
      userId: this.userId,
      deviceId: this.deviceId,
      afterUserSeq: this.#afterUserSeq,
      received: this.#received,
      fullSyncs: this.#fullSyncs,
    };
  }

  get #stopped(): boolean {
    return this.#stop.signal.aborted;
  }

  async #pause(maxMs: number): Promise<void> {
    const ms = 5 + this.#random.below(maxMs);
    await sleep(ms, undefined, { signal: this.#stop.signal }).catch(() => undefined);
  }

  async #streams(): Promise<void> {
    const head = new RequestHead(
      this.#caller.endpoint,
      pathOf(SessionService.method.open),
      this.#caller.token,
    );
    while (!this.#stopped) {
      this.#maybeRewind();
      // Half of the time it asks where to go, as a client does; else it comes as through a load balancer.
      if (this.#random.below(2) === 0) await this.#roamer.navigate(this.#caller);
      const request = create(OpenRequestSchema, { deviceId: this.deviceId, cursor: this.#cursor });
      await this.#oneStream(head.request(toBinary(OpenRequestSchema, request)));
      // Now and then the person is away for a while.
      const away = !this.#settled && this.#random.below(4) === 0;
      await this.#pause(away ? 2_500 : 120);
    }
  }

  // Ends with the stream, with a rotation, or after a random while.
  async #oneStream(request: Buffer): Promise<void> {
    const { endpoint } = this.#roamer;
    const end = await stayOnStream({
      endpoint,
      request,
      frame: (frame) => this.#frame(frame),
      stayMs: 500 + this.#random.below(6_000),
      mayLeave: () => !this.#settled,
      beat: () => void this.#ack(),
      signal: this.#stop.signal,
    });
    if (end === 'lost') this.#roamer.leave(endpoint);
  }

  #frame({ frame }: OpenResponse): 'stay' | 'leave' {
    switch (frame.case) {
      case 'welcome':
        return this.#headIs(frame.value.headUserSeq);
      case 'notify':
        return this.#headIs(frame.value.headUserSeq);
      case 'heartbeat':
        return this.#headIs(frame.value.headUserSeq);
      case 'deliveries':
        for (const delivery of frame.value.deliveries) {
          if (delivery.userSeq > this.#cursor.userSeq + 1n) return this.#headIs(delivery.userSeq);
          this.#take(delivery);
        }
        if (this.#cursor.userSeq - this.#ackedSeq >= ACK_EACH) void this.#ack();
        return 'stay';
      case 'fullSync':
        this.#fullSyncs.push(reasonName(frame.value.reason));
        return 'leave';
      case 'rotate':
        this.#roamer.goTo(frame.value.address);
        return 'leave';
      case 'kicked':
        return 'leave';
      default:
        return 'stay';
    }
  }

  #headIs(head: bigint): 'stay' {
    if (head > this.#cursor.userSeq) void this.#catchUp(head);
    return 'stay';
  }

  async #catchUp(head: bigint): Promise<void> {
    if (this.#pulling) return;
    this.#pulling = true;
    try {
      while (!this.#stopped && this.#cursor.userSeq < head) if (!(await this.#pullOnce(0))) return;
    } finally {
      this.#pulling = false;
    }
  }

  async #pulls(): Promise<void> {
    while (!this.#stopped) {
      this.#maybeRewind();
      const more = await this.#pullOnce(this.#mode === 'poll' ? 3_000 : 0);
      if (this.#mode === 'pull' || !more) await this.#pause(this.#settled ? 100 : 1_500);
      await this.#ack();
    }
  }

  // Returns whether something came.
  async #pullOnce(waitMs: number): Promise<boolean> {
    const cursor = this.#cursor;
    try {
      const answer = await this.#caller.call(SyncService.method.pull, {
        cursor,
        waitMs,
        pageSize: 1 + this.#random.below(300),
        deviceId: this.#mode === 'poll' ? this.deviceId : '',
      });
      if (answer.fullSync !== undefined) {
        this.#fullSyncs.push(reasonName(answer.fullSync.reason));
        await this.#pause(1_000);
        return false;
      }
      // A pull answers from the cursor it was given, however far pushes have got meanwhile.
      for (const delivery of answer.deliveries) this.#take(delivery);
      return answer.deliveries.length > 0;
    } catch (error) {
      if (!(error instanceof CallFailure)) throw error;
      if (!error.repeatable) this.#fullSyncs.push(error.message);
      await this.#pause(100);
      return false;
    }
  }

  #take(delivery: Delivery): void {
    const entry = timelineEntry(delivery);
    this.#received.push(entry);
    if (entry.messageId !== '') this.#messageIds.add(entry.messageId);
    if (delivery.userSeq <= this.#cursor.userSeq) return;
    this.#cursor = create(CursorSchema, {
      timelineIncarnation: this.#cursor.timelineIncarnation,
      userSeq: delivery.userSeq,
      check: delivery.check,
    });
    this.#recent.push(this.#cursor);
    if (this.#recent.length > REWIND_MAX) this.#recent.shift();
  }

  // Only what was not acknowledged may be forgotten.
  #maybeRewind(): void {
    if (this.#settled || this.#pulling || this.#random.below(5) !== 0) return;
    const kept = this.#recent.filter((cursor) => cursor.userSeq >= this.#ackedSeq);
    if (kept.length === 0) return;
    this.#cursor = this.#random.pick(kept);
    this.#recent = [];
  }

  async #ack(): Promise<void> {
    const cursor = this.#cursor;
    if (cursor.userSeq <= this.#ackedSeq || this.#mode === 'pull') return;
    this.#ackedSeq = cursor.userSeq;
    try {
      await this.#caller.call(SessionService.method.ack, { deviceId: this.deviceId, cursor });
    } catch (error) {
      // Acknowledgements are cumulative, so the next one makes up for a lost one.
      if (!(error instanceof CallFailure)) throw error;
      if (!error.repeatable && error.reason !== 'DEVICE_NOT_FOUND') this.#fullSyncs.push(error.message);
    }
  }
}

function reasonName(reason: FullSync_Reason): string {
  return FullSync_ReasonSchema.value[reason]?.name ?? `reason ${reason}`;
}
