// Keeps a line to the server: token, Navigate, Open, Welcome, heartbeats, rotation, back-off, and long polls where
// streams do not get through. Pure: inputs are results, frames and timers; outputs are effects. What the frames carry
// is the business of timeline.ts.
//
// 1. Frames and ends of a stream other than the newest one change nothing.
// 2. In `waiting` exactly the reconnect timer runs; in `opening` the welcome timer; in `open` the watchdog.
// 3. `ended` is left only by `connect`.

import type { StateChange } from '../api.ts';
import type { Done } from '../done.ts';
import { isPermanent, isTokenRefused, isTransient, SdkError } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import { Addresses } from './addresses.ts';
import { backoff } from './backoff.ts';
import {
  CONNECTION_TIMERS,
  type ConnectionEffect,
  type ConnectionInput,
  type ConnectionTimer,
  type KickReason,
  NOT_CONNECTED,
  type WelcomeFacts,
} from './connection-io.ts';

type Phase = 'idle' | 'token' | 'navigating' | 'opening' | 'open' | 'polling' | 'waiting' | 'ended';

export class Connection {
  readonly #random: () => number;
  #phase: Phase = 'idle';
  #state: StateChange = NOT_CONNECTED;
  #stream = 0;
  #attempt = 0;
  #refreshAttempt = 0;
  #refused = 0;
  #needFreshToken = false;
  #spreadMs = 0;
  #heartbeatMs: number = LIMITS.heartbeatDefaultMs;
  readonly #addresses: Addresses;
  /** Given by a Rotate; spares one Navigate. */
  #rotateTo = '';

  /** `random` is uniform in [0, 1); `base`: where to begin. */
  constructor(random: () => number, base: string) {
    this.#random = random;
    this.#addresses = new Addresses(base);
  }

  get state(): StateChange {
    return this.#state;
  }

  /** The stream whose frames count; 0 = none yet. */
  get stream(): number {
    return this.#stream;
  }

  handle(input: ConnectionInput): ConnectionEffect[] {
    const out: ConnectionEffect[] = [];
    if ('stream' in input) this.#onStream(input, out);
    else this.#onOther(input, out);
    return out;
  }

  #onOther(input: Exclude<ConnectionInput, { stream: number }>, out: ConnectionEffect[]): Done {
    switch (input.kind) {
      case 'connect':
        if (this.#phase === 'idle' || this.#phase === 'ended') {
          this.#attempt = 0;
          this.#refused = 0;
          this.#addresses.forget();
          this.#begin(out, 'connect', 'Connecting.');
        }
        return;
      case 'disconnect':
        return this.#end(out, 'closed', 'Disconnected by the application.');
      case 'online':
        this.#addresses.forget();
        if (this.#phase === 'waiting') this.#begin(out, 'network', 'The network is back.');
        return;
      case 'token_ready':
        if (this.#phase === 'token') this.#onToken(out);
        return;
      case 'token_failed':
        if (this.#phase !== 'token') return;
        if (input.error.code === 'token') return this.#end(out, 'token', input.error.message);
        return this.#fail(input.error, out);
      case 'navigated':
        if (this.#phase !== 'navigating') return;
        this.#addresses.navigated(input.address);
        return this.#open(out);
      case 'navigate_failed':
        if (this.#phase !== 'navigating') return;
        if (isTransient(input.error)) this.#addresses.notAnswered();
        return this.#fail(input.error, out);
      case 'polled':
        if (this.#phase !== 'polling') return;
        this.#refused = 0;
        this.#attempt = 0;
        return this.#setState(out, { state: 'connected', code: 'poll', reason: 'Connected by long polls.' });
      case 'poll_failed':
        if (this.#phase === 'polling') this.#fail(input.error, out);
        return;
      case 'refreshed':
        this.#refreshAttempt = 0;
        return;
      case 'refresh_failed':
        return this.#onRefreshFailed(input.error, out);
      case 'timer':
        return this.#onTimer(input.timer, out);
    }
  }

  #onStream(input: Extract<ConnectionInput, { stream: number }>, out: ConnectionEffect[]): Done {
    if (input.stream !== this.#stream) return;
    if (input.kind === 'welcome') return this.#onWelcome(input.welcome, out);
    if (input.kind === 'stream_ended') return this.#onStreamEnded(input.error, out);
    // Kicked may be the only frame of a stream: a refusal counts whether or not a Welcome came before it.
    if (input.kind === 'kicked') return this.#onKicked(input.reason, out);
    if (this.#phase !== 'open') return;
    this.#setTimer(out, 'watchdog', this.#heartbeatMs * LIMITS.heartbeatsMissedMax);
    if (input.kind === 'rotate') {
      this.#rotateTo = input.address;
      this.#setTimer(out, 'rotate', Math.floor(this.#random() * input.spreadMs));
    } else if (input.kind === 'token_expiring') {
      out.push({ kind: 'refresh' });
    }
  }

  #begin(out: ConnectionEffect[], code: string, reason: string): Done {
    this.#phase = 'token';
    out.push({ kind: 'cancel_timer', timer: 'reconnect' });
    this.#setState(out, { state: 'connecting', code, reason });
    out.push({ kind: 'get_token', fresh: this.#needFreshToken });
  }

  #onToken(out: ConnectionEffect[]): Done {
    this.#needFreshToken = false;
    this.#phase = 'navigating';
    out.push({ kind: 'navigate', address: this.#addresses.asked });
  }

  /** Opens a new stream and forgets the one before. */
  #open(out: ConnectionEffect[]): Done {
    this.#phase = 'opening';
    this.#nextStream(out);
  }

  #nextStream(out: ConnectionEffect[]): Done {
    if (this.#stream > 0) out.push({ kind: 'close', stream: this.#stream });
    this.#stream += 1;
    out.push({ kind: 'open', stream: this.#stream, address: this.#addresses.current });
    this.#setTimer(out, 'welcome', LIMITS.welcomeTimeoutMs);
  }

  #onWelcome(welcome: WelcomeFacts, out: ConnectionEffect[]): Done {
    this.#phase = 'open';
    this.#addresses.welcome();
    this.#refused = 0;
    this.#refreshAttempt = 0;
    this.#spreadMs = welcome.reconnectSpreadMs;
    this.#heartbeatMs = welcome.heartbeatMs === 0 ? LIMITS.heartbeatDefaultMs : welcome.heartbeatMs;
    out.push({ kind: 'cancel_timer', timer: 'welcome' }, { kind: 'cancel_timer', timer: 'stream_retry' });
    this.#setTimer(out, 'watchdog', this.#heartbeatMs * LIMITS.heartbeatsMissedMax);
    this.#setTimer(out, 'stable', LIMITS.stableAfterMs);
    this.#setState(out, { state: 'connected', code: 'stream', reason: 'Connected by a stream.' });
    out.push({ kind: 'line', mode: 'push' });
  }

  #onStreamEnded(error: SdkError | undefined, out: ConnectionEffect[]): Done {
    // A trial while polling: the polls go on.
    if (this.#phase === 'polling') return this.#endTrial(out);
    if (this.#phase !== 'opening' && this.#phase !== 'open') return;
    if (this.#phase === 'opening' && error?.code === 'network') this.#addresses.notReached();
    const cause = error ?? lineLost('The server ended the stream.');
    this.#fail(cause, out, this.#phase === 'open' ? this.#spreadMs : 0);
  }

  #onKicked(reason: KickReason, out: ConnectionEffect[]): Done {
    switch (reason) {
      case 'replaced':
        return this.#end(out, 'kicked_replaced', 'The same device connected from elsewhere.');
      case 'signed_out':
        return this.#end(out, 'kicked_signed_out', 'This device was signed out.');
      case 'token_expired':
        return this.#fail(
          new SdkError('TOKEN_EXPIRED', 'The token has expired.', { status: 'UNAUTHENTICATED' }),
          out,
        );
    }
  }

  #onRefreshFailed(error: SdkError, out: ConnectionEffect[]): Done {
    if (this.#phase !== 'open') return;
    if (error.code === 'token') return this.#end(out, 'token', error.message);
    const wait = { attempt: this.#refreshAttempt, random: this.#random(), retryAfterMs: error.retryAfterMs };
    this.#refreshAttempt += 1;
    this.#setTimer(out, 'refresh', backoff(wait));
  }

  #onTimer(timer: ConnectionTimer, out: ConnectionEffect[]): Done {
    switch (timer) {
      case 'reconnect':
        if (this.#phase === 'waiting') this.#begin(out, this.#state.code, this.#state.reason);
        return;
      case 'welcome':
        if (this.#phase === 'polling') return this.#endTrial(out);
        if (this.#phase !== 'opening') return;
        // The address leads nowhere, or streams do not get through.
        if (!this.#addresses.notReached()) return this.#startPolling(out);
        return this.#fail(lineLost('No Welcome in time.'), out);
      case 'watchdog':
        if (this.#phase !== 'open') return;
        return this.#fail(lineLost('The heartbeat stayed away.'), out);
      case 'stable':
        if (this.#phase === 'open') this.#attempt = 0;
        return;
      case 'rotate':
        if (this.#phase === 'open') this.#rotate(out);
        return;
      case 'refresh':
        if (this.#phase === 'open') out.push({ kind: 'refresh' });
        return;
      case 'stream_retry':
        if (this.#phase === 'polling') this.#nextStream(out);
        return;
    }
  }

  /** Moves to another stream. The state stays `connected`: nothing is wrong. */
  #rotate(out: ConnectionEffect[]): Done {
    const to = this.#rotateTo;
    this.#rotateTo = '';
    if (to !== '' && !this.#addresses.rotate(to)) return;
    out.push({ kind: 'cancel_timer', timer: 'watchdog' });
    if (to !== '') return this.#open(out);
    this.#phase = 'navigating';
    out.push({ kind: 'close', stream: this.#stream }, { kind: 'navigate', address: this.#addresses.asked });
  }

  #startPolling(out: ConnectionEffect[]): Done {
    this.#phase = 'polling';
    this.#endTrial(out);
    out.push({ kind: 'line', mode: 'poll' });
  }

  #endTrial(out: ConnectionEffect[]): Done {
    out.push({ kind: 'close', stream: this.#stream }, { kind: 'cancel_timer', timer: 'welcome' });
    this.#setTimer(out, 'stream_retry', LIMITS.streamRetryMs);
  }

  /** Something broke: gives up, or tries again at once (first refusal of a token), or after a wait. */
  #fail(error: SdkError, out: ConnectionEffect[], spreadMs = 0): Done {
    if (isPermanent(error)) return this.#end(out, error.code, error.message);
    if (isTokenRefused(error)) {
      this.#needFreshToken = true;
      this.#refused += 1;
      if (this.#refused >= LIMITS.tokensRefusedMax) return this.#end(out, 'token', error.message);
    }
    this.#quiet(out);
    if (isTokenRefused(error) && this.#refused === 1) return this.#begin(out, error.code, error.message);
    this.#phase = 'waiting';
    this.#setState(out, { state: 'connecting', code: error.code, reason: error.message });
    const { retryAfterMs } = error;
    const wait = { attempt: this.#attempt, random: this.#random(), retryAfterMs, spreadMs };
    this.#attempt += 1;
    this.#setTimer(out, 'reconnect', backoff(wait));
  }

  #end(out: ConnectionEffect[], code: string, reason: string): Done {
    this.#quiet(out);
    this.#phase = 'ended';
    this.#needFreshToken = code === 'token';
    this.#setState(out, { state: 'disconnected', code, reason, terminal: true });
  }

  /** Ends stream, timers and line. */
  #quiet(out: ConnectionEffect[]): Done {
    for (const timer of CONNECTION_TIMERS) out.push({ kind: 'cancel_timer', timer });
    if (this.#stream > 0) out.push({ kind: 'close', stream: this.#stream });
    // Whatever the closed stream still says is from the past.
    this.#stream += 1;
    this.#rotateTo = '';
    out.push({ kind: 'line', mode: 'none' });
  }

  #setTimer(out: ConnectionEffect[], timer: ConnectionTimer, delayMs: number): Done {
    out.push({ kind: 'set_timer', timer, delayMs });
  }

  #setState(out: ConnectionEffect[], change: Omit<StateChange, 'terminal'> & { terminal?: boolean }): Done {
    const next: StateChange = { ...change, terminal: change.terminal ?? false };
    const before = this.#state;
    this.#state = next;
    if (before.state !== next.state || before.code !== next.code) out.push({ kind: 'state', change: next });
  }
}

function lineLost(text: string): SdkError {
  return new SdkError('network', text, { status: 'UNAVAILABLE' });
}
