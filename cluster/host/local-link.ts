// The asking end of a connection to another process of the host. Owns: making it when it is needed, answers to their
// requests, deadlines. Does not own: which process that is (host-transport.ts), the answering end (local-server.ts).
//
// Invariants:
// H1  Every request settles: by its answer, by its deadline, or when the connection ends.
// H2  What was handed to a connection that ended has an unknown outcome; nothing is sent twice.
// H3  Nobody waits for a connection: while there is none, `request` refuses to take anything, and the other way is used.

import { connect, type Socket } from 'node:net';
import { type Clock, ERRORS, type ErrorCode, StarlingError } from '../../runtime/index.ts';
import { FAILURE_BYTES_MAX, type Frame, FrameReader, headOf } from './frames.ts';
import type { HostLimits } from './limits.ts';

interface Pending {
  readonly deadlineMs: number;
  readonly resolve: (bytes: Uint8Array) => void;
  readonly reject: (error: StarlingError) => void;
}

export class LocalLink {
  readonly #path: string;
  readonly #node: string;
  readonly #limits: HostLimits;
  readonly #clock: Clock;
  readonly #pending = new Map<number, Pending>();
  #socket: Socket | undefined;
  #open = false;
  #corked = false;
  #nextId = 0;
  #triedMs = Number.NEGATIVE_INFINITY;
  #stepping = false;
  #ended = false;

  constructor(node: string, path: string, limits: HostLimits, clock: Clock) {
    this.#node = node;
    this.#path = path;
    this.#limits = limits;
    this.#clock = clock;
  }

  /** H3: undefined = there is no connection. @throws StarlingError OVERLOADED, OUTCOME_UNKNOWN, DEADLINE_EXCEEDED */
  request(envelope: Uint8Array, timeoutMs: number): Promise<Uint8Array> | undefined {
    const socket = this.#socket;
    if (socket === undefined || !this.#open) {
      this.#connect();
      return undefined;
    }
    const { requestsMax, waitingBytesMax } = this.#limits;
    if (this.#pending.size >= requestsMax || socket.writableLength + envelope.length > waitingBytesMax)
      return Promise.reject(new StarlingError('OVERLOADED', `Too much is on its way to ${this.#node}.`));
    const id = this.#nextId;
    this.#nextId = (id + 1) >>> 0;
    const deadlineMs = this.#clock.monotonic() + timeoutMs;
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { deadlineMs, resolve, reject });
      this.#cork(socket);
      socket.write(headOf('request', id, envelope.length));
      socket.write(envelope);
      this.#step();
    });
  }

  /** Ends the connection; what waits for an answer has an unknown outcome. */
  close(): void {
    this.#ended = true;
    this.#socket?.destroy();
  }

  #connect(): void {
    const nowMs = this.#clock.monotonic();
    if (this.#ended || this.#socket !== undefined || nowMs - this.#triedMs < this.#limits.reconnectMs) return;
    this.#triedMs = nowMs;
    const socket = connect({ path: this.#path });
    const reader = new FrameReader(this.#limits.envelopeBytesMax);
    this.#socket = socket;
    socket.on('connect', () => {
      this.#open = true;
    });
    socket.on('data', (chunk) => {
      const frames = reader.take(chunk);
      if (frames === undefined) socket.destroy();
      else for (const frame of frames) this.#answered(frame);
    });
    // What an error was is in `close`, which follows it.
    socket.on('error', () => {});
    socket.on('close', () => this.#closed(socket));
  }

  /** What is handed over in one tick leaves in one write. */
  #cork(socket: Socket): void {
    if (this.#corked) return;
    this.#corked = true;
    socket.cork();
    setImmediate(() => {
      this.#corked = false;
      socket.uncork();
    });
  }

  #answered({ kind, id, bytes }: Frame): void {
    const pending = this.#pending.get(id);
    if (pending === undefined) return;
    this.#pending.delete(id);
    if (kind === 'reply') pending.resolve(bytes);
    else pending.reject(failureOf(bytes));
  }

  /** H2. */
  #closed(socket: Socket): void {
    if (this.#socket !== socket) return;
    this.#socket = undefined;
    this.#open = false;
    const lost = [...this.#pending.values()];
    this.#pending.clear();
    for (const { reject } of lost)
      reject(new StarlingError('OUTCOME_UNKNOWN', `${this.#node}: its process has ended.`));
  }

  /** H1. */
  #step(): void {
    if (this.#stepping) return;
    this.#stepping = true;
    this.#clock.after(this.#limits.stepMs, () => {
      this.#stepping = false;
      const nowMs = this.#clock.monotonic();
      for (const [id, { deadlineMs, reject }] of this.#pending) {
        if (deadlineMs > nowMs) continue;
        this.#pending.delete(id);
        reject(new StarlingError('DEADLINE_EXCEEDED', `${this.#node} has not answered.`));
      }
      if (this.#pending.size > 0) this.#step();
    });
  }
}

/** A failure on its way: `CODE text`. */
export function failureBytes({ code, message }: StarlingError): Uint8Array {
  return Buffer.from(`${code} ${message}`).subarray(0, FAILURE_BYTES_MAX);
}

function failureOf(bytes: Uint8Array): StarlingError {
  const text = Buffer.from(bytes).toString('utf8');
  const [code = ''] = text.split(' ', 1);
  return new StarlingError(
    code in ERRORS ? (code as ErrorCode) : 'OUTCOME_UNKNOWN',
    text.slice(code.length + 1),
  );
}
