// What may be pushed to a device: a window of unacknowledged deliveries, beyond it a notification. Pure.
//
// W1  Entries are pushed in order, each at most once, and only directly after the last one the device was given.
// W2  While the window is full, or after a hole, nothing is pushed: the device is told the head and pulls.
// W3  Pushing starts again when the device has everything up to the head.

export interface WindowLimits {
  readonly windowDeliveriesMax: number;
  readonly windowBytesMax: number;
}

interface InFlight {
  readonly userSeq: number;
  readonly bytes: number;
}

export type PushDecision = 'push' | 'notify' | 'nothing';

export class PushWindow {
  readonly #limits: WindowLimits;
  #given: number;
  #head: number;
  #notifying: boolean;
  #notified: number;
  #inFlight: InFlight[] = [];
  #bytes = 0;

  /** `given`: the device's own position; `head`: that of the timeline. */
  constructor(limits: WindowLimits, given: number, head: number) {
    this.#limits = limits;
    this.#given = given;
    this.#head = head;
    this.#notifying = given < head;
    this.#notified = given < head ? head : 0;
  }

  get head(): number {
    return this.#head;
  }

  /** True: the device was told to pull and has not caught up. */
  get notifying(): boolean {
    return this.#notifying;
  }

  /** Deliveries pushed and not acknowledged. */
  get unacked(): number {
    return this.#inFlight.length;
  }

  /** New contiguous entries `first` … `last`. */
  offer(first: number, last: number, bytes: number): PushDecision {
    if (last <= this.#head) return 'nothing';
    this.#head = last;
    const count = last - first + 1;
    const { windowDeliveriesMax, windowBytesMax } = this.#limits;
    const fits =
      this.#inFlight.length + count <= windowDeliveriesMax && this.#bytes + bytes <= windowBytesMax;
    // One entry that is larger than the whole window still goes when nothing else is under way.
    const alone = this.#inFlight.length === 0 && count === 1;
    if (!this.#notifying && first === this.#given + 1 && (fits || alone)) {
      this.#given = last;
      for (let seq = first; seq <= last; seq++) this.#inFlight.push({ userSeq: seq, bytes: bytes / count });
      this.#bytes += bytes;
      return 'push';
    }
    this.#notifying = true;
    return this.#notify();
  }

  /** The head as a heartbeat heard it; 'notify' if a push was lost. */
  learnHead(head: number): PushDecision {
    if (head <= this.#head) return 'nothing';
    this.#head = head;
    this.#notifying = true;
    return this.#notify();
  }

  #notify(): PushDecision {
    if (this.#notified >= this.#head) return 'nothing';
    this.#notified = this.#head;
    return 'notify';
  }

  /** The device has everything up to `userSeq`: durably (`acked`), or in an answer to a pull. */
  has(userSeq: number, acked: boolean): void {
    if (acked) {
      let count = 0;
      while (count < this.#inFlight.length && (this.#inFlight[count]?.userSeq ?? 0) <= userSeq) {
        this.#bytes -= this.#inFlight[count]?.bytes ?? 0;
        count++;
      }
      if (count > 0) this.#inFlight = this.#inFlight.slice(count);
      if (this.#inFlight.length === 0) this.#bytes = 0;
    }
    if (userSeq > this.#given) this.#given = Math.min(userSeq, this.#head);
    if (this.#given >= this.#head) this.#notifying = false;
  }
}
