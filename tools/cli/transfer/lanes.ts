// Sends the messages of a file: many conversations at once, each in order. Owns: batches, concurrency, bounded buffers.
// Does not own: reading (import.ts), repeats of a failed call (retry.ts). Invariants:
// L1  At most one batch of a conversation is on its way, and batches of a conversation go in the order of the file.
// L2  At most `concurrency` batches are on their way, at most MESSAGES_HELD_MAX messages and BYTES_HELD_MAX bytes held.
// L3  A message goes only after the one that it answers has its place.

import type { ImportApi, OutgoingRecord, Place, SentRecord } from './api.ts';
import { type Plan, type Problem, placeKey, replyKey } from './plan.ts';
import type { MessageRecord } from './record.ts';
import { isRefusal } from './retry.ts';

/** Most messages of one call. */
const BATCH_MESSAGES_MAX = 500;
/** Most bytes of one call, estimated from above: the server takes 1 MiB. */
const BATCH_BYTES_MAX = 800 * 1024;
const CUSTOM_BYTES = 64 * 1024;
const MESSAGES_HELD_MAX = 20_000;
const BYTES_HELD_MAX = 32 * 1024 * 1024;

interface Pending {
  readonly record: MessageRecord;
  readonly line: number;
  readonly bytes: number;
}

interface Lane {
  readonly key: string;
  readonly place: Place;
  readonly queue: Pending[];
  bytes: number;
  busy: boolean;
}

export interface LanesOptions {
  readonly plan: Plan;
  readonly api: Pick<ImportApi, 'sendMessages'>;
  readonly concurrency: number;
  readonly signal: AbortSignal;
  /** Called for each batch that has its answer. */
  readonly onSent: (sent: { readonly added: number; readonly repeated: number }) => void;
  /** Called for each message that the server refuses, or that cannot go. */
  readonly onProblem: (problem: Problem) => void;
}

/** Takes messages in the order of the file. */
export class Lanes {
  readonly #options: LanesOptions;
  // Lanes with messages and no batch on its way, the longest waiting first.
  readonly #waiting = new Map<string, Lane>();
  readonly #lanes = new Map<string, Lane>();
  readonly #seqs = new Map<string, bigint>();
  #inFlight = 0;
  #messagesHeld = 0;
  #bytesHeld = 0;
  #flushing = false;
  #failure: unknown;
  #wake: (() => void) | undefined;

  constructor(options: LanesOptions) {
    this.#options = options;
  }

  /** Takes one message; resolves when there is room for the next. Rejects once a batch has failed for good. */
  async add(record: MessageRecord, line: number): Promise<void> {
    const lane = this.#lane(record);
    const bytes = weigh(record);
    lane.queue.push({ record, line, bytes });
    lane.bytes += bytes;
    this.#messagesHeld++;
    this.#bytesHeld += bytes;
    if (!lane.busy) this.#waiting.set(lane.key, lane);
    if (isFull(lane)) this.#pump();
    while (this.#isCrowded() && this.#failure === undefined) {
      this.#pump();
      if (this.#isCrowded()) await this.#change();
    }
    this.#throwFailure();
  }

  /** Sends what is left; resolves when everything has its answer. */
  async finish(): Promise<void> {
    this.#flushing = true;
    this.#pump();
    while (this.#inFlight > 0) await this.#change();
    this.#throwFailure();
  }

  #lane(record: MessageRecord): Lane {
    const { aliases } = this.#options.plan;
    const key = placeKey(record, aliases);
    const found = this.#lanes.get(key);
    if (found !== undefined) return found;
    const users = record.direct_user_ids ?? aliases.get(record.conversation_id ?? '');
    const place: Place =
      users === undefined
        ? { kind: 'group', conversationId: record.conversation_id ?? '' }
        : { kind: 'direct', users };
    const lane: Lane = { key, place, queue: [], bytes: 0, busy: false };
    this.#lanes.set(key, lane);
    return lane;
  }

  #isCrowded(): boolean {
    return this.#messagesHeld >= MESSAGES_HELD_MAX || this.#bytesHeld >= BYTES_HELD_MAX;
  }

  #change(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  #throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure;
    this.#options.signal.throwIfAborted();
  }

  #pump(): void {
    const all = this.#flushing || this.#isCrowded();
    for (const lane of this.#waiting.values()) {
      if (this.#inFlight >= this.#options.concurrency) return;
      if (this.#failure !== undefined || this.#options.signal.aborted) return;
      if (all || isFull(lane)) void this.#run(lane);
    }
  }

  async #run(lane: Lane): Promise<void> {
    this.#waiting.delete(lane.key);
    lane.busy = true;
    this.#inFlight++;
    const batch = this.#cut(lane);
    try {
      await this.#send(lane, batch);
    } catch (error) {
      this.#failure ??= error;
    }
    this.#inFlight--;
    this.#messagesHeld -= batch.length;
    this.#bytesHeld -= batch.reduce((sum, pending) => sum + pending.bytes, 0);
    lane.busy = false;
    if (lane.queue.length > 0) this.#waiting.set(lane.key, lane);
    this.#pump();
    this.#wake?.();
  }

  /** The next messages of a lane, within the bounds of a call and before the first that answers one of them. */
  #cut(lane: Lane): Pending[] {
    const names = new Set<string>();
    let bytes = 0;
    let length = 0;
    for (const { record, bytes: more } of lane.queue) {
      const full = length >= BATCH_MESSAGES_MAX || (length > 0 && bytes + more > BATCH_BYTES_MAX);
      const answersOneOfThese =
        record.reply_to !== undefined && names.has(replyKey(lane.key, record.reply_to));
      if (full || answersOneOfThese) break;
      names.add(replyKey(lane.key, record));
      bytes += more;
      length++;
    }
    lane.bytes -= bytes;
    return lane.queue.splice(0, length);
  }

  async #send(lane: Lane, batch: readonly Pending[]): Promise<void> {
    const going: (Pending & OutgoingRecord)[] = [];
    for (const pending of batch) {
      const { reply_to: reply } = pending.record;
      const replyToSeq = reply === undefined ? 0n : this.#seqs.get(replyKey(lane.key, reply));
      if (replyToSeq !== undefined) going.push({ ...pending, replyToSeq });
      else
        this.#options.onProblem({
          line: pending.line,
          message: 'reply_to: the message it answers was refused',
        });
    }
    await this.#deliver(lane, going);
  }

  /** A refused batch is halved until the one line that is at fault stands alone. */
  async #deliver(lane: Lane, batch: readonly (Pending & OutgoingRecord)[]): Promise<void> {
    const [first] = batch;
    if (first === undefined) return;
    let sent: SentRecord[];
    try {
      sent = await this.#options.api.sendMessages(lane.place, batch, this.#options.signal);
    } catch (error) {
      if (!isRefusal(error)) throw error;
      if (batch.length === 1) {
        this.#options.onProblem({ line: first.line, message: error.message });
        return;
      }
      const half = batch.length >> 1;
      await this.#deliver(lane, batch.slice(0, half));
      await this.#deliver(lane, batch.slice(half));
      return;
    }
    this.#settle(lane, batch, sent);
  }

  #settle(lane: Lane, batch: readonly Pending[], sent: readonly SentRecord[]): void {
    if (sent.length !== batch.length)
      throw new Error(`The server answered ${sent.length} of ${batch.length} messages.`);
    let repeated = 0;
    for (const [index, { seq, repeated: again }] of sent.entries()) {
      if (again) repeated++;
      const record = batch[index]?.record;
      const name = record === undefined ? '' : replyKey(lane.key, record);
      if (this.#options.plan.replyTargets.has(name)) this.#seqs.set(name, seq);
    }
    this.#options.onSent({ added: batch.length - repeated, repeated });
  }
}

/** Bytes that the server may count for a message: of a custom payload it takes the largest possible. */
function weigh(record: MessageRecord): number {
  return record.text === undefined ? CUSTOM_BYTES : Buffer.byteLength(record.text) + 512;
}

function isFull(lane: Lane): boolean {
  return lane.queue.length >= BATCH_MESSAGES_MAX || lane.bytes >= BATCH_BYTES_MAX;
}
