// The port Board on a bucket of JetStream. Owns: keys, revisions, expiry, watches, and what each failure means. Does not
// own: the bucket's form and life (bucket.ts), what nodes write there.
//
// A board that lost its data is made again by the next call and starts empty (B1); whoever watches is told to list again.

import type { Msg } from '@nats-io/nats-core';
import { type Clock, type ErrorCode, StarlingError } from '../../runtime/index.ts';
import type { Board, BoardEntry, BoardEvent, PutOptions } from '../membership/index.ts';
import { Bucket, MARKER_SECONDS } from './bucket.ts';
import type { Connection } from './connection.ts';
import {
  isNobody,
  JetStreamError,
  publish,
  readNewest,
  type Stored,
  storedOf,
  WRONG_LAST_SEQUENCE,
} from './jetstream.ts';
import type { NatsLimits } from './limits.ts';
import { BoardSubjects } from './subjects.ts';

export interface NatsBoardOptions {
  readonly connection: Connection;
  readonly cluster: string;
  readonly replicas: number;
  readonly clock: Clock;
  readonly limits: NatsLimits;
  readonly onMade: () => void;
}

interface Watch {
  readonly prefix: string;
  readonly listener: (event: BoardEvent) => void;
}

export class NatsBoard implements Board {
  readonly #options: NatsBoardOptions;
  readonly #subjects: BoardSubjects;
  readonly #watches = new Set<Watch>();
  readonly bucket: Bucket;
  #calls = 0;

  constructor(options: NatsBoardOptions) {
    this.#options = options;
    this.#subjects = new BoardSubjects(options.cluster);
    const { connection, replicas, limits, onMade } = options;
    const { nats } = connection;
    this.bucket = new Bucket({
      ...{ nats, replicas, subjects: this.#subjects, timeoutMs: limits.boardMs },
      onMade: () => {
        onMade();
        this.#report({ kind: 'reset' });
      },
    });
    nats.subscribe(this.#subjects.changes, { callback: (error, message) => this.#onChange(error, message) });
    connection.listen({
      onUp: () => {
        // It may be another server, or one that lost its disk, and changes were missed.
        this.bucket.doubt();
        this.#report({ kind: 'reset' });
      },
    });
  }

  put(key: string, value: Uint8Array, { ttlMs, revision }: PutOptions = {}): Promise<number> {
    const { boardValueBytesMax } = this.#options.limits;
    if (value.length > boardValueBytesMax) {
      const text = `${value.length} bytes for ${key}; at most ${boardValueBytesMax} go on the board.`;
      return Promise.reject(new StarlingError('PAYLOAD_TOO_LARGE', text));
    }
    // The server counts in whole seconds.
    const ttlSeconds = ttlMs === undefined ? undefined : Math.max(1, Math.ceil(ttlMs / 1_000));
    return this.#call(async () => {
      try {
        return await this.#publish(key, { value, ttlSeconds, lastSequence: revision });
      } catch (error) {
        if (revision !== 0 || codeOf(error) !== 'NOT_OWNER') throw error;
        // What is gone may have left a note behind, which has a revision too.
        const note = (await this.#read(key)).find((stored) => this.#subjects.keyOf(stored.subject) === key);
        if (note?.removed !== true) throw error;
        return this.#publish(key, { value, ttlSeconds, lastSequence: note.sequence });
      }
    });
  }

  async remove(key: string): Promise<void> {
    await this.#call(() =>
      this.#publish(key, { value: new Uint8Array(), ttlSeconds: MARKER_SECONDS, purge: true }),
    );
  }

  list(prefix: string): Promise<readonly BoardEntry[]> {
    return this.#call(async () => {
      const found = await this.#read(prefix);
      return found.flatMap((stored) => {
        const entry = this.#entryOf(stored);
        return stored.removed || !entry.key.startsWith(prefix) ? [] : [entry];
      });
    });
  }

  watch(prefix: string, listener: (event: BoardEvent) => void): () => void {
    const watch = { prefix, listener };
    this.#watches.add(watch);
    return () => this.#watches.delete(watch);
  }

  #publish(key: string, publication: Parameters<typeof publish>[2]): Promise<number> {
    const { connection, limits } = this.#options;
    return publish(connection.nats, this.#subjects.keySubject(key), publication, limits.boardMs);
  }

  #read(prefix: string): Promise<Stored[]> {
    const { connection, limits, clock } = this.#options;
    const filters = this.#subjects.filters(prefix);
    return readNewest(connection.nats, this.#subjects.read, filters, { timeoutMs: limits.boardMs, clock });
  }

  /** Makes a call, once more where the bucket was gone; every failure is typed (B4). */
  async #call<T>(act: () => Promise<T>): Promise<T> {
    const { connection, limits } = this.#options;
    if (this.#calls >= limits.boardCallsMax)
      throw new StarlingError('OVERLOADED', 'The board is asked too much.');
    if (connection.state !== 'connected')
      throw new StarlingError('OUTCOME_UNKNOWN', 'There is no connection to the NATS servers.');
    this.#calls++;
    try {
      await this.bucket.ready();
      try {
        return await act();
      } catch (error) {
        if (!isNobody(error)) throw error;
        this.bucket.doubt();
        await this.bucket.ready();
        return await act();
      }
    } catch (error) {
      throw this.#typed(error);
    } finally {
      this.#calls--;
    }
  }

  #typed(error: unknown): StarlingError {
    if (error instanceof StarlingError) return error;
    const code = codeOf(error);
    if (code !== 'NOT_OWNER') this.bucket.doubt();
    return new StarlingError(code, `The board: ${error instanceof Error ? error.message : error}.`, {
      cause: error,
    });
  }

  #onChange(error: Error | null, message: Msg): void {
    const stored = error === null ? storedOf(message) : undefined;
    if (stored === undefined) return;
    const entry = this.#entryOf(stored);
    this.#report(stored.removed ? { kind: 'gone', key: entry.key } : { kind: 'put', entry });
  }

  #report(event: BoardEvent): void {
    const key = event.kind === 'put' ? event.entry.key : event.kind === 'gone' ? event.key : undefined;
    for (const { prefix, listener } of [...this.#watches])
      if (key === undefined || key.startsWith(prefix)) listener(event);
  }

  #entryOf({ subject, sequence, value }: Stored): BoardEntry {
    return { key: this.#subjects.keyOf(subject), value, revision: sequence };
  }
}

/** What a failure of a call says about it. */
function codeOf(error: unknown): ErrorCode {
  if (error instanceof StarlingError) return error.code;
  if (!(error instanceof JetStreamError)) return 'OUTCOME_UNKNOWN';
  // Whatever else the server answers, it did not take it.
  return WRONG_LAST_SEQUENCE.includes(error.code) ? 'NOT_OWNER' : 'OVERLOADED';
}
