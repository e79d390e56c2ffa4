// The sends of one user to one conversation, in order: what waits, what is under way, what stands in the outbox.
//
// Q1  One batch under way per (user, conversation) (rule 14); what comes meanwhile goes with the next.
// Q2  A send that its conversation can't take is posted again, and everything behind it waits: nothing overtakes it. One
//     that is given back to the client for a repeat takes all that queue behind it with it.
// Q3  A send that was not answered within its time becomes durable in the outbox, and so does everything in front of it
//     and behind it: the accepted ones are the beginning of the queue. It leaves the outbox with the answer of its
//     conversation only, or by its age.
// Q4  What is only looked for (a repeat of what was answered) is never accepted: it would not be written.

import type { PostResponse, PostResult } from '../../proto/gen/starling/actor/v1/group_pb.ts';
import type { OutboxState } from '../../proto/gen/starling/actor/v1/user_pb.ts';
import type { CallOutcome, ErrorCode, Turn } from '../../runtime/index.ts';
import { StarlingError, toStarlingError } from '../../runtime/index.ts';
import { groupKey } from '../ids.ts';
import { GroupActor } from '../types.ts';
import {
  acceptedOutcome,
  answerFromOutbox,
  answerOf,
  codeOf,
  entryOf,
  finalOutcome,
  isMendable,
  isPassing,
  requestOf,
  sizeOf,
} from './send-answers.ts';
import { isAlive, isOpen, lookUp, type SendQueueHost, type Waiting } from './send-waiting.ts';

export class SendQueue {
  readonly #host: SendQueueHost;
  readonly #conversationId: string;
  #waiting: Waiting[] = [];
  /** Under way. */
  #batch: Waiting[] = [];
  #underWay = false;
  /** Waits before it tries again. */
  #resting = false;
  /** The conversation has not answered within the time of a send: what comes now is accepted at once. */
  #outOfReach = false;
  #retryMs: number;

  constructor(host: SendQueueHost, conversationId: string) {
    this.#host = host;
    this.#conversationId = conversationId;
    this.#retryMs = host.limits.outboxRetryMsMin;
  }

  /** Sends that are not under way, in the outbox or not. */
  get size(): number {
    return this.#waiting.length;
  }

  /** Takes up what an earlier activation accepted. */
  resume(entries: readonly OutboxState[], turn: Turn): void {
    for (const entry of entries) {
      const request = requestOf(entry, this.#host.userId);
      this.#waiting.push({
        request,
        repeatOnly: false,
        bytes: sizeOf(request.content),
        dueMs: Number.POSITIVE_INFINITY,
        later: undefined,
        acceptedAtMs: Number(entry.acceptTimeMs),
        uncertain: true,
      });
    }
    this.pump(turn);
  }

  add(waiting: Waiting, turn: Turn): void {
    if (waiting.repeatOnly && this.#resting) {
      this.#fail(waiting, new StarlingError('OUTCOME_UNKNOWN'));
      return;
    }
    this.#waiting.push(waiting);
    if (this.#outOfReach && !waiting.repeatOnly) this.accept(turn);
    this.pump(turn);
  }

  /**
   * When the next send that has no answer is to be accepted, monotonic milliseconds. One that found no room when it was
   * due is not asked for again: its batch is under way, and what becomes of that decides.
   */
  dueMs(afterMs = Number.NEGATIVE_INFINITY): number {
    let dueMs = Number.POSITIVE_INFINITY;
    for (const list of [this.#batch, this.#waiting]) {
      for (const one of list) if (isOpen(one) && one.dueMs > afterMs) dueMs = Math.min(dueMs, one.dueMs);
    }
    return dueMs;
  }

  /** Q3. */
  accept(turn: Turn): void {
    this.#outOfReach = true;
    const inFlight = new Set(this.#batch);
    let full = false;
    for (const waiting of [...this.#batch, ...this.#waiting]) {
      if (!isOpen(waiting)) continue;
      if (this.#answerKnown(waiting)) continue;
      full ||= !this.#host.outbox.hasRoom(waiting.bytes);
      if (!full) this.#accept(waiting, turn);
      // What is under way may be answered yet; nothing behind it goes before it.
      else if (!inFlight.has(waiting)) this.#giveBack(waiting);
    }
    this.#waiting = this.#waiting.filter(isAlive);
  }

  /** The same id waits or came before: no second entry. */
  #answerKnown(waiting: Waiting): boolean {
    const known = this.#host.outbox.find(waiting.request);
    if (known === undefined) return false;
    const { later } = waiting;
    waiting.later = undefined;
    try {
      later?.resolve(answerFromOutbox(known, waiting.request));
    } catch (error) {
      later?.reject(toStarlingError(error));
    }
    return true;
  }

  #accept(waiting: Waiting, turn: Turn): void {
    const { tenant, userId, outbox } = this.#host;
    waiting.acceptedAtMs = this.#host.note(acceptedOutcome(tenant, userId, waiting.request), turn);
    const entry = outbox.find(waiting.request);
    if (entry !== undefined) waiting.later?.resolve(answerFromOutbox(entry, waiting.request));
    waiting.later = undefined;
  }

  #giveBack(waiting: Waiting): void {
    this.#fail(
      waiting,
      waiting.uncertain
        ? new StarlingError('OUTCOME_UNKNOWN')
        : new StarlingError('OVERLOADED', 'Too many sends wait for conversations out of reach.'),
    );
  }

  #fail(waiting: Waiting, error: StarlingError): void {
    if (waiting.later === undefined) return;
    this.#host.fail(waiting, error);
    waiting.later = undefined;
  }

  // ---- posting ----------------------------------------------------------------------------------------------------

  pump(turn: Turn): void {
    if (this.#underWay || this.#resting) return;
    const first = this.#waiting[0];
    if (first === undefined) {
      this.#host.emptied(this.#conversationId);
      return;
    }
    this.#underWay = true;
    if (this.#host.hasConversation(this.#conversationId)) {
      this.#post(turn);
      return;
    }
    lookUp(
      this.#host,
      first.request,
      turn,
      (later) => this.#post(later),
      (error, later) => this.#failed(error, later),
    );
  }

  #post(turn: Turn): void {
    const { tenant, userId } = this.#host;
    this.#batch = this.#takeBatch();
    const directUserId = this.#batch[0]?.request.directUserId ?? '';
    const directUserIds = directUserId === '' ? [] : [userId, directUserId].sort();
    const entries = this.#batch.map((one) => entryOf(one.request, one.repeatOnly || this.#isOld(one, turn)));
    // A send that is in the outbox is a fact of the user's own log, so it waits for that; one that is not shows nothing of it.
    const passing = this.#batch.every(({ acceptedAtMs }) => acceptedAtMs === undefined);
    turn
      .ask(GroupActor, groupKey(tenant, this.#conversationId), { passing })
      .post({ senderId: userId, entries, directUserIds }, (outcome, later) => this.#answered(outcome, later));
  }

  #takeBatch(): Waiting[] {
    const { postEntriesMax, postBytesMax } = this.#host.limits;
    let bytes = 0;
    let count = 0;
    for (const waiting of this.#waiting) {
      bytes += waiting.bytes;
      if (count > 0 && (count >= postEntriesMax || bytes > postBytesMax)) break;
      count++;
    }
    return this.#waiting.splice(0, count);
  }

  #isOld({ acceptedAtMs }: Waiting, turn: Turn): boolean {
    return acceptedAtMs !== undefined && turn.now() - acceptedAtMs >= this.#host.limits.outboxAgeMsMax;
  }

  // ---- answers ----------------------------------------------------------------------------------------------------

  #answered(outcome: CallOutcome<PostResponse>, turn: Turn): void {
    if (!outcome.ok) {
      this.#failed(outcome.error, turn);
      return;
    }
    const { results } = outcome.value;
    if (results.length !== this.#batch.length) {
      this.#failed(new StarlingError('INTERNAL', 'An answer for each message is missing.'), turn);
      return;
    }
    const batch = this.#batch;
    this.#batch = [];
    this.#underWay = false;
    this.#outOfReach = false;
    this.#retryMs = this.#host.limits.outboxRetryMsMin;
    results.forEach((result, i) => {
      const waiting = batch[i];
      if (waiting === undefined) return;
      if (result.errorCode === '') this.#placed(waiting, result, turn);
      else this.#refused(waiting, codeOf(result.errorCode), turn);
    });
    this.pump(turn);
  }

  #placed(waiting: Waiting, result: PostResult, turn: Turn): void {
    if (waiting.acceptedAtMs !== undefined) this.#settle(waiting, result, turn);
    waiting.later?.pass(answerOf(this.#conversationId, result));
    waiting.later = undefined;
  }

  /** Final for what was accepted too: the conversation has judged it. */
  #refused(waiting: Waiting, code: ErrorCode, turn: Turn): void {
    if (waiting.acceptedAtMs !== undefined) {
      // An old one was only looked for, and is not there.
      const reason = code === 'SUPERSEDED' ? 'SEND_EXPIRED' : code;
      this.#settle(waiting, reason, turn);
    }
    this.#fail(waiting, new StarlingError(code));
  }

  #settle({ request }: Waiting, result: PostResult | ErrorCode, turn: Turn): void {
    const { tenant, userId } = this.#host;
    this.#host.note(finalOutcome(tenant, userId, request, result), turn);
  }

  /** The batch was not taken, or whether it was is not known. */
  #failed(error: StarlingError, turn: Turn): void {
    const lookedUp = this.#batch.length === 0;
    const tried = lookedUp ? this.#waiting : this.#batch;
    const passing = isPassing(error);
    for (const waiting of tried) {
      if (!lookedUp && error.entry.outcome === 'unknown') waiting.uncertain = true;
      if (!passing && !(isMendable(error) && waiting.acceptedAtMs !== undefined)) {
        this.#refused(waiting, error.code, turn);
        waiting.acceptedAtMs = undefined;
      } else if (this.#isOld(waiting, turn)) {
        this.#settle(waiting, 'SEND_EXPIRED', turn);
        waiting.acceptedAtMs = undefined;
      }
    }
    if (!lookedUp) this.#waiting.unshift(...this.#batch);
    this.#batch = [];
    this.#underWay = false;
    if (this.#outOfReach) this.accept(turn);
    const rests = passing || isMendable(error);
    if (rests) for (const waiting of this.#waiting) if (waiting.repeatOnly) this.#fail(waiting, error);
    this.#waiting = this.#waiting.filter(isAlive);
    if (rests && this.#waiting.length > 0) this.#rest(error, turn);
    else this.pump(turn);
  }

  /** Tries again after a while, at random within the upper half of it, so that many users do not come at once. */
  #rest(error: StarlingError, turn: Turn): void {
    const spread = Number(turn.random64() & 0xffffn) / 0x10000;
    const delayMs = Math.ceil(this.#retryMs * (0.5 + spread / 2));
    this.#retryMs = Math.min(2 * this.#retryMs, this.#host.limits.outboxRetryMsMax);
    this.#resting = true;
    turn.after(Math.max(delayMs, Math.min(error.retryAfterMs ?? 0, this.#retryMs)), (later) => {
      this.#resting = false;
      this.pump(later);
    });
  }
}
