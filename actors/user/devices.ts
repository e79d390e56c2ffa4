// A user's devices: which there are, how far each has got, and which have a stream open now.

import { create } from '@bufbuild/protobuf';
import { type DeviceState, DeviceStateSchema } from '../../proto/gen/starling/actor/v1/user_pb.ts';
import { type Device, DeviceSchema } from '../../proto/gen/starling/im/v1/session_pb.ts';
import { StarlingError, type Turn } from '../../runtime/index.ts';
import type { ImLimits } from '../limits.ts';

/** An open stream of a device. */
export interface Attachment {
  /** Drawn by the connection. */
  readonly n: bigint;
  /** Key of the connection. */
  readonly connection: string;
}

export class Devices {
  readonly #states: Map<string, DeviceState>;
  readonly #limits: ImLimits;
  readonly #connectionKey: (deviceId: string) => string;
  readonly #attached = new Map<string, Attachment>();
  #release: (() => void) | undefined;

  /** `connectionKey`: the key of a device's connection. */
  constructor(
    states: Map<string, DeviceState>,
    limits: ImLimits,
    connectionKey: (deviceId: string) => string,
  ) {
    this.#states = states;
    this.#limits = limits;
    this.#connectionKey = connectionKey;
  }

  /** Devices with an open stream. */
  get attached(): ReadonlyMap<string, Attachment> {
    return this.#attached;
  }

  /**
   * Takes note of an open stream. Returns whether there is something new to be made durable.
   * @throws StarlingError TOO_MANY_DEVICES
   */
  attach(deviceId: string, deviceName: string, attachment: bigint, turn: Turn): boolean {
    const now = turn.now();
    let device = this.#states.get(deviceId);
    const fresh = device === undefined || (deviceName !== '' && device.deviceName !== deviceName);
    if (device === undefined) {
      this.#makeRoom(now);
      device = create(DeviceStateSchema, { deviceId });
      this.#states.set(deviceId, device);
    }
    if (deviceName !== '') device.deviceName = deviceName;
    device.lastOpenTimeMs = BigInt(now);
    this.#attached.set(deviceId, { n: attachment, connection: this.#connectionKey(deviceId) });
    this.#release ??= turn.keepAwake();
    return fresh;
  }

  detach(deviceId: string, attachment: bigint): void {
    if (this.#attached.get(deviceId)?.n !== attachment) return;
    this.#attached.delete(deviceId);
    if (this.#attached.size > 0) return;
    this.#release?.();
    this.#release = undefined;
  }

  acked(deviceId: string, userSeq: bigint): void {
    const device = this.#states.get(deviceId);
    if (device !== undefined && userSeq > device.ackedUserSeq) device.ackedUserSeq = userSeq;
  }

  /** Forgets a device. */
  remove(deviceId: string): void {
    const attachment = this.#attached.get(deviceId);
    if (attachment !== undefined) this.detach(deviceId, attachment.n);
    this.#states.delete(deviceId);
  }

  has(deviceId: string): boolean {
    return this.#states.has(deviceId);
  }

  /** As clients see them, by id. */
  list(): Device[] {
    return [...this.#states.values()]
      .sort((a, b) => (a.deviceId < b.deviceId ? -1 : 1))
      .map(({ deviceId, deviceName, ackedUserSeq, lastOpenTimeMs }) => {
        const connected = this.#attached.has(deviceId);
        return create(DeviceSchema, { deviceId, deviceName, connected, ackedUserSeq, lastOpenTimeMs });
      });
  }

  /** A device that has been silent for long makes room. */
  #makeRoom(now: number): void {
    const { devicesMax, deviceIdleMsMax } = this.#limits;
    if (this.#states.size < devicesMax) return;
    const silent = [...this.#states.values()]
      .filter(
        (one) => !this.#attached.has(one.deviceId) && now - Number(one.lastOpenTimeMs) > deviceIdleMsMax,
      )
      .sort((a, b) => Number(a.lastOpenTimeMs - b.lastOpenTimeMs));
    const oldest = silent[0];
    if (oldest === undefined) {
      throw new StarlingError('TOO_MANY_DEVICES', `At most ${devicesMax}: sign one out.`, {
        metadata: { devices_max: String(devicesMax) },
      });
    }
    this.#states.delete(oldest.deviceId);
  }
}
