// One connection for all pages of a browser. The page that holds the lock leads: it runs the engine and answers the
// others; those forward every operation and hear every event. Everything goes through the leader, reads too, so that
// all pages see one view also where the local store is memory or has failed.
//
// 1. At most one page leads: the lock says who. When it goes, the lock passes on, and the next one leads.
// 2. A forwarded operation without an answer is forwarded again to the next leader; operations may be repeated.

import type { Backend, BackendEvent, OperationName, Operations, Snapshot } from './backend.ts';
import { SdkError, type SdkErrorOptions, toSdkError } from './errors.ts';
import { invoke } from './local-backend.ts';
import type { Channel, Sharing } from './ports.ts';

type Wire =
  | { readonly kind: 'hello' }
  | { readonly kind: 'leader'; readonly snapshot: Snapshot }
  | {
      readonly kind: 'call';
      readonly page: string;
      readonly id: number;
      readonly name: OperationName;
      readonly args: unknown[];
    }
  | { readonly kind: 'result'; readonly page: string; readonly id: number; readonly value: unknown }
  | { readonly kind: 'error'; readonly page: string; readonly id: number; readonly error: WireError }
  | { readonly kind: 'told'; readonly event: BackendEvent };

interface WireError extends Pick<SdkErrorOptions, 'status' | 'metadata' | 'retryAfterMs' | 'violations'> {
  readonly code: string;
  readonly message: string;
}

/** A leader's engine, as this module needs it. */
export interface Leading {
  readonly operations: Operations;
  snapshot(): Snapshot;
  close(): Promise<void>;
}

export interface SharedOptions {
  readonly sharing: Sharing;
  /** The same for all pages that share. */
  readonly name: string;
  /** Unique for this page. */
  readonly page: string;
  /** Starts the engine of a page that leads. */
  readonly lead: (tell: (event: BackendEvent) => void) => Promise<Leading>;
  readonly tell: (event: BackendEvent) => void;
}

interface Pending {
  readonly name: OperationName;
  readonly args: unknown[];
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: SdkError) => void;
}

/** Joins the pages that share `name`. */
export function sharedBackend(options: SharedOptions): Backend {
  return new SharedBackend(options);
}

class SharedBackend implements Backend {
  readonly #options: SharedOptions;
  readonly #channel: Channel;
  readonly #leaving = new AbortController();
  readonly #pending = new Map<number, Pending>();
  #leading: Leading | undefined;
  #lastId = 0;
  #release: () => void = () => undefined;
  readonly #held: Promise<void>;

  constructor(options: SharedOptions) {
    this.#options = options;
    this.#channel = options.sharing.channel(options.name, (message) => this.#onWire(message as Wire));
    this.#post({ kind: 'hello' });
    this.#held = options.sharing
      .lock(options.name, this.#leaving.signal, () => this.#lead())
      .catch((error: unknown) => {
        if (!this.#leaving.signal.aborted) this.#warn(error);
      });
  }

  async call<K extends OperationName>(
    name: K,
    ...args: Parameters<Operations[K]>
  ): Promise<Awaited<ReturnType<Operations[K]>>> {
    if (this.#leading !== undefined) return await invoke(this.#leading.operations, name, args);
    return (await new Promise<unknown>((resolve, reject) => {
      this.#lastId += 1;
      this.#pending.set(this.#lastId, { name, args, resolve, reject });
      this.#forward(this.#lastId);
    })) as Awaited<ReturnType<Operations[K]>>;
  }

  async close(): Promise<void> {
    this.#leaving.abort();
    for (const pending of this.#pending.values()) {
      pending.reject(new SdkError('closed', 'The client was disconnected.'));
    }
    this.#pending.clear();
    this.#release();
    await this.#held;
    this.#channel.close();
  }

  /** Leads until this page leaves. */
  async #lead(): Promise<void> {
    if (this.#leaving.signal.aborted) return;
    const left = new Promise<void>((resolve) => {
      this.#release = resolve;
    });
    const leading = await this.#options.lead((event) => {
      this.#options.tell(event);
      // That this page leaves is no news for the others: another one leads next.
      if (!this.#leaving.signal.aborted) this.#post({ kind: 'told', event });
    });
    this.#leading = leading;
    this.#post({ kind: 'leader', snapshot: leading.snapshot() });
    this.#options.tell({ kind: 'moved' });
    for (const [id, pending] of this.#pending) {
      this.#pending.delete(id);
      this.#answer(pending).then(pending.resolve, (error) => pending.reject(toSdkError(error)));
    }
    await left;
    this.#leading = undefined;
    await leading.close();
  }

  #onWire(message: Wire): void {
    switch (message.kind) {
      case 'hello':
        if (this.#leading) this.#post({ kind: 'leader', snapshot: this.#leading.snapshot() });
        return;
      case 'leader':
        this.#options.tell({ kind: 'snapshot', snapshot: message.snapshot });
        this.#options.tell({ kind: 'moved' });
        for (const id of this.#pending.keys()) this.#forward(id);
        return;
      case 'told':
        this.#options.tell(message.event);
        return;
      case 'call':
        if (this.#leading !== undefined) void this.#serve(message);
        return;
      case 'result':
        if (message.page === this.#options.page) this.#take(message.id)?.resolve(message.value);
        return;
      case 'error': {
        const { code, message: text, ...rest } = message.error;
        if (message.page !== this.#options.page) return;
        this.#take(message.id)?.reject(new SdkError(code, text, rest));
        return;
      }
    }
  }

  async #serve({ page, id, name, args }: Extract<Wire, { kind: 'call' }>): Promise<void> {
    try {
      this.#post({ kind: 'result', page, id, value: await this.#answer({ name, args }) });
    } catch (thrown) {
      const { code, message, status, metadata, retryAfterMs, violations } = toSdkError(thrown);
      // A page that leaves leads no more: the next leader answers.
      if (this.#leaving.signal.aborted) return;
      this.#post({
        kind: 'error',
        page,
        id,
        error: { code, message, status, metadata, retryAfterMs, violations },
      });
    }
  }

  async #answer({ name, args }: Pick<Pending, 'name' | 'args'>): Promise<unknown> {
    if (this.#leading === undefined) throw new SdkError('closed', 'This page does not lead.');
    return await invoke(this.#leading.operations, name, args as Parameters<Operations[typeof name]>);
  }

  #forward(id: number): void {
    const pending = this.#pending.get(id);
    if (pending === undefined) return;
    this.#post({ kind: 'call', page: this.#options.page, id, name: pending.name, args: pending.args });
  }

  #take(id: number): Pending | undefined {
    const pending = this.#pending.get(id);
    this.#pending.delete(id);
    return pending;
  }

  #post(message: Wire): void {
    try {
      this.#channel.post(message);
    } catch (error) {
      this.#warn(error);
    }
  }

  #warn(error: unknown): void {
    const message = error instanceof Error ? error.message : String(error);
    this.#options.tell({ kind: 'event', event: 'warning', value: { code: 'sharing', message } });
  }
}
