// The few requests of JetStream that the board needs. Owns: their form, and what an answer or its absence means. Does not
// own: what the board makes of it (board.ts).

import {
  createInbox,
  errors,
  headers,
  type Msg,
  type MsgHdrs,
  type NatsConnection,
} from '@nats-io/nats-core';
import type { Clock } from '../../runtime/index.ts';

/** An answer that says no. */
export class JetStreamError extends Error {
  override readonly name = 'JetStreamError';
  /** The server's number of the error, `err_code`. */
  readonly code: number;

  constructor(code: number, description: string) {
    super(description);
    this.code = code;
  }
}

export const NOT_ENABLED = 10_039;
export const STREAM_NOT_FOUND = 10_059;
export const WRONG_LAST_SEQUENCE: readonly number[] = [10_071, 10_164];
export const STREAM_NAME_IN_USE = 10_058;

export interface StreamConfig extends Readonly<Record<string, unknown>> {
  readonly name: string;
}

/** Nobody took the request: it was not done. */
export function isNobody(error: unknown): boolean {
  return (
    error instanceof errors.NoRespondersError ||
    (error instanceof errors.RequestError && error.isNoResponders())
  );
}

/**
 * A request of the JSON API.
 * @throws JetStreamError with the server's reason; an error of the connection
 */
export async function apiRequest(
  nats: NatsConnection,
  subject: string,
  request: object | undefined,
  timeoutMs: number,
): Promise<Readonly<Record<string, unknown>>> {
  const payload = request === undefined ? '' : JSON.stringify(request);
  return answerOf(await nats.request(subject, payload, { timeout: timeoutMs }));
}

export interface Publication {
  readonly value: Uint8Array;
  /** Lives this long. */
  readonly ttlSeconds?: number | undefined;
  /** Only if the newest message of the subject has this sequence, 0 = none. */
  readonly lastSequence?: number | undefined;
  /** A removal: what tools of key-value buckets understand as such. */
  readonly purge?: boolean;
}

/** Stores a message and resolves with its sequence. @throws JetStreamError; an error of the connection */
export async function publish(
  nats: NatsConnection,
  subject: string,
  { value, ttlSeconds, lastSequence, purge = false }: Publication,
  timeoutMs: number,
): Promise<number> {
  const head = headers();
  if (ttlSeconds !== undefined) head.set('Nats-TTL', `${ttlSeconds}s`);
  if (lastSequence !== undefined) head.set('Nats-Expected-Last-Subject-Sequence', String(lastSequence));
  if (purge) {
    head.set('KV-Operation', 'PURGE');
    head.set('Nats-Rollup', 'sub');
  }
  const { seq } = answerOf(await nats.request(subject, value, { timeout: timeoutMs, headers: head }));
  if (typeof seq !== 'number') throw new JetStreamError(0, 'No sequence in the answer.');
  return seq;
}

/** The newest message of a subject. */
export interface Stored {
  readonly subject: string;
  readonly sequence: number;
  readonly value: Uint8Array;
  /** It says that there is nothing any more. */
  readonly removed: boolean;
}

/** What a message that the server read or repeated says; undefined for one without the server's headers. */
export function storedOf({ headers: head, data }: Msg): Stored | undefined {
  const subject = last(head, 'Nats-Subject');
  const sequence = Number(last(head, 'Nats-Sequence'));
  if (head === undefined || subject === '' || !Number.isSafeInteger(sequence)) return undefined;
  const removed = head.has('Nats-Marker-Reason') || last(head, 'KV-Operation') !== '';
  return { subject, sequence, value: data, removed };
}

/**
 * The newest message of every subject that fits one of the filters, at most 1,024.
 * @throws JetStreamError, an error of the connection
 */
export function readNewest(
  nats: NatsConnection,
  subject: string,
  filters: readonly string[],
  { timeoutMs, clock }: { readonly timeoutMs: number; readonly clock: Clock },
): Promise<Stored[]> {
  return new Promise((resolve, reject) => {
    const found: Stored[] = [];
    const inbox = createInbox();
    const end = (error?: Error): void => {
      subscription.unsubscribe();
      timer.cancel();
      if (error === undefined) resolve(found);
      else reject(error);
    };
    const subscription = nats.subscribe(inbox, {
      callback: (error, message) => {
        if (error !== null) return end(error);
        const { headers: head } = message;
        const status = head?.code ?? 0;
        // No Results, End Of Batch.
        if (status === 404 || status === 204) return end();
        if (status === 503) return end(new errors.NoRespondersError(subject));
        if (status !== 0) return end(new JetStreamError(status, head?.description ?? ''));
        const stored = storedOf(message);
        if (stored !== undefined) found.push(stored);
      },
    });
    const timer = clock.after(timeoutMs, () => end(new errors.TimeoutError()));
    try {
      nats.publish(subject, JSON.stringify({ multi_last: filters }), { reply: inbox });
    } catch (error) {
      end(error instanceof Error ? error : new Error(String(error)));
    }
  });
}

function last(head: MsgHdrs | undefined, name: string): string {
  return head?.last(name) ?? '';
}

function answerOf({ data }: Msg): Readonly<Record<string, unknown>> {
  const answer: unknown = JSON.parse(new TextDecoder().decode(data));
  if (typeof answer !== 'object' || answer === null)
    throw new JetStreamError(0, 'An answer without content.');
  const { error } = answer as {
    readonly error?: { readonly err_code?: number; readonly description?: string };
  };
  if (error !== undefined) throw new JetStreamError(error.err_code ?? 0, error.description ?? '');
  return { ...answer };
}
