// Longer than 300 lines because it is one state machine: what one input leaves behind is what the next one finds.
//
// Makes one gapless sequence of what is pushed and what is pulled, and rebuilds the view where that cannot be done.
// Owns: pulls, rebuilds, the target, acknowledgements. The merge rule itself is merge.ts. Pure.
//
// 1. At most one Pull or ListConversations is under way, and none while writes are. An answer of an earlier generation
//    changes nothing.
// 2. Only what the local store has made durable is acknowledged or named in Open.
// 3. During a rebuild nothing is taken; pushes are buffered and merged behind the cursor that its first page pinned.
// 4. A push counts only while the stream's incarnation is the cursor's.
// 5. The target only rises, except where a rebuild or a new line starts anew: no Notify is forgotten.

import type { Delivery } from '../../../proto/gen/starling/im/v1/sync_pb.ts';
import type { Done } from '../done.ts';
import { isTransient, SdkError } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import { Acks } from './acks.ts';
import { backoff } from './backoff.ts';
import type { LineMode } from './connection-io.ts';
import { Merge, type Taken } from './merge.ts';
import type {
  Page,
  Position,
  Pulled,
  RebuildReason,
  TimelineEffect,
  TimelineInput,
  TimelineTimer,
} from './timeline-io.ts';

interface Rebuild {
  readonly reason: RebuildReason;
  /** Of the page asked for. */
  pageToken: string;
  /** Where the first page pinned the timeline. */
  pinned: Position | undefined;
}

export class Timeline {
  readonly #random: () => number;
  readonly #acks = new Acks();
  readonly #merge: Merge;
  /** Everything up to here is in the local store. */
  #durable: Position | undefined;
  #mode: LineMode = 'none';
  #streamIncarnation: bigint | undefined;
  /** The highest head the server has named. */
  #target = 0n;
  #generation = 0;
  #asking = false;
  /** Pull until the target is reached. */
  #wanting = false;
  /** Batches and pages given out to be written and not yet durable. */
  #writing = 0;
  #rebuild: Rebuild | undefined;
  /** A rebuild has ended on this line: a FullSync that was on its way may be about the cursor before. */
  #rebuiltOnLine = false;
  /** A pull has to say whether the cursor stands and what came behind it, whatever the target says. */
  #mustPull = false;
  #polledOnLine = false;
  #failures = 0;
  #caughtUp = false;

  /** `cursor`: where the local store is; undefined = it knows nothing. `random` is uniform in [0, 1). */
  constructor(cursor: Position | undefined, random: () => number) {
    this.#merge = new Merge(cursor);
    this.#durable = cursor;
    this.#random = random;
  }

  /** What Open has to say: everything up to here is durable on this device. */
  get durable(): Position | undefined {
    return this.#durable;
  }

  handle(input: TimelineInput): TimelineEffect[] {
    const out: TimelineEffect[] = [];
    this.#step(input, out);
    this.#goOn(out);
    return out;
  }

  #step(input: TimelineInput, out: TimelineEffect[]): Done {
    switch (input.kind) {
      case 'line':
        return this.#onLine(input.mode, out);
      case 'welcome':
        return this.#onWelcome(input.incarnation, input.head, input.windowDeliveries, out);
      case 'deliveries':
        return this.#onPushed(input.deliveries, out);
      case 'notify':
      case 'heartbeat':
        return this.#onHead(input.head);
      case 'full_sync':
        return this.#onFullSync(input.reason, out);
      case 'pulled':
        if (this.#answered(input.generation)) this.#onPulled(input.answer, out);
        return;
      case 'listed':
        if (this.#answered(input.generation)) this.#onPage(input.page, out);
        return;
      case 'pull_failed':
      case 'list_failed':
        if (this.#answered(input.generation)) this.#onFailed(input.error, out);
        return;
      case 'applied':
        this.#writing -= 1;
        this.#durable = input.position;
        return this.#acks.durable(input.position, input.deliveries, out);
      case 'page_applied':
        this.#writing -= 1;
        return;
      case 'acked':
        return this.#acks.answered(true, out);
      case 'ack_failed':
        return this.#acks.answered(false, out);
      case 'store_lost':
        // The store in its place is empty, whatever was under way to the former one.
        this.#writing = 0;
        return this.#forget('STORE_LOST', out);
      case 'foreign_store':
        return this.#forget('FOREIGN_STORE', out);
      case 'timer':
        return this.#onTimer(input.timer, out);
    }
  }

  #onTimer(timer: TimelineTimer, out: TimelineEffect[]): Done {
    switch (timer) {
      case 'ack':
        return this.#acks.due(out);
      case 'safety':
        if (this.#mode === 'push') this.#setSafety(out);
        return this.#ask(0, out);
      case 'repeat':
        return this.#ask(0, out);
      case 'grace':
        this.#wanting = true;
        return;
    }
  }

  /** Does what comes next, unless something is under way or a repeat is waited for. */
  #goOn(out: TimelineEffect[]): Done {
    if (this.#mode === 'none' || this.#asking || this.#writing > 0 || this.#failures > 0) return;
    const { cursor } = this.#merge;
    if (cursor === undefined || this.#mustPull || this.#merge.hasHole) return this.#ask(0, out);
    if (this.#mode === 'poll' && !this.#polledOnLine) return this.#ask(0, out);
    if (cursor.seq < this.#target) {
      if (this.#wanting || this.#mode === 'poll') this.#ask(0, out);
      return;
    }
    this.#wanting = false;
    if (!this.#caughtUp) {
      this.#caughtUp = true;
      out.push({ kind: 'caught_up' });
    }
    if (this.#mode === 'poll') this.#ask(LIMITS.pollWaitMs, out);
  }

  #onLine(mode: LineMode, out: TimelineEffect[]): Done {
    this.#mode = mode;
    this.#giveUpAsking(out);
    this.#polledOnLine = false;
    this.#rebuiltOnLine = false;
    this.#caughtUp = false;
    this.#wanting = false;
    this.#mustPull = false;
    this.#failures = 0;
    this.#target = 0n;
    this.#merge.clear();
    this.#restartRebuild();
    out.push({ kind: 'cancel_timer', timer: 'grace' }, { kind: 'cancel_timer', timer: 'repeat' });
    if (mode === 'push') this.#setSafety(out);
    else out.push({ kind: 'cancel_timer', timer: 'safety' });
    this.#acks.line(mode !== 'none', out);
  }

  #onWelcome(incarnation: bigint, head: bigint, window: number, out: TimelineEffect[]): Done {
    this.#onLine('push', out);
    this.#streamIncarnation = incarnation;
    this.#target = head;
    const { cursor } = this.#merge;
    if (this.#rebuild !== undefined) return;
    if (cursor === undefined) return this.#startRebuild('NO_CURSOR', out);
    if (cursor.incarnation !== incarnation) return this.#startRebuild('INCARNATION', out);
    const missing = head - cursor.seq;
    // What fits the window is pushed right behind the Welcome; a pull would only bring it twice.
    if (missing > BigInt(window)) this.#wanting = true;
    else if (missing > 0n) out.push({ kind: 'set_timer', timer: 'grace', delayMs: LIMITS.pushGraceMs });
  }

  #onPushed(deliveries: readonly Delivery[], out: TimelineEffect[]): Done {
    if (this.#mode !== 'push') return;
    this.#setSafety(out);
    const { cursor } = this.#merge;
    if (cursor !== undefined && cursor.incarnation !== this.#streamIncarnation) return;
    for (const { userSeq } of deliveries) this.#raiseTarget(userSeq);
    this.#apply(this.#merge.offer(deliveries), out);
  }

  #onHead(head: bigint): Done {
    this.#raiseTarget(head);
    this.#wanting = true;
  }

  #onFullSync(reason: RebuildReason, out: TimelineEffect[]): Done {
    if (this.#rebuild !== undefined) return;
    if (!this.#rebuiltOnLine) return this.#startRebuild(reason, out);
    // It may be about the cursor from before the rebuild. A pull tells, but not one that was asked before.
    this.#giveUpAsking(out);
    this.#mustPull = true;
  }

  #onPulled(answer: Pulled, out: TimelineEffect[]): Done {
    this.#polledOnLine = true;
    if (this.#mode === 'poll') out.push({ kind: 'polled' });
    if (answer.fullSync !== undefined) return this.#startRebuild(answer.fullSync, out);
    const before = this.#merge.cursor?.seq ?? 0n;
    // A pull that was begun goes on to the head it names, page by page.
    this.#wanting = true;
    this.#raiseTarget(answer.head);
    this.#apply(this.#merge.offer(answer.deliveries), out);
    const after = this.#merge.cursor?.seq ?? 0n;
    const missing = this.#merge.hasHole || after < this.#target;
    // All of the answer may have come by push meanwhile; an answer that helps in no way must not be asked for again
    // and again without a pause.
    const overtaken = answer.deliveries.some((delivery) => delivery.userSeq <= before);
    if (missing && after === before && !overtaken && after < answer.head) {
      return this.#repeatLater(new SdkError('protocol', 'The pull brought nothing of what is missing.'), out);
    }
    this.#failures = 0;
  }

  #onPage(page: Page, out: TimelineEffect[]): Done {
    const rebuild = this.#rebuild;
    if (rebuild === undefined) return;
    if (this.#mode === 'poll') out.push({ kind: 'polled' });
    const pinned = rebuild.pinned ?? page.cursor;
    if (pinned === undefined) {
      return this.#repeatLater(new SdkError('protocol', 'The first page names no cursor.'), out);
    }
    this.#failures = 0;
    const last = page.nextPageToken === '';
    this.#writing += 1;
    out.push({
      kind: 'apply_page',
      conversations: page.conversations,
      outcomes: rebuild.pinned === undefined ? page.outcomes : [],
      reset: rebuild.pinned === undefined ? rebuild.reason : undefined,
      position: last ? pinned : undefined,
    });
    rebuild.pinned = pinned;
    rebuild.pageToken = page.nextPageToken;
    if (last) this.#endRebuild(pinned, out);
  }

  #endRebuild(pinned: Position, out: TimelineEffect[]): Done {
    this.#rebuild = undefined;
    this.#rebuiltOnLine = true;
    this.#mustPull = true;
    const foreign = this.#mode === 'push' && pinned.incarnation !== this.#streamIncarnation;
    if (foreign) {
      this.#merge.clear();
      this.#target = pinned.seq;
      out.push({ kind: 'reopen' });
    }
    this.#raiseTarget(pinned.seq);
    this.#apply(this.#merge.rebase(pinned), out);
  }

  #startRebuild(reason: RebuildReason, out: TimelineEffect[]): Done {
    this.#giveUpAsking(out);
    this.#merge.forget();
    this.#rebuild = { reason, pageToken: '', pinned: undefined };
    this.#caughtUp = false;
    this.#failures = 0;
    // Heads named before may be of another incarnation. The pull behind the rebuild brings the newest one.
    this.#target = 0n;
  }

  #restartRebuild(): Done {
    if (this.#rebuild === undefined) return;
    this.#rebuild = { reason: this.#rebuild.reason, pageToken: '', pinned: undefined };
  }

  #forget(reason: RebuildReason, out: TimelineEffect[]): Done {
    this.#durable = undefined;
    this.#startRebuild(reason, out);
  }

  #apply(taken: Taken | undefined, out: TimelineEffect[]): Done {
    if (taken === undefined) return;
    this.#writing += 1;
    out.push({ kind: 'apply', deliveries: taken.deliveries, position: taken.position });
  }

  /** Asks for what comes next, unless something is under way already. */
  #ask(waitMs: number, out: TimelineEffect[]): Done {
    if (this.#asking || this.#mode === 'none' || this.#writing > 0) return;
    out.push({ kind: 'cancel_timer', timer: 'grace' }, { kind: 'cancel_timer', timer: 'repeat' });
    this.#asking = true;
    this.#mustPull = false;
    this.#generation += 1;
    const generation = this.#generation;
    const { cursor } = this.#merge;
    if (cursor === undefined) {
      this.#rebuild ??= { reason: 'NO_CURSOR', pageToken: '', pinned: undefined };
      out.push({ kind: 'list', generation, pageToken: this.#rebuild.pageToken });
    } else out.push({ kind: 'pull', generation, from: cursor, waitMs });
  }

  #answered(generation: number): boolean {
    if (generation !== this.#generation || !this.#asking) return false;
    this.#asking = false;
    return true;
  }

  #giveUpAsking(out: TimelineEffect[]): Done {
    if (this.#asking) out.push({ kind: 'abort' });
    this.#asking = false;
    this.#generation += 1;
  }

  #onFailed(error: SdkError, out: TimelineEffect[]): Done {
    // Where a rebuild is refused, the page token may be what is refused.
    if (!isTransient(error)) this.#restartRebuild();
    if (this.#mode === 'poll') out.push({ kind: 'poll_failed', error });
    else this.#repeatLater(error, out);
  }

  #repeatLater(error: SdkError, out: TimelineEffect[]): Done {
    out.push({ kind: 'warning', code: error.code, message: error.message });
    const wait = { attempt: this.#failures, random: this.#random(), retryAfterMs: error.retryAfterMs };
    this.#failures += 1;
    out.push({ kind: 'set_timer', timer: 'repeat', delayMs: backoff(wait) });
  }

  #setSafety(out: TimelineEffect[]): Done {
    const { safetyPullMinMs: min, safetyPullMaxMs: max } = LIMITS;
    const delayMs = min + Math.floor(this.#random() * (max - min));
    out.push({ kind: 'set_timer', timer: 'safety', delayMs });
  }

  #raiseTarget(head: bigint): Done {
    if (head > this.#target) this.#target = head;
  }
}
