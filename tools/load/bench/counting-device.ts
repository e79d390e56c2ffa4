// A receiving device that only counts. Owns: an open stream, acknowledgements as the contract asks for them, pulls when
// the server notifies instead of pushing. Does not own: what the messages say.

import { create, toBinary } from '@bufbuild/protobuf';
import { ConversationService } from '../../../proto/gen/starling/im/v1/conversation_pb.ts';
import { type Cursor, CursorSchema } from '../../../proto/gen/starling/im/v1/cursor_pb.ts';
import { OpenRequestSchema, SessionService } from '../../../proto/gen/starling/im/v1/session_pb.ts';
import { SyncService } from '../../../proto/gen/starling/im/v1/sync_pb.ts';
import { Caller, pathOf } from '../api.ts';
import { emptyTally, FRAME_DELIVERIES, type Tally, tallyOpenResponse, tallyPullResponse } from '../frames.ts';
import { type Endpoint, RequestHead, UnaryPool, WireStream } from '../wire.ts';

/** Deliveries after which it acknowledges: half of the server's window of 32. */
const ACK_EACH = 16;
/** Nothing stays unacknowledged longer, milliseconds. */
const ACK_MS = 1_000;

/** Counts that many devices share. */
export interface Totals {
  deliveries: number;
  acks: number;
  pulls: number;
}

export class CountingDevice {
  readonly caller: Caller;
  readonly tally: Tally = emptyTally();
  readonly #deviceId: string;
  readonly #totals: Totals;
  readonly #pool: UnaryPool;
  #incarnation = 0n;
  #acked = 0;
  #ackTimer: NodeJS.Timeout | undefined;
  #pulling = false;
  #stream: WireStream | undefined;
  #failure: Error | undefined;

  constructor(endpoint: Endpoint, token: string, deviceId: string, totals: Totals) {
    this.#pool = new UnaryPool(endpoint, 1);
    this.caller = new Caller(endpoint, token, this.#pool);
    this.#deviceId = deviceId;
    this.#totals = totals;
  }

  /** Reads the timeline's position. */
  async locate(): Promise<void> {
    const { cursor } = await this.caller.until(ConversationService.method.listConversations, { pageSize: 1 });
    if (cursor === undefined) throw new Error('the first page of conversations has no cursor');
    this.#incarnation = cursor.timelineIncarnation;
    this.tally.userSeq = Number(cursor.userSeq);
    this.tally.checkLow = Number(cursor.check & 0xffff_ffffn);
    this.tally.checkHigh = Number(cursor.check >> 32n);
    this.#acked = this.tally.userSeq;
  }

  /** Opens the stream; resolves with its first frame. */
  open(): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const { endpoint, token } = this.caller;
    const request = create(OpenRequestSchema, {
      deviceId: this.#deviceId,
      ...(this.#incarnation === 0n ? {} : { cursor: this.#cursor() }),
    });
    const head = new RequestHead(endpoint, pathOf(SessionService.method.open), token);
    this.#stream = new WireStream(endpoint, head.request(toBinary(OpenRequestSchema, request)), {
      message: (bytes) => {
        resolve();
        this.#frame(bytes);
      },
      end: (failure) => {
        this.#failure = failure ?? new Error('the stream ended');
        reject(this.#failure);
      },
    });
    return promise;
  }

  /** What ended the stream; undefined = it stands. */
  get failure(): Error | undefined {
    return this.#failure;
  }

  close(): void {
    clearTimeout(this.#ackTimer);
    this.#stream?.close();
    this.#pool.close();
  }

  #frame(bytes: Buffer): void {
    const before = this.tally.deliveries;
    const kind = tallyOpenResponse(bytes, this.tally);
    this.#totals.deliveries += this.tally.deliveries - before;
    if (kind === FRAME_DELIVERIES) this.#maybeAck();
    else if (this.tally.head > this.tally.userSeq) void this.#pull();
  }

  #maybeAck(): void {
    if (this.tally.userSeq - this.#acked >= ACK_EACH) this.#ack();
    else this.#ackTimer ??= setTimeout(() => this.#ack(), ACK_MS);
  }

  #ack(): void {
    clearTimeout(this.#ackTimer);
    this.#ackTimer = undefined;
    if (this.tally.userSeq <= this.#acked) return;
    this.#acked = this.tally.userSeq;
    this.#totals.acks += 1;
    const { method } = SessionService;
    this.caller
      .raw(this.caller.encode(method.ack, { deviceId: this.#deviceId, cursor: this.#cursor() }))
      .catch((failure: Error) => {
        this.#failure ??= failure;
      });
  }

  #cursor(): Cursor {
    return create(CursorSchema, {
      timelineIncarnation: this.#incarnation,
      userSeq: BigInt(this.tally.userSeq),
      check: (BigInt(this.tally.checkHigh) << 32n) | BigInt(this.tally.checkLow),
    });
  }

  // The window was full, or a push was lost: asks until it has what the server named.
  async #pull(): Promise<void> {
    if (this.#pulling) return;
    this.#pulling = true;
    try {
      while (this.tally.head > this.tally.userSeq) {
        this.#totals.pulls += 1;
        const before = this.tally.deliveries;
        const request = this.caller.encode(SyncService.method.pull, {
          cursor: this.#cursor(),
          pageSize: 500,
        });
        if (tallyPullResponse(await this.caller.raw(request), this.tally))
          throw new Error('a full sync was ordered');
        this.#totals.deliveries += this.tally.deliveries - before;
        this.#maybeAck();
      }
    } catch (error) {
      this.#failure ??= error instanceof Error ? error : new Error(String(error));
    } finally {
      this.#pulling = false;
    }
  }
}
