// Whether Cassandra serves us. Owns: since when it has not, nodes that are set up in a way that breaks a promise. Does not own:
// what is done about it.

import type { Clock } from '../../runtime/ports/clock.ts';
import type { StoreHealth } from '../../runtime/ports/store.ts';
import type { Failure } from './failures.ts';
import { silentMsMax } from './limits.ts';

export class Pulse {
  readonly #clock: Clock;
  readonly #unsafe = new Map<string, string>();
  #servedMs: number;
  #failing: { readonly sinceMs: number; readonly detail: string } | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#servedMs = clock.monotonic();
  }

  succeeded(): void {
    this.#servedMs = this.#clock.monotonic();
    this.#failing = undefined;
  }

  /** `begunMs`: when the request was sent, by the monotonic clock. */
  failed(failure: Failure, begunMs: number): void {
    // A refusal is an answer: the server is there.
    if (failure.fate === 'refused') return;
    this.#failing ??= { sinceMs: Math.max(begunMs, this.#servedMs), detail: failure.detail };
  }

  /** Says in `health` that a node is set up wrongly; undefined takes it back. */
  setUnsafe(address: string, detail: string | undefined): void {
    if (detail === undefined) this.#unsafe.delete(address);
    else this.#unsafe.set(address, detail);
  }

  health(): StoreHealth {
    for (const detail of this.#unsafe.values()) return { ok: false, detail };
    const failing = this.#failing;
    if (failing === undefined) return { ok: true, detail: 'ok' };
    const ms = this.#clock.monotonic() - failing.sinceMs;
    if (ms < silentMsMax) return { ok: true, detail: 'ok' };
    const seconds = Math.round(ms / 1_000);
    return { ok: false, detail: `Cassandra has served nothing for ${seconds} s: ${failing.detail}` };
  }
}
