// The actor of one device's stream.

import { create } from '@bufbuild/protobuf';
import * as rpc from '../../proto/gen/starling/actor/v1/connection_pb.ts';
import type { AttachResponse } from '../../proto/gen/starling/actor/v1/user_pb.ts';
import { Kicked_Reason, LimitsSchema, type OpenRequest } from '../../proto/gen/starling/im/v1/session_pb.ts';
import type { CallOutcome, Handlers, Lifecycle, Self, ServerStream, Turn } from '../../runtime/index.ts';
import { StarlingError } from '../../runtime/index.ts';
import { userKey } from '../ids.ts';
import type { ImLimits } from '../limits.ts';
import { UserActor } from '../types.ts';
import { clientLimits } from './client-limits.ts';
import { deliveriesFrame, encodeFrame } from './frames.ts';
import { PushWindow } from './window.ts';

/** A token is renewed this long before it ends. */
const TOKEN_NOTICE_MS = 60_000;
/** A client that was asked to rotate has this long to leave. */
const ROTATE_GRACE_MS = 10_000;

interface Session {
  readonly stream: ServerStream;
  readonly request: OpenRequest;
  readonly attachment: bigint;
  expireTimeMs: number;
  window: PushWindow | undefined;
  /** Of the timeline; 0 until attached. */
  incarnation: bigint;
  tokenNoticed: boolean;
  rotating: boolean;
  /** Monotonic milliseconds since when something has been waiting for an acknowledgement; undefined = nothing is. */
  unackedSince: number | undefined;
  cancelTimer: () => void;
}

export class Connection implements Handlers<typeof rpc.ConnectionActor>, Lifecycle {
  readonly #userKey: string;
  readonly #deviceId: string;
  readonly #limits: ImLimits;
  #session: Session | undefined;

  constructor(self: Self, limits: ImLimits) {
    const [tenant = '', userId = '', deviceId = ''] = self.key.split('/');
    this.#userKey = userKey(tenant, userId);
    this.#deviceId = deviceId;
    this.#limits = limits;
  }

  // ---- life of a stream -------------------------------------------------------------------------------------------

  open({ request, expireTimeMs }: rpc.ConnectionOpenRequest, stream: ServerStream, turn: Turn): void {
    if (request === undefined) throw new StarlingError('INVALID_REQUEST', 'request');
    if (stream.closed) {
      // A client that left before its turn replaces nobody.
      if (this.#session === undefined) turn.passivate();
      return;
    }
    if (this.#session !== undefined) {
      if (isLate(request, this.#session.request))
        throw new StarlingError('CANCELLED', 'A later stream of this device is open.');
      this.#kick(this.#session, Kicked_Reason.REPLACED);
    }
    const release = turn.keepAwake();
    const session: Session = {
      stream,
      request,
      attachment: turn.random64(),
      expireTimeMs: Number(expireTimeMs),
      window: undefined,
      incarnation: 0n,
      tokenNoticed: false,
      rotating: false,
      unackedSince: undefined,
      cancelTimer: () => {},
    };
    this.#session = session;
    const { deviceId } = request;
    turn.when(new Promise<void>((resolve) => stream.onClose(resolve)), (_outcome, later) => {
      release();
      session.cancelTimer();
      if (this.#session === session) this.#session = undefined;
      later.oneWay(UserActor, this.#userKey).detach({ deviceId, attachment: session.attachment });
      if (this.#session === undefined) later.passivate();
    });
    this.#attach(session, turn);
  }

  #attach(session: Session, turn: Turn): void {
    const { deviceId, deviceName, cursor } = session.request;
    const request = {
      deviceId,
      deviceName,
      attachment: session.attachment,
      ...(cursor === undefined ? {} : { cursor }),
    };
    turn.ask(UserActor, this.#userKey).attach(request, (outcome, later) => {
      if (this.#session !== session || session.stream.closed) {
        later.oneWay(UserActor, this.#userKey).detach({ deviceId, attachment: session.attachment });
        return;
      }
      this.#attached(session, outcome, later);
    });
  }

  #attached(session: Session, outcome: CallOutcome<AttachResponse>, turn: Turn): void {
    if (!outcome.ok) {
      session.stream.end(outcome.error);
      return;
    }
    const { timelineIncarnation, headUserSeq, fullSync } = outcome.value;
    const head = Number(headUserSeq);
    session.incarnation = timelineIncarnation;
    const { heartbeatMs, reconnectSpreadMs } = this.#limits;
    const limits = create(LimitsSchema, clientLimits(this.#limits));
    const serverTimeMs = BigInt(turn.now());
    const welcome = {
      timelineIncarnation,
      headUserSeq,
      limits,
      heartbeatMs,
      reconnectSpreadMs,
      serverTimeMs,
    };
    this.#frame(session, { case: 'welcome', value: welcome });
    // A device that rebuilds pins the timeline's position itself; pushes go on from here, and it fills the gap by a pull.
    const given = fullSync === undefined ? Number(session.request.cursor?.userSeq ?? 0n) : head;
    session.window = new PushWindow(this.#limits, given, head);
    if (fullSync !== undefined) this.#frame(session, { case: 'fullSync', value: fullSync });
    else if (session.window.notifying) this.#frame(session, { case: 'notify', value: { headUserSeq } });
    this.#schedule(session, turn);
  }

  /** The user actor has started anew: attach again, and tell the device if it missed something. */
  #reattach(session: Session, turn: Turn): void {
    const { deviceId, deviceName } = session.request;
    turn
      .ask(UserActor, this.#userKey)
      .attach({ deviceId, deviceName, attachment: session.attachment }, (outcome) => {
        if (this.#session !== session || session.window === undefined) return;
        if (!outcome.ok) session.stream.end(outcome.error);
        else this.#learnHead(session, Number(outcome.value.headUserSeq));
      });
  }

  closed(): void {
    const session = this.#session;
    this.#session = undefined;
    if (session === undefined) return;
    session.cancelTimer();
    // The stream ends with the activation, and says why. A client that has had no Welcome has nothing to rotate.
    if (session.window !== undefined)
      this.#frame(session, { case: 'rotate', value: { spreadMs: this.#limits.reconnectSpreadMs } });
  }

  // ---- pushes -----------------------------------------------------------------------------------------------------

  push({ attachment, entries }: rpc.PushRequest, turn: Turn): rpc.PushResponse {
    const session = this.#session;
    if (session?.attachment !== attachment) {
      // The user still knows a stream that ended without its word, for instance because this actor failed.
      turn.oneWay(UserActor, this.#userKey).detach({ deviceId: this.#deviceId, attachment });
      if (session === undefined) turn.passivate();
      return PUSHED;
    }
    const first = entries[0];
    const last = entries.at(-1);
    if (
      session?.window !== undefined &&
      session.attachment === attachment &&
      first !== undefined &&
      last !== undefined
    ) {
      let bytes = 0;
      for (const { delivery } of entries) bytes += delivery.length;
      const decision = session.window.offer(Number(first.userSeq), Number(last.userSeq), bytes);
      if (decision === 'push') {
        session.unackedSince ??= turn.monotonic();
        this.#send(session, deliveriesFrame(entries), turn);
      } else if (decision === 'notify') this.#notify(session, turn);
    }
    return PUSHED;
  }

  ack({ cursor }: rpc.ConnectionAckRequest, turn: Turn): rpc.ConnectionAckResponse {
    const session = this.#session;
    // A cursor of another incarnation says nothing of what was pushed on this stream.
    if (session?.window !== undefined && cursor?.timelineIncarnation === session.incarnation) {
      session.window.has(Number(cursor.userSeq), true);
      session.unackedSince = session.window.unacked === 0 ? undefined : turn.monotonic();
    }
    return create(rpc.ConnectionAckResponseSchema);
  }

  pulled({ userSeq }: rpc.PulledRequest, turn: Turn): rpc.PulledResponse {
    this.#session?.window?.has(Number(userSeq), false);
    if (this.#session === undefined) turn.passivate();
    return create(rpc.PulledResponseSchema);
  }

  refresh({ expireTimeMs }: rpc.ConnectionRefreshRequest, turn: Turn): rpc.ConnectionRefreshResponse {
    const session = this.#session;
    if (session !== undefined) {
      session.expireTimeMs = Math.max(session.expireTimeMs, Number(expireTimeMs));
      session.tokenNoticed = false;
      this.#schedule(session, turn);
    }
    return create(rpc.ConnectionRefreshResponseSchema, { open: session !== undefined });
  }

  kick({ reason }: rpc.KickRequest): rpc.KickResponse {
    if (this.#session !== undefined) this.#kick(this.#session, reason);
    return create(rpc.KickResponseSchema);
  }

  // ---- time -------------------------------------------------------------------------------------------------------

  #schedule(session: Session, turn: Turn): void {
    session.cancelTimer();
    const untilToken = session.expireTimeMs - turn.now() - (session.tokenNoticed ? 0 : TOKEN_NOTICE_MS);
    const delayMs = Math.max(0, Math.min(this.#limits.heartbeatMs, untilToken));
    session.cancelTimer = turn.after(delayMs, (later) => this.#tick(session, later));
  }

  #tick(session: Session, turn: Turn): void {
    if (this.#session !== session || session.stream.closed) return;
    const now = turn.now();
    if (now >= session.expireTimeMs) {
      this.#kick(session, Kicked_Reason.TOKEN_EXPIRED);
      return;
    }
    if (!session.tokenNoticed && now >= session.expireTimeMs - TOKEN_NOTICE_MS) {
      session.tokenNoticed = true;
      this.#frame(session, { case: 'tokenExpiring', value: { expireTimeMs: BigInt(session.expireTimeMs) } });
    }
    const { unackedSince } = session;
    if (unackedSince !== undefined && turn.monotonic() - unackedSince > this.#limits.ackMsMax) {
      session.stream.end(
        new StarlingError('DEADLINE_EXCEEDED', 'The device has acknowledged nothing for too long.'),
      );
      return;
    }
    const { deviceId } = session.request;
    const request = { deviceId, attachment: session.attachment };
    turn.ask(UserActor, this.#userKey).heartbeat(request, (outcome, later) => {
      if (this.#session !== session || session.window === undefined) return;
      if (outcome.ok && !outcome.value.attached) this.#reattach(session, later);
      else if (outcome.ok) this.#learnHead(session, Number(outcome.value.headUserSeq));
      this.#frame(session, { case: 'heartbeat', value: { headUserSeq: BigInt(session.window.head) } });
      this.#schedule(session, later);
    });
  }

  #learnHead(session: Session, head: number): void {
    if (session.window?.learnHead(head) === 'notify') {
      this.#frame(session, { case: 'notify', value: { headUserSeq: BigInt(head) } });
    }
  }

  // ---- frames -----------------------------------------------------------------------------------------------------

  #notify(session: Session, turn: Turn): void {
    const headUserSeq = BigInt(session.window?.head ?? 0);
    this.#send(session, [encodeFrame({ case: 'notify', value: { headUserSeq } })], turn);
  }

  #send(session: Session, pieces: Uint8Array[], turn: Turn): void {
    const { stream, request } = session;
    if (stream.bufferedBytes > this.#limits.streamBufferBytesMax) {
      stream.end(new StarlingError('OVERLOADED', 'The client does not read its stream.'));
      return;
    }
    stream.send(...pieces);
    const rotateAfter = request.rotateAfterBytes;
    if (rotateAfter === 0 || session.rotating || stream.sentBytes < rotateAfter) return;
    session.rotating = true;
    this.#frame(session, { case: 'rotate', value: { spreadMs: 0 } });
    turn.after(ROTATE_GRACE_MS, () => stream.end());
  }

  #frame(session: Session, frame: Parameters<typeof encodeFrame>[0]): void {
    session.stream.send(encodeFrame(frame));
  }

  #kick(session: Session, reason: Kicked_Reason): void {
    this.#frame(session, { case: 'kicked', value: { reason } });
    session.stream.end();
  }
}

/**
 * An Open that was held up on its way between nodes, or came twice, must not end the one that its client uses: REPLACED is the
 * end of a client.
 */
function isLate({ session, attempt }: OpenRequest, current: OpenRequest): boolean {
  return session !== 0n && session === current.session && attempt <= current.attempt;
}

const PUSHED = create(rpc.PushResponseSchema);
