// Sends of one user: the order of each device, then one queue per conversation (send-queue.ts), then the outbox.
//
// Q5  A user's mailbox never waits for a conversation: the answer comes as a turn of its own.
// Q6  While the outbox holds something, the activation stays in memory, and a wake mark of its record brings it back
//     wherever it ends (rule 10).

import type {
  OutboxState,
  UserSendRequest,
  UserSendResponse,
} from '../../proto/gen/starling/actor/v1/user_pb.ts';
import type { SendOutcome } from '../../proto/gen/starling/im/v1/send_pb.ts';
import type { Later, Turn } from '../../runtime/index.ts';
import { StarlingError, toStarlingError } from '../../runtime/index.ts';
import type { ImLimits } from '../limits.ts';
import type { Outbox } from './outbox.ts';
import { answerFromOutbox, outOfOrder, repeatable, sizeOf } from './send-answers.ts';
import { DeviceOrder } from './send-order.ts';
import { SendQueue } from './send-queue.ts';
import type { Waiting } from './send-waiting.ts';

/** A send as it came in. */
interface Incoming {
  readonly request: UserSendRequest;
  readonly later: Later<UserSendResponse>;
  /** The caller has half of its deadline left, monotonic milliseconds. */
  readonly halfMs: number;
}

interface Held extends Incoming {
  readonly cancel: () => void;
}

interface Device {
  readonly order: DeviceOrder;
  readonly held: Map<number, Held>;
}

export interface SendingOptions {
  readonly tenant: string;
  readonly userId: string;
  readonly limits: ImLimits;
  readonly outbox: Outbox;
  /** The user has the conversation already, so its peer need not be looked up. */
  readonly hasConversation: (conversationId: string) => boolean;
  /** Appends the row of an outcome and tells the devices; returns its time, milliseconds since 1970-01-01 UTC. */
  readonly note: (outcome: SendOutcome, turn: Turn) => number;
}

export class Sending {
  readonly #options: SendingOptions;
  readonly #devices = new Map<string, Device>();
  readonly #queues = new Map<string, SendQueue>();
  /** The timer of sends that wait for an answer: when it is due, monotonic milliseconds. */
  #dueMs = Number.POSITIVE_INFINITY;
  #cancelDue: () => void = () => {};
  #release: (() => void) | undefined;

  constructor(options: SendingOptions) {
    this.#options = options;
  }

  /** Takes up what an earlier activation accepted (Q6). */
  resume(turn: Turn): void {
    const byConversation = Map.groupBy(
      this.#options.outbox.entries(),
      ({ outcome }: OutboxState) => outcome?.conversationId ?? '',
    );
    this.#stayAwake(turn);
    for (const [conversationId, entries] of byConversation) this.#queue(conversationId).resume(entries, turn);
  }

  send(request: UserSendRequest, turn: Turn): Later<UserSendResponse> {
    const later = turn.defer<UserSendResponse>();
    const incoming = { request, later, halfMs: turn.monotonic() + turn.remainingMs() / 2 };
    const { order } = request;
    if (order === undefined) {
      this.#enqueue(incoming, false, turn);
      return later;
    }
    const device = this.#device(request.deviceId);
    if (device.order.enter(order)) this.#dropHeld(device);
    const deviceSeq = Number(order.deviceSeq);
    switch (device.order.admit(deviceSeq)) {
      case 'go':
        this.#enqueue(incoming, false, turn);
        break;
      case 'repeat':
        this.#enqueue(incoming, true, turn);
        break;
      case 'hold':
        this.#hold(device, deviceSeq, incoming, turn);
        break;
      case 'too_far':
        later.reject(outOfOrder(device.order));
        break;
    }
    this.#releaseHeld(device, turn);
    return later;
  }

  // ---- the order of a device --------------------------------------------------------------------------------------

  #device(deviceId: string): Device {
    let device = this.#devices.get(deviceId);
    if (device === undefined) {
      device = { order: new DeviceOrder(this.#options.limits.sendGapMax), held: new Map() };
      this.#devices.set(deviceId, device);
      // Forgetting a device is safe: its next send names what is settled.
      const [oldest] = this.#devices.keys();
      if (this.#devices.size > 4 * this.#options.limits.devicesMax && oldest !== undefined) {
        const forgotten = this.#devices.get(oldest);
        if (forgotten !== undefined) this.#dropHeld(forgotten);
        this.#devices.delete(oldest);
      }
    }
    return device;
  }

  #hold(device: Device, deviceSeq: number, incoming: Incoming, turn: Turn): void {
    this.#letGo(device, deviceSeq);
    const cancel = turn.after(this.#options.limits.sendGapMsMax, () => this.#letGo(device, deviceSeq));
    device.held.set(deviceSeq, { ...incoming, cancel });
  }

  /** Answers a held send with the number that is missing. */
  #letGo(device: Device, deviceSeq: number): void {
    const held = device.held.get(deviceSeq);
    if (held === undefined) return;
    device.held.delete(deviceSeq);
    held.cancel();
    held.later.reject(outOfOrder(device.order));
  }

  #dropHeld(device: Device): void {
    for (const deviceSeq of [...device.held.keys()]) this.#letGo(device, deviceSeq);
  }

  #releaseHeld(device: Device, turn: Turn): void {
    for (;;) {
      const next = device.order.expected;
      const held = device.held.get(next);
      if (held === undefined) return;
      device.held.delete(next);
      held.cancel();
      device.order.admit(next);
      this.#enqueue(held, false, turn);
    }
  }

  // ---- the queue of a conversation --------------------------------------------------------------------------------

  #enqueue({ request, later, halfMs }: Incoming, repeatOnly: boolean, turn: Turn): void {
    const { limits, outbox } = this.#options;
    const known = outbox.find(request);
    if (known !== undefined) {
      try {
        later.resolve(answerFromOutbox(known, request));
      } catch (error) {
        later.reject(toStarlingError(error));
      }
      return;
    }
    const waiting: Waiting = {
      request,
      repeatOnly,
      bytes: sizeOf(request.content),
      dueMs: Math.min(halfMs, turn.monotonic() + limits.outboxAfterMs),
      later,
      acceptedAtMs: undefined,
      uncertain: false,
    };
    if (this.#queued() >= limits.sendQueueMax) {
      this.#fail(waiting, new StarlingError('OVERLOADED', 'Too many sends wait.'));
      return;
    }
    this.#queue(request.conversationId).add(waiting, turn);
    if (waiting.later !== undefined && !repeatOnly) this.#watch(waiting.dueMs, turn);
  }

  /** Sends that wait without being in the outbox, which has a bound of its own. */
  #queued(): number {
    let queued = -this.#options.outbox.size;
    for (const queue of this.#queues.values()) queued += queue.size;
    return queued;
  }

  #queue(conversationId: string): SendQueue {
    let queue = this.#queues.get(conversationId);
    if (queue === undefined) {
      const { tenant, userId, limits, outbox, hasConversation } = this.#options;
      queue = new SendQueue(
        {
          tenant,
          userId,
          limits,
          outbox,
          hasConversation,
          note: (outcome, turn) => this.#note(outcome, turn),
          fail: (waiting, error) => this.#fail(waiting, error),
          emptied: (id) => this.#queues.delete(id),
        },
        conversationId,
      );
      this.#queues.set(conversationId, queue);
    }
    return queue;
  }

  /** One timer for all sends: it is not set anew for each, and finds nothing to do where they were answered in time. */
  #watch(dueMs: number, turn: Turn): void {
    if (dueMs >= this.#dueMs) return;
    this.#cancelDue();
    this.#dueMs = dueMs;
    this.#cancelDue = turn.after(Math.ceil(Math.max(0, dueMs - turn.monotonic())), (later) =>
      this.#acceptDue(later),
    );
  }

  #acceptDue(turn: Turn): void {
    this.#dueMs = Number.POSITIVE_INFINITY;
    for (const queue of this.#queues.values()) if (queue.dueMs() <= turn.monotonic()) queue.accept(turn);
    let next = Number.POSITIVE_INFINITY;
    for (const queue of this.#queues.values()) next = Math.min(next, queue.dueMs(turn.monotonic()));
    if (next < Number.POSITIVE_INFINITY) this.#watch(next, turn);
  }

  #note(outcome: SendOutcome, turn: Turn): number {
    const timeMs = this.#options.note(outcome, turn);
    this.#stayAwake(turn);
    return timeMs;
  }

  /** Q6. */
  #stayAwake(turn: Turn): void {
    if (this.#options.outbox.size > 0) this.#release ??= turn.keepAwake();
    else {
      this.#release?.();
      this.#release = undefined;
    }
  }

  #fail({ request, repeatOnly, later }: Waiting, error: StarlingError): void {
    const { order, deviceId } = request;
    // O3: only what the client will repeat; a refusal is an answer.
    if (order !== undefined && repeatable(error).retryAfterMs !== undefined && !repeatOnly) {
      this.#devices.get(deviceId)?.order.failed(order.session, Number(order.deviceSeq));
    }
    later?.reject(repeatable(error));
  }
}
