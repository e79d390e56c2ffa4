// What the SDK needs from outside: time, randomness, a transport, and the means to share one connection between pages.
// Tests give their own; env.ts gives those of a browser or of Node.

import type {
  DescMessage,
  DescMethodServerStreaming,
  DescMethodUnary,
  MessageShape,
} from '@bufbuild/protobuf';
import type { LocalStore } from './api.ts';

/** Undoes a timer; harmless once it has fired. */
export interface Timer {
  cancel(): void;
}

export interface Clock {
  /** Milliseconds since 1970-01-01 UTC; may jump. For time stamps shown to people only. */
  now(): number;
  /** Runs `task` once after at least `delayMs`. */
  after(delayMs: number, task: () => void): Timer;
}

export interface Random {
  /** Uniform in [0, 1). */
  float(): number;
  /** 64 unpredictable bits. */
  bits64(): bigint;
}

export interface CallOptions {
  /** Base address without a slash at the end. */
  readonly address: string;
  readonly token: string;
  readonly signal: AbortSignal;
  /** Told to the server; the caller enforces it by `signal`. Absent on streams. */
  readonly timeoutMs?: number;
}

/** Carries calls. Both methods reject with SdkError. */
export interface Transport {
  unary<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    request: MessageShape<I>,
    options: CallOptions,
  ): Promise<MessageShape<O>>;
  /** Resolves when the server ends the stream with OK. `onMessage` is called in order. */
  stream<I extends DescMessage, O extends DescMessage>(
    method: DescMethodServerStreaming<I, O>,
    request: MessageShape<I>,
    options: CallOptions,
    onMessage: (message: MessageShape<O>) => void,
  ): Promise<void>;
}

/** One end of a broadcast between the pages of a browser. A page does not hear itself. */
export interface Channel {
  post(message: unknown): void;
  close(): void;
}

/** What sharing a connection needs. */
export interface Sharing {
  channel(name: string, onMessage: (message: unknown) => void): Channel;
  /** Runs `held` while this page alone holds the lock `name`; waits for it until `signal` aborts. */
  lock(name: string, signal: AbortSignal, held: () => Promise<void>): Promise<void>;
}

export interface Environment {
  readonly clock: Clock;
  readonly random: Random;
  readonly transport: Transport;
  /** Used where the options name no address. */
  readonly address: string;
  /** Absent: every client has a connection of its own. */
  readonly sharing?: Sharing;
  /** Calls back when the network is said to have come back; returns how to stop. */
  onOnline(callback: () => void): () => void;
  /** Where the SDK goes on when the application's store has failed. */
  fallbackStore(): LocalStore;
}
