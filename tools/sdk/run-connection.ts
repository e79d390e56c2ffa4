// Runs the connection: token, Navigate, the stream and its frames, Refresh.

import { create } from '@bufbuild/protobuf';
import {
  NavigateRequestSchema,
  OpenRequestSchema,
  type OpenResponse,
  RefreshRequestSchema,
  SessionService,
  type Welcome,
} from '../../proto/gen/starling/im/v1/session_pb.ts';
import type { StateChange } from './api.ts';
import { Connection } from './core/connection.ts';
import type { ConnectionEffect, ConnectionInput, LineMode } from './core/connection-io.ts';
import type { Position, TimelineInput } from './core/timeline-io.ts';
import type { Done } from './done.ts';
import { type SdkError, toSdkError } from './errors.ts';
import { LIMITS } from './limits.ts';
import type { Session } from './session.ts';
import { kickReason, rebuildReason, toCursor } from './wire.ts';

export interface ConnectionHost {
  /** News for the timeline. */
  sync(input: TimelineInput): void;
  /** What Open has to name. */
  durable(): Position | undefined;
  /** Navigate says who we are. */
  identified(userId: string): Promise<void>;
  stateChanged(change: StateChange): void;
}

export class ConnectionRunner {
  readonly #session: Session;
  readonly #host: ConnectionHost;
  readonly #connection: Connection;
  /** Tells a late Open of this client from those of others. */
  readonly #run: bigint;
  #stream: AbortController | undefined;
  #welcome: Welcome | undefined;

  constructor(session: Session, host: ConnectionHost) {
    this.#session = session;
    this.#host = host;
    this.#run = session.env.random.bits64() || 1n;
    this.#connection = new Connection(() => session.env.random.float(), session.calls.baseAddress);
  }

  get state(): StateChange {
    return this.#connection.state;
  }

  /** Moves to another stream at once. */
  reopen(): void {
    const { address } = this.#session.calls;
    this.handle({ kind: 'rotate', stream: this.#connection.stream, spreadMs: 0, address });
  }

  handle(input: ConnectionInput): void {
    for (const effect of this.#connection.handle(input)) this.#runConnection(effect);
  }

  #runConnection(effect: ConnectionEffect): Done {
    const { calls } = this.#session;
    switch (effect.kind) {
      case 'get_token':
        calls.token(effect.fresh).then(
          () => this.handle({ kind: 'token_ready' }),
          (thrown) => this.handle({ kind: 'token_failed', error: toSdkError(thrown) }),
        );
        return;
      case 'navigate':
        void this.#navigate(effect.address);
        return;
      case 'open':
        calls.address = effect.address;
        void this.#open(effect.stream);
        return;
      case 'close':
        this.#stream?.abort();
        this.#stream = undefined;
        return;
      case 'refresh':
        void this.#refresh();
        return;
      case 'set_timer':
        this.#session.timers.set(`connection.${effect.timer}`, effect.delayMs, () =>
          this.handle({ kind: 'timer', timer: effect.timer }),
        );
        return;
      case 'cancel_timer':
        this.#session.timers.cancel(`connection.${effect.timer}`);
        return;
      case 'line':
        this.#onLine(effect.mode);
        return;
      case 'state':
        this.#host.stateChanged(effect.change);
        return;
    }
  }

  async #navigate(address: string): Promise<void> {
    const { calls } = this.#session;
    const signal = this.#session.closing;
    try {
      const method = SessionService.method.navigate;
      const at = { address, renewToken: false, signal };
      const answer = await calls.unary(method, create(NavigateRequestSchema), at);
      this.#session.pullWaitMsMax = answer.limits?.pullWaitMsMax ?? 0;
      await this.#host.identified(answer.userId);
      this.handle({ kind: 'navigated', address: answer.address || address });
    } catch (thrown) {
      this.handle({ kind: 'navigate_failed', error: toSdkError(thrown) });
    }
  }

  async #open(stream: number): Promise<void> {
    const { calls, env, deviceId, deviceName } = this.#session;
    this.#stream?.abort();
    const controller = new AbortController();
    this.#stream = controller;
    const position = this.#host.durable();
    const request = create(OpenRequestSchema, {
      deviceId,
      deviceName,
      session: this.#run,
      attempt: stream,
      ...(position === undefined ? {} : { cursor: toCursor(position) }),
    });
    let error: SdkError | undefined;
    try {
      const token = await calls.token();
      const call = { address: calls.address, token, signal: controller.signal };
      await env.transport.stream(SessionService.method.open, request, call, (frame) => {
        if (!controller.signal.aborted) this.#onFrame(stream, frame);
      });
    } catch (thrown) {
      error = toSdkError(thrown);
    }
    if (!controller.signal.aborted) this.handle({ kind: 'stream_ended', stream, error });
  }

  #onFrame(stream: number, { frame }: OpenResponse): Done {
    this.handle({ kind: 'alive', stream });
    switch (frame.case) {
      case 'welcome':
        this.#welcome = frame.value;
        this.handle({ kind: 'welcome', stream, welcome: frame.value });
        return;
      case 'deliveries':
        this.#host.sync({ kind: 'deliveries', deliveries: frame.value.deliveries });
        return;
      case 'notify':
      case 'heartbeat':
        this.#host.sync({ kind: frame.case, head: frame.value.headUserSeq });
        return;
      case 'rotate':
        this.handle({
          kind: 'rotate',
          stream,
          spreadMs: frame.value.spreadMs,
          address: frame.value.address,
        });
        return;
      case 'tokenExpiring':
        this.handle({ kind: 'token_expiring', stream });
        return;
      case 'fullSync':
        this.#host.sync({ kind: 'full_sync', reason: rebuildReason(frame.value) });
        return;
      case 'kicked':
        this.handle({ kind: 'kicked', stream, reason: kickReason(frame.value.reason) });
        return;
      case undefined:
        // A kind of frame of a newer server: it is a sign of life, no more.
        return;
    }
  }

  async #refresh(): Promise<void> {
    const { calls } = this.#session;
    try {
      await calls.token(true);
      const request = create(RefreshRequestSchema, { deviceId: this.#session.deviceId });
      await calls.unary(SessionService.method.refresh, request, { signal: this.#session.closing });
      this.handle({ kind: 'refreshed' });
    } catch (thrown) {
      this.handle({ kind: 'refresh_failed', error: toSdkError(thrown) });
    }
  }

  #onLine(mode: LineMode): void {
    const welcome = this.#welcome;
    if (mode !== 'push') this.#host.sync({ kind: 'line', mode });
    else if (welcome !== undefined) {
      this.#host.sync({
        kind: 'welcome',
        incarnation: welcome.timelineIncarnation,
        head: welcome.headUserSeq,
        windowDeliveries: welcome.limits?.windowDeliveriesMax || LIMITS.windowDeliveriesDefault,
      });
    }
  }
}
