// A member of a cluster: state and ownership in Cassandra, the other nodes over NATS. Owns: the order in which the parts are
// opened and closed, and what is refused before the node takes part. Does not own: the parts.
//
// Invariants:
// B1  Nothing of this process serves before the cluster's facts (shards, placement) were found to be its own.
// B2  Others hear of the node only once NATS knows what it listens to.
// B3  Who watches over this process knows its incarnation before anything is claimed.

import { type CassandraDatabase, openCassandra } from '../../../cluster/cassandra/index.ts';
import { systemRandom } from '../../../cluster/clock/index.ts';
import { HostTable, HostTransport, hostLimits } from '../../../cluster/host/index.ts';
import { ClusterMember, type DependencyStatus, MemberControl } from '../../../cluster/membership/index.ts';
import { connectNats, type Nats } from '../../../cluster/nats/index.ts';
import { PLACEMENT_VERSION, type Runtime } from '../../../runtime/index.ts';
import type { MembershipDeps } from '../cluster-service.ts';
import { StartError } from '../errors.ts';
import { VERSION } from '../version.ts';
import type { Backing, BackingHealth, BackingOptions } from './backing.ts';
import { ClockWatch } from './clock-watch.ts';
import { cassandraOptions, natsOptions } from './connections.ts';
import { memberEvent, natsEvent } from './events.ts';
import { patiently } from './patience.ts';

/** @throws StartError, StarlingError with what to do */
export async function openClustered(options: BackingOptions): Promise<Backing> {
  const incarnation = `${options.config['node.name']}.${systemRandom().bits64().toString(16).padStart(16, '0')}`;
  const undo: (() => Promise<unknown>)[] = [];
  try {
    const opened = await cassandraOptions(options);
    const database = await patiently(options, 'Cassandra', () => openCassandra(opened));
    undo.unshift(() => database.close());
    await agreeOnFacts(options, database);
    const clocks = new ClockWatch(database, options);
    await clocks.look();
    // What is closed on purpose is no news.
    const quiet = { closing: false };
    const nats = await patiently(options, 'NATS', () => connect(options, incarnation, quiet));
    undo.unshift(() => nats.close());
    await options.place?.begun(incarnation);
    return new Clustered(options, { incarnation, database, nats, clocks, quiet });
  } catch (error) {
    for (const step of undo) await step().catch(() => {});
    throw error;
  }
}

function connect(options: BackingOptions, incarnation: string, quiet: Quiet): Promise<Nats> {
  return connectNats({
    ...natsOptions(options.config),
    process: incarnation,
    clock: options.clock,
    random: systemRandom(),
    onEvent: (event) => quiet.closing || options.log(natsEvent(event)),
  });
}

interface Quiet {
  closing: boolean;
}

/** B1. */
async function agreeOnFacts({ config }: BackingOptions, database: CassandraDatabase): Promise<void> {
  const own = { shards: `${config['cluster.shards']}`, placement_version: `${PLACEMENT_VERSION}` };
  const found = await database.agree(own);
  const keyspace = config['cassandra.keyspace'];
  if (found['shards'] !== own.shards) {
    throw new StartError(
      `Keyspace ${keyspace} was made for ${found['shards']} shards, this node has ${own.shards}.`,
      `Start it with --set cluster.shards=${found['shards']}; the number of a keyspace never changes.`,
      undefined,
    );
  }
  if (found['placement_version'] !== own.placement_version) {
    throw new StartError(
      `Keyspace ${keyspace} places keys by version ${found['placement_version']}, this release by ${own.placement_version}.`,
      'Run a release with the same version of the placement.',
      undefined,
    );
  }
}

interface Parts {
  readonly incarnation: string;
  readonly database: CassandraDatabase;
  readonly nats: Nats;
  readonly clocks: ClockWatch;
  readonly quiet: Quiet;
}

class Clustered implements Backing {
  readonly store;
  readonly ownership;
  readonly peers;
  readonly shards: number;
  readonly membership: MembershipDeps;
  readonly #options: BackingOptions;
  readonly #parts: Parts;
  readonly #siblings: HostTransport | undefined;
  readonly #stops: (() => void)[] = [];
  readonly #ends: ((why: 'broken' | 'fenced', error: Error) => void)[] = [];

  constructor(options: BackingOptions, parts: Parts) {
    const { config, clock, log, address, place } = options;
    const { incarnation, database, nats } = parts;
    this.#options = options;
    this.#parts = parts;
    this.shards = config['cluster.shards'];
    this.store = database.store();
    const own = database.shards();
    const table = place === undefined ? own : new HostTable(own, incarnation, place);
    const member = new ClusterMember({
      node: config['node.name'],
      incarnation,
      get address() {
        return address();
      },
      // What the host's supervisor can read says nothing of this process's own connections.
      ...(place && { host: place.host, reachStore: () => own.readLife(incarnation) }),
      version: VERSION,
      role: config['node.role'],
      weight: config['node.weight'],
      shards: this.shards,
      table,
      board: nats.board,
      probe: nats.probe,
      clock,
      random: systemRandom(),
      onFenced: () => this.#fenced(),
      onGone: (each) => nats.transport.forget(each),
      onEvent: (event) => log(memberEvent(event)),
    });
    this.ownership = member.ownership;
    const far = nats.transport;
    if (place !== undefined) {
      const { sockets } = place;
      const node = config['node.name'];
      this.#siblings = new HostTransport({ node, sockets, far, clock, limits: hostLimits });
      place.onEnded(async (each, tell) => (tell ? member.bury(each) : member.dismiss(each)));
    }
    this.peers = { transport: this.#siblings ?? far, directory: member.directory };
    const self = new MemberControl({
      ...{ member, clock },
      dependencies: () => this.dependencies(),
      stop: () => {
        for (const listener of this.#stops) listener();
      },
    });
    this.membership = { member, table, control: nats.control, self };
  }

  health(): BackingHealth {
    const { database } = this.#parts;
    const store = database.health();
    if (!store.ok) return store;
    const problems = this.#problems();
    // What is served goes on without NATS: so it is said, and the node stays ready.
    return { ok: true, detail: problems.length === 0 ? 'ok' : problems.join(' ') };
  }

  dependencies(): readonly DependencyStatus[] {
    const { database, nats, clocks } = this.#parts;
    const ways = nats.health();
    const clock = clocks.problems();
    return [
      { name: 'cassandra', ...database.health() },
      { name: 'nats', ok: ways.ok, detail: ways.ok ? 'ok' : ways.problems.join(' ') },
      { name: 'clock', ok: clock.length === 0, detail: clock.length === 0 ? 'ok' : clock.join(' ') },
    ];
  }

  addressOf(node: string): string | undefined {
    return this.membership.member.addressOf(node);
  }

  onEnd(listener: (why: 'broken' | 'fenced', error: Error) => void): void {
    this.#ends.push(listener);
    this.store.onFatal((error) => listener('broken', error));
  }

  onStopAsked(listener: () => void): void {
    this.#stops.push(listener);
  }

  /** B2. */
  async join(runtime: Runtime): Promise<void> {
    const { nats } = this.#parts;
    const { member, self } = this.membership;
    nats.probe.serve(member);
    nats.control.serve(self);
    await Promise.all([nats.listening(), this.#siblings?.listen()]);
    const refusal = await member.start(runtime);
    if (refusal !== undefined)
      throw new StartError(`This node may not join the cluster. ${refusal.message}`, '', undefined);
    this.#parts.clocks.start();
  }

  async drain(timeoutMs: number): Promise<void> {
    const left = await this.membership.member.drain(timeoutMs);
    if (left > 0)
      this.#options.log({
        level: 'warn',
        message: 'not every shard was given away; others take the rest over',
        fields: { left },
      });
  }

  async close(): Promise<void> {
    const { nats, database, clocks, quiet } = this.#parts;
    clocks.stop();
    quiet.closing = true;
    await this.membership.member.stop();
    await nats.close();
    await this.#siblings?.close();
    await this.store.close();
    await database.close();
  }

  #fenced(): void {
    const error = new Error('Another node has fenced this one and has taken its shards over.');
    for (const listener of this.#ends) listener('fenced', error);
  }

  #problems(): string[] {
    const { nats, clocks } = this.#parts;
    const { alarm, shards } = this.membership.member.status();
    const problems = [...nats.health().problems, ...clocks.problems()];
    if (alarm) {
      const what = 'More members are silent than may be fenced in a minute.';
      problems.push(`${what} Is this node cut off from NATS? See starling cluster status.`);
    }
    if (shards.refused.length > 0)
      problems.push(`Rows of shards can't be used: ${shards.refused.slice(0, 5).join(', ')}.`);
    return problems;
  }
}
