// Runs the timeline: pulls, pages of a rebuild, acknowledgements.

import { create } from '@bufbuild/protobuf';
import {
  ConversationService,
  ListConversationsRequestSchema,
} from '../../proto/gen/starling/im/v1/conversation_pb.ts';
import { AckRequestSchema, SessionService } from '../../proto/gen/starling/im/v1/session_pb.ts';
import { PullRequestSchema, SyncService } from '../../proto/gen/starling/im/v1/sync_pb.ts';
import { Timeline } from './core/timeline.ts';
import type { Position, TimelineEffect, TimelineInput } from './core/timeline-io.ts';
import type { Done } from './done.ts';
import { type SdkError, toSdkError } from './errors.ts';
import { LIMITS } from './limits.ts';
import type { Session } from './session.ts';
import { fromCursor, rebuildReason, toCursor } from './wire.ts';
import type { Writer } from './writer.ts';

export interface TimelineHost {
  readonly writer: Writer;
  /** A long poll was answered, or failed. */
  polled(error: SdkError | undefined): void;
  /** Another stream is needed. */
  reopen(): void;
  caughtUp(): void;
}

export class TimelineRunner {
  readonly #session: Session;
  readonly #host: TimelineHost;
  readonly #timeline: Timeline;
  #asking: AbortController | undefined;

  /** `position`: where the local store is. */
  constructor(session: Session, host: TimelineHost, position: Position | undefined) {
    this.#session = session;
    this.#host = host;
    this.#timeline = new Timeline(position, () => session.env.random.float());
  }

  /** Everything up to here is durable on this device. */
  get durable(): Position | undefined {
    return this.#timeline.durable;
  }

  handle(input: TimelineInput): void {
    for (const effect of this.#timeline.handle(input)) this.#runTimeline(effect);
  }

  #runTimeline(effect: TimelineEffect): Done {
    switch (effect.kind) {
      case 'pull':
        void this.#pull(effect);
        return;
      case 'list':
        void this.#list(effect);
        return;
      case 'abort':
        this.#asking?.abort();
        return;
      case 'apply':
      case 'apply_page':
        return void this.#host.writer.write(effect);
      case 'ack':
        void this.#ack(effect);
        return;
      case 'set_timer':
        this.#session.timers.set(`timeline.${effect.timer}`, effect.delayMs, () =>
          this.handle({ kind: 'timer', timer: effect.timer }),
        );
        return;
      case 'cancel_timer':
        this.#session.timers.cancel(`timeline.${effect.timer}`);
        return;
      case 'polled':
        this.#host.polled(undefined);
        return;
      case 'poll_failed':
        this.#host.polled(effect.error);
        return;
      case 'reopen':
        this.#host.reopen();
        return;
      case 'caught_up':
        this.#host.caughtUp();
        return;
      case 'warning':
        this.#session.emit('warning', { code: effect.code, message: effect.message });
        return;
    }
  }

  #askSignal(): AbortSignal {
    this.#asking = new AbortController();
    return AbortSignal.any([this.#asking.signal, this.#session.closing]);
  }

  async #pull(effect: Extract<TimelineEffect, { kind: 'pull' }>): Promise<void> {
    const { generation } = effect;
    const waitMs = Math.min(effect.waitMs, this.#session.pullWaitMsMax || effect.waitMs);
    const request = create(PullRequestSchema, {
      cursor: toCursor(effect.from),
      waitMs,
      deviceId: this.#session.deviceId,
    });
    const options = { signal: this.#askSignal(), timeoutMs: waitMs + LIMITS.unaryTimeoutMs };
    try {
      const answer = await this.#session.calls.unary(SyncService.method.pull, request, options);
      const fullSync = answer.fullSync === undefined ? undefined : rebuildReason(answer.fullSync);
      const { deliveries, headUserSeq: head } = answer;
      this.handle({ kind: 'pulled', generation, answer: { deliveries, head, fullSync } });
    } catch (thrown) {
      this.handle({ kind: 'pull_failed', generation, error: toSdkError(thrown) });
    }
  }

  async #list(effect: Extract<TimelineEffect, { kind: 'list' }>): Promise<void> {
    const { generation, pageToken } = effect;
    const request = create(ListConversationsRequestSchema, { pageSize: LIMITS.rebuildPageSize, pageToken });
    try {
      const method = ConversationService.method.listConversations;
      const answer = await this.#session.calls.unary(method, request, { signal: this.#askSignal() });
      const cursor = answer.cursor === undefined ? undefined : fromCursor(answer.cursor);
      const { conversations, nextPageToken, outcomes } = answer;
      this.handle({ kind: 'listed', generation, page: { conversations, nextPageToken, cursor, outcomes } });
    } catch (thrown) {
      this.handle({ kind: 'list_failed', generation, error: toSdkError(thrown) });
    }
  }

  async #ack(effect: Extract<TimelineEffect, { kind: 'ack' }>): Promise<void> {
    const request = create(AckRequestSchema, {
      deviceId: this.#session.deviceId,
      cursor: toCursor(effect.position),
    });
    try {
      await this.#session.calls.unary(SessionService.method.ack, request, { signal: this.#session.closing });
      this.handle({ kind: 'acked' });
    } catch {
      // The next one covers it.
      this.handle({ kind: 'ack_failed' });
    }
  }
}
