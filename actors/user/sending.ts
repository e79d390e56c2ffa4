// Sends of one user: the order of each device, then one queue per conversation.
//
// Q1  One batch under way per (user, conversation) (rule 14); what comes meanwhile goes with the next.
// Q2  A send that may be repeated by the client (not known, overloaded) takes all that queue behind it with it, so that
//     nothing overtakes it.
// Q3  A user's mailbox never waits for a conversation: the answer comes as a turn of its own.

import type { PostResponse } from '../../proto/gen/starling/actor/v1/group_pb.ts';
import type { UserSendRequest, UserSendResponse } from '../../proto/gen/starling/actor/v1/user_pb.ts';
import type { CallOutcome, Later, Turn } from '../../runtime/index.ts';
import { StarlingError } from '../../runtime/index.ts';
import { groupKey, userKey } from '../ids.ts';
import type { ImLimits } from '../limits.ts';
import { GroupActor, UserActor } from '../types.ts';
import { answerOf, codeOf, entryOf, notThere, outOfOrder, repeatable } from './send-answers.ts';
import { DeviceOrder } from './send-order.ts';

interface Pending {
  readonly request: UserSendRequest;
  readonly later: Later<UserSendResponse>;
  readonly repeatOnly: boolean;
  readonly bytes: number;
}

interface Held {
  readonly request: UserSendRequest;
  readonly later: Later<UserSendResponse>;
  readonly cancel: () => void;
}

interface Device {
  readonly order: DeviceOrder;
  readonly held: Map<number, Held>;
}

interface Queue {
  readonly pending: Pending[];
  underWay: boolean;
}

export interface SendingOptions {
  readonly tenant: string;
  readonly userId: string;
  readonly limits: ImLimits;
  /** The user has the conversation already, so its peer need not be looked up. */
  readonly hasConversation: (conversationId: string) => boolean;
}

/** Rough size of a content, for the bound of a batch. */
function sizeOf({ content }: UserSendRequest): number {
  const body = content?.body;
  if (body?.case === 'text') return body.value.text.length * 3;
  if (body?.case === 'custom') return body.value.data.length;
  return 0;
}

export class Sending {
  readonly #options: SendingOptions;
  readonly #devices = new Map<string, Device>();
  readonly #queues = new Map<string, Queue>();
  #queued = 0;

  constructor(options: SendingOptions) {
    this.#options = options;
  }

  send(request: UserSendRequest, turn: Turn): Later<UserSendResponse> {
    const later = turn.defer<UserSendResponse>();
    const { order } = request;
    if (order === undefined) {
      this.#enqueue(request, later, false, turn);
      return later;
    }
    const device = this.#device(request.deviceId);
    if (device.order.enter(order)) this.#dropHeld(device);
    const deviceSeq = Number(order.deviceSeq);
    switch (device.order.admit(deviceSeq)) {
      case 'go':
        this.#enqueue(request, later, false, turn);
        break;
      case 'repeat':
        this.#enqueue(request, later, true, turn);
        break;
      case 'hold':
        this.#hold(device, deviceSeq, request, later, turn);
        break;
      case 'too_far':
        later.reject(outOfOrder(device.order));
        break;
    }
    this.#releaseHeld(device, turn);
    return later;
  }

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

  #hold(
    device: Device,
    deviceSeq: number,
    request: UserSendRequest,
    later: Later<UserSendResponse>,
    turn: Turn,
  ): void {
    this.#letGo(device, deviceSeq);
    const cancel = turn.after(this.#options.limits.sendGapMsMax, () => this.#letGo(device, deviceSeq));
    device.held.set(deviceSeq, { request, later, cancel });
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
      this.#enqueue(held.request, held.later, false, turn);
    }
  }

  #enqueue(request: UserSendRequest, later: Later<UserSendResponse>, repeatOnly: boolean, turn: Turn): void {
    const { conversationId } = request;
    const pending: Pending = { request, later, repeatOnly, bytes: sizeOf(request) };
    if (this.#queued >= this.#options.limits.sendQueueMax) {
      this.#fail(pending, new StarlingError('OVERLOADED', 'Too many sends wait.'));
      return;
    }
    let queue = this.#queues.get(conversationId);
    if (queue === undefined) {
      queue = { pending: [], underWay: false };
      this.#queues.set(conversationId, queue);
    }
    queue.pending.push(pending);
    this.#queued++;
    this.#pump(conversationId, queue, turn);
  }

  #pump(conversationId: string, queue: Queue, turn: Turn): void {
    if (queue.underWay) return;
    const first = queue.pending[0];
    if (first === undefined) {
      this.#queues.delete(conversationId);
      return;
    }
    queue.underWay = true;
    if (this.#options.hasConversation(conversationId)) {
      this.#post(conversationId, queue, turn);
      return;
    }
    // Opening an actor writes, so a name that somebody made up is looked up first.
    const { tenant } = this.#options;
    const { directUserId } = first.request;
    const exists =
      directUserId === ''
        ? turn.exists(GroupActor, groupKey(tenant, conversationId))
        : turn.exists(UserActor, userKey(tenant, directUserId));
    turn.when(exists, (outcome, later) => {
      if (!outcome.ok) this.#failAll(conversationId, queue, outcome.error);
      else if (!outcome.value) this.#failAll(conversationId, queue, notThere(first.request));
      else if (directUserId === '') this.#post(conversationId, queue, later);
      else this.#askPeer(conversationId, queue, directUserId, later);
    });
  }

  #askPeer(conversationId: string, queue: Queue, directUserId: string, turn: Turn): void {
    const key = userKey(this.#options.tenant, directUserId);
    turn.ask(UserActor, key, { passing: true }).describe({}, (outcome, later) => {
      if (outcome.ok && outcome.value.known) this.#post(conversationId, queue, later);
      else
        this.#failAll(
          conversationId,
          queue,
          outcome.ok ? new StarlingError('USER_NOT_FOUND', directUserId) : outcome.error,
        );
    });
  }

  #post(conversationId: string, queue: Queue, turn: Turn): void {
    const { tenant, userId } = this.#options;
    const batch = this.#takeBatch(queue);
    const directUserId = batch[0]?.request.directUserId ?? '';
    const directUserIds = directUserId === '' ? [] : [userId, directUserId].sort();
    turn.ask(GroupActor, groupKey(tenant, conversationId), { passing: true }).post(
      {
        senderId: userId,
        entries: batch.map(({ request, repeatOnly }) => entryOf(request, repeatOnly)),
        directUserIds,
      },
      (outcome, later) => {
        this.#posted(conversationId, queue, batch, outcome, later);
      },
    );
  }

  #takeBatch(queue: Queue): Pending[] {
    const { postEntriesMax, postBytesMax } = this.#options.limits;
    let bytes = 0;
    let count = 0;
    for (const pending of queue.pending) {
      bytes += pending.bytes;
      if (count > 0 && (count >= postEntriesMax || bytes > postBytesMax)) break;
      count++;
    }
    this.#queued -= count;
    return queue.pending.splice(0, count);
  }

  #posted(
    conversationId: string,
    queue: Queue,
    batch: Pending[],
    outcome: CallOutcome<PostResponse>,
    turn: Turn,
  ): void {
    if (!outcome.ok) {
      queue.pending.unshift(...batch);
      this.#queued += batch.length;
      this.#failAll(conversationId, queue, outcome.error);
      return;
    }
    batch.forEach((pending, i) => {
      const result = outcome.value.results[i];
      if (result === undefined) this.#fail(pending, new StarlingError('INTERNAL'));
      else if (result.errorCode === '') pending.later.pass(answerOf(conversationId, result));
      else this.#fail(pending, new StarlingError(codeOf(result.errorCode)));
    });
    queue.underWay = false;
    this.#pump(conversationId, queue, turn);
  }

  /** Q2. */
  #failAll(conversationId: string, queue: Queue, error: StarlingError): void {
    this.#queues.delete(conversationId);
    this.#queued -= queue.pending.length;
    for (const pending of queue.pending.splice(0)) this.#fail(pending, error);
  }

  #fail(pending: Pending, error: StarlingError): void {
    const { order, deviceId } = pending.request;
    // O3: only what the client will repeat; a refusal is an answer.
    if (order !== undefined && repeatable(error).retryAfterMs !== undefined && !pending.repeatOnly) {
      this.#devices.get(deviceId)?.order.failed(order.session, Number(order.deviceSeq));
    }
    pending.later.reject(repeatable(error));
  }
}
