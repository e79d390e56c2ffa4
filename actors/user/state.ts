// What a user's actor knows: the fold of the timeline, and the devices. No I/O.

import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { type DeviceState, UserStateSchema } from '../../proto/gen/starling/actor/v1/user_pb.ts';
import { NotifyLevel } from '../../proto/gen/starling/im/v1/conversation_pb.ts';
import type { User } from '../../proto/gen/starling/im/v1/user_pb.ts';
import { Outbox, type OutboxLimits } from './outbox.ts';
import type { UserRow } from './record.ts';
import {
  applyChange,
  applyEntry,
  fromState,
  newSummary,
  type Summary,
  toState,
  unreadOf,
} from './summary.ts';

export class UserState {
  /** Drawn when the timeline came to be; 0 = it has not yet. */
  incarnation = 0n;
  known = false;
  profile: User | undefined;
  readonly devices = new Map<string, DeviceState>();
  readonly summaries = new Map<string, Summary>();
  lastTimeMs = 0;
  readonly outbox: Outbox;

  constructor(limits: OutboxLimits) {
    this.outbox = new Outbox(limits);
  }

  apply(seq: number, row: UserRow): void {
    this.lastTimeMs = row.timeMs;
    const { changed, conversationId, outcome } = row;
    if (outcome !== undefined) {
      this.outbox.apply(outcome, row.timeMs);
      return;
    }
    const id = changed?.conversationId ?? conversationId;
    let summary = this.summaries.get(id);
    if (summary === undefined) {
      summary = newSummary(id);
      this.summaries.set(id, summary);
    }
    if (changed === undefined) applyEntry(summary, seq, row);
    else applyChange(summary, changed);
  }

  /** Unread over all conversations that may disturb. */
  totalUnread(): number {
    let total = 0;
    for (const summary of this.summaries.values()) {
      if (summary.settings.notifyLevel !== NotifyLevel.NONE) total += unreadOf(summary);
    }
    return total;
  }

  /** Pinned first, then by time of the last entry, latest first, then by id. */
  sorted(): Summary[] {
    return [...this.summaries.values()].sort(
      (a, b) =>
        Number(b.settings.pinned) - Number(a.settings.pinned) ||
        b.lastTimeMs - a.lastTimeMs ||
        (a.conversationId < b.conversationId ? -1 : 1),
    );
  }

  restore(bytes: Uint8Array): void {
    const state = fromBinary(UserStateSchema, bytes);
    this.incarnation = state.incarnation;
    this.known = state.known;
    this.profile = state.profile;
    for (const device of state.devices) this.devices.set(device.deviceId, device);
    for (const summary of state.summaries) this.summaries.set(summary.conversationId, fromState(summary));
    this.lastTimeMs = Number(state.lastTimeMs);
    this.outbox.restore(state.outbox, state.failedSends);
  }

  snapshot(): Uint8Array {
    const state = create(UserStateSchema, {
      incarnation: this.incarnation,
      known: this.known,
      devices: [...this.devices.values()],
      summaries: [...this.summaries.values()].map(toState),
      lastTimeMs: BigInt(this.lastTimeMs),
      ...this.outbox.snapshot(),
    });
    if (this.profile !== undefined) state.profile = this.profile;
    return toBinary(UserStateSchema, state);
  }
}
