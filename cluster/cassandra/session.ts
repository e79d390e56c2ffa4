// One connection to a cluster of Cassandra. Owns: the only client of the database library, consistency of every statement,
// attempts, bounds of what is under way, health. Does not own: what the statements say.
//
// Invariants:
// C1  Every request names its consistency: LOCAL_QUORUM, and LOCAL_SERIAL with a LOCAL_QUORUM commit for shard rows. The home
//     data centre is the one that was named at open; its quorums intersect.
// C2  The library never sends a request a second time by itself (policies below), nor two at once (no speculative execution):
//     so what an error says of one attempt is known (failures.ts), and a conditional write is sent once.
// C3  Reads and writes with a time of their own are repeated by us, identically, a bounded number of times. Once one attempt
//     was of unknown outcome the whole is, whatever a later attempt was refused with.
// C4  That Cassandra is away ends nothing: requests fail one by one, `health()` says so, and pass again when it is back. No
//     `onFatal`: no replica's failed sync is ever acknowledged, and a replica that fails one stops by itself
//     (`commit_failure_policy`), while the others go on.

import cassandra from 'cassandra-driver';
import { StarlingError } from '../../runtime/errors.ts';
import type { Clock } from '../../runtime/ports/clock.ts';
import type { StoreHealth } from '../../runtime/ports/store.ts';
import { type Failure, failureOf, type RequestKind, toError } from './failures.ts';
import { Gate } from './gate.ts';
import type { Suspects } from './hosts.ts';
import {
  answerMsMax,
  attemptMsMax,
  attemptsMax,
  otherRequestsMax,
  otherWaitingMax,
  retryMs,
} from './limits.ts';
import type { Partition } from './partition.ts';
import { Pulse } from './pulse.ts';
import type { Op } from './writer.ts';

const { consistencies } = cassandra.types;

/** A statement with its values. */
export interface Bound {
  readonly query: string;
  readonly params: readonly unknown[];
}

/** A row of an answer, by name of column. */
export type Answer = cassandra.types.Row;

/** Never again by the library (C2). */
export class NoRetry extends cassandra.policies.retry.RetryPolicy {
  override onReadTimeout() {
    return this.rethrowResult();
  }
  override onRequestError() {
    return this.rethrowResult();
  }
  override onUnavailable() {
    return this.rethrowResult();
  }
  override onWriteTimeout() {
    return this.rethrowResult();
  }
}

const common = { prepare: true, isIdempotent: false } as const;
const atQuorum = { ...common, consistency: consistencies.localQuorum } as const;
const quorumRead = { ...atQuorum, readTimeout: answerMsMax.read } as const;
const urgentRead = { ...atQuorum, readTimeout: answerMsMax.urgent } as const;
const quorumWrite = { ...atQuorum, readTimeout: answerMsMax.write } as const;
const serialRead = {
  ...common,
  consistency: consistencies.localSerial,
  readTimeout: answerMsMax.conditional,
} as const;
const conditional = {
  ...atQuorum,
  serialConsistency: consistencies.localSerial,
  readTimeout: answerMsMax.conditional,
} as const;

/** A page of an answer. */
export interface Page {
  readonly rows: readonly Answer[];
  /** Where the next page begins; undefined at the end. */
  readonly next: string | undefined;
}

/** What one node answered. */
export interface HostAnswer {
  readonly host: string;
  readonly rows: readonly Answer[];
  /** Undefined where it answered. */
  readonly error: unknown;
  /** When, by the monotonic clock. */
  readonly answeredMs: number;
}

export class CassandraSession {
  readonly clock: Clock;
  readonly #client: cassandra.Client;
  readonly #home: string;
  readonly #suspects: Suspects;
  readonly #pulse: Pulse;
  readonly #gate = new Gate(otherRequestsMax, otherWaitingMax);
  #requests = 0;
  #closed = false;

  /** `client`: connected; `home`: the home data centre. */
  constructor(
    client: cassandra.Client,
    options: { readonly clock: Clock; readonly home: string; readonly suspects: Suspects },
  ) {
    this.#client = client;
    this.clock = options.clock;
    this.#home = options.home;
    this.#suspects = options.suspects;
    this.#pulse = new Pulse(options.clock);
  }

  /** Requests sent so far. */
  get requests(): number {
    return this.#requests;
  }

  /** Nodes of the home data centre that are up; at least 1. */
  get nodes(): number {
    return Math.max(1, this.#homeHosts().length);
  }

  /** One page of a read. */
  async page(bound: Bound, fetchSize: number, pageState?: string): Promise<Page> {
    const options = { ...quorumRead, fetchSize, ...(pageState === undefined ? {} : { pageState }) };
    const result = await this.#repeated('read', () => this.#execute(bound, options));
    return { rows: result.rows, next: result.pageState ?? undefined };
  }

  /** The first row of a read. */
  async one(bound: Bound): Promise<Answer | undefined> {
    const result = await this.#repeated('read', () => this.#execute(bound, quorumRead));
    return result.first() ?? undefined;
  }

  /** The rows of a read past the gate, for the few that others wait for. One page. */
  async urgent(bound: Bound): Promise<readonly Answer[]> {
    return (await this.#unqueued('read', () => this.#execute(bound, urgentRead))).rows;
  }

  /** The first row of a linearizable read. */
  async oneSerial(bound: Bound): Promise<Answer | undefined> {
    const result = await this.#repeated('read', () => this.#execute(bound, serialRead));
    return result.first() ?? undefined;
  }

  /** A write with a time of its own, past the gate and the groups of the writer: for rows that nothing may hold up. */
  async write(bound: Bound): Promise<void> {
    await this.#unqueued('write', () => this.#execute(bound, quorumWrite));
  }

  /**
   * Sends a conditional write, once (C2).
   * @throws StarlingError OUTCOME_UNKNOWN, or a code of outcome `not_done`
   */
  async swap(bound: Bound): Promise<Answer | undefined> {
    let begunMs = this.clock.monotonic();
    try {
      const result = await this.#gate.run(() => {
        begunMs = this.clock.monotonic();
        return this.#execute(bound, conditional);
      });
      this.#pulse.succeeded();
      return result.first() ?? undefined;
    } catch (error) {
      this.#suspect(error);
      const failure = failureOf(error, 'conditional', 1);
      this.#pulse.failed(failure, begunMs);
      throw toError(failure, error);
    }
  }

  /** Writes of one partition, in one request: answers what is wrong. The caller bounds how many are under way. */
  async group(ops: Op[], partition: Partition): Promise<Failure | undefined> {
    const [only] = ops;
    const options = { ...quorumWrite, logged: false, routingKey: partition.routingKey };
    const send = (): Promise<unknown> =>
      ops.length === 1 && only !== undefined
        ? this.#execute(only, options)
        : this.#send(() => this.#client.batch(ops, options));
    return (await this.#attempts('write', send)).failure;
  }

  /** Runs a statement on every node of the home data centre that is up, or on the one given; never throws. */
  async onEachHost(bound: Bound, only?: cassandra.Host): Promise<readonly HostAnswer[]> {
    const hosts = only === undefined ? this.#homeHosts() : [only];
    const options = { prepare: false, consistency: consistencies.localOne, readTimeout: answerMsMax.read };
    return Promise.all(
      hosts.map(async (host): Promise<HostAnswer> => {
        const asked = this.#send(() =>
          this.#client.execute(bound.query, [...bound.params], { ...options, host }),
        );
        const [rows, error] = await asked.then(
          (result) => [result.rows, undefined] as const,
          (cause: unknown) => [[], cause] as const,
        );
        return { host: host.address, rows, error, answeredMs: this.clock.monotonic() };
      }),
    );
  }

  /** Hears of nodes that come up. */
  onHostUp(listener: (host: cassandra.Host) => void): void {
    this.#client.on('hostUp', listener);
    this.#client.on('hostAdd', listener);
  }

  /** Says in `health()` that a node is set up in a way that breaks a promise; undefined takes it back. */
  setUnsafe(address: string, detail: string | undefined): void {
    this.#pulse.setUnsafe(address, detail);
  }

  health(): StoreHealth {
    return this.#closed ? { ok: false, detail: 'closed' } : this.#pulse.health();
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#client.shutdown();
  }

  #homeHosts(): cassandra.Host[] {
    return this.#client.hosts.values().filter((host) => host.datacenter === this.#home && host.isUp());
  }

  #execute({ query, params }: Bound, options: cassandra.QueryOptions): Promise<cassandra.types.ResultSet> {
    return this.#send(() => this.#client.execute(query, [...params], options));
  }

  async #send<T>(send: () => Promise<T>): Promise<T> {
    if (this.#closed) throw new StarlingError('SHUTTING_DOWN', 'The store is closed.');
    this.#requests += 1;
    return send();
  }

  #repeated<T>(kind: RequestKind, send: () => Promise<T>): Promise<T> {
    return this.#gate.run(() => this.#unqueued(kind, send));
  }

  async #unqueued<T>(kind: RequestKind, send: () => Promise<T>): Promise<T> {
    const { failure, value, error } = await this.#attempts(kind, send);
    if (failure !== undefined) throw toError(failure, error);
    return value as T;
  }

  /** C3. */
  async #attempts<T>(
    kind: RequestKind,
    send: () => Promise<T>,
  ): Promise<{ readonly value?: T; readonly failure?: Failure; readonly error?: unknown }> {
    const untilMs = this.clock.monotonic() + attemptMsMax;
    let unknown: Failure | undefined;
    for (let attempt = 1; ; attempt += 1) {
      const begunMs = this.clock.monotonic();
      try {
        const value = await send();
        this.#pulse.succeeded();
        return { value };
      } catch (error) {
        const failure = failureOf(error, kind, 1);
        this.#suspect(error);
        this.#pulse.failed(failure, begunMs);
        if (failure.fate === 'unknown') unknown ??= failure;
        const ended = !failure.repeat || attempt >= attemptsMax || this.clock.monotonic() >= untilMs;
        if (ended || this.#closed) return { failure: unknown ?? failure, error };
        await this.#pause(retryMs * 2 ** (attempt - 1));
      }
    }
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => this.clock.after(ms, resolve));
  }

  #suspect(error: unknown): void {
    const { OperationTimedOutError } = cassandra.errors;
    if (error instanceof OperationTimedOutError && error.host !== undefined) this.#suspects.add(error.host);
  }
}
