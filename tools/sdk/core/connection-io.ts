// What goes into the connection's state machine and what comes out of it.

import type { StateChange } from '../api.ts';
import type { SdkError } from '../errors.ts';

/** Every timer of the connection. */
export const CONNECTION_TIMERS = [
  'reconnect',
  'welcome',
  'watchdog',
  'stable',
  'rotate',
  'refresh',
  'stream_retry',
] as const;

export type ConnectionTimer = (typeof CONNECTION_TIMERS)[number];

export interface WelcomeFacts {
  /** Milliseconds; 0 = not said. */
  readonly heartbeatMs: number;
  readonly reconnectSpreadMs: number;
}

export type KickReason = 'replaced' | 'signed_out' | 'token_expired';

export type ConnectionInput =
  | { readonly kind: 'connect' }
  | { readonly kind: 'disconnect' }
  | { readonly kind: 'online' }
  | { readonly kind: 'token_ready' }
  | { readonly kind: 'token_failed'; readonly error: SdkError }
  | { readonly kind: 'navigated'; readonly address: string }
  | { readonly kind: 'navigate_failed'; readonly error: SdkError }
  | { readonly kind: 'welcome'; readonly stream: number; readonly welcome: WelcomeFacts }
  | { readonly kind: 'alive'; readonly stream: number }
  | {
      readonly kind: 'rotate';
      readonly stream: number;
      readonly spreadMs: number;
      readonly address: string;
    }
  | { readonly kind: 'token_expiring'; readonly stream: number }
  | { readonly kind: 'kicked'; readonly stream: number; readonly reason: KickReason }
  | { readonly kind: 'stream_ended'; readonly stream: number; readonly error: SdkError | undefined }
  | { readonly kind: 'polled' }
  | { readonly kind: 'poll_failed'; readonly error: SdkError }
  | { readonly kind: 'refreshed' }
  | { readonly kind: 'refresh_failed'; readonly error: SdkError }
  | { readonly kind: 'timer'; readonly timer: ConnectionTimer };

export type ConnectionEffect =
  /** Have a token at hand; `fresh`: not the one used so far. */
  | { readonly kind: 'get_token'; readonly fresh: boolean }
  | { readonly kind: 'navigate'; readonly address: string }
  | { readonly kind: 'open'; readonly stream: number; readonly address: string }
  | { readonly kind: 'close'; readonly stream: number }
  | { readonly kind: 'refresh' }
  | { readonly kind: 'set_timer'; readonly timer: ConnectionTimer; readonly delayMs: number }
  | { readonly kind: 'cancel_timer'; readonly timer: ConnectionTimer }
  | { readonly kind: 'line'; readonly mode: LineMode }
  | { readonly kind: 'state'; readonly change: StateChange };

/** How news arrives: by the stream, by long polls, or not at all. */
export type LineMode = 'push' | 'poll' | 'none';

/** Before the first `connect`. */
export const NOT_CONNECTED: StateChange = {
  state: 'disconnected',
  code: 'closed',
  reason: 'Not connected yet.',
  terminal: true,
};
