// A whole node: store, runtime, actors, edge. Owns: what is started in which order. Does not own: what the parts do, how
// they are stopped (stop.ts), process signals, exit codes.
// Invariant: N1  Whatever was started is stopped again, also when a later step of the start fails.

import { type ImLimits, imActors, imServices } from '../../actors/index.ts';
import { systemClock, systemRandom } from '../../cluster/clock/index.ts';
import type { Edge, EdgeHealth } from '../../cluster/edge/index.ts';
import type { HostPlace } from '../../cluster/host/index.ts';
import { createRuntime, type Runtime, StarlingError } from '../../runtime/index.ts';
import type { Clock } from '../../runtime/ports/clock.ts';
import type { ServiceBinding } from '../../runtime/service.ts';
import { announcedAddress, listeningAt } from './address.ts';
import { type Authored, allActors, allServices, loadAuthored } from './authors.ts';
import { type Backing, openBacking } from './backing/index.ts';
import { clusterService } from './cluster-service.ts';
import { DEMO_USERS } from './demo.ts';
import { upsertUsers } from './directory.ts';
import { openEdge, pageDirectory } from './edge.ts';
import { explainStart } from './errors.ts';
import { announce, type NodeAddress, readAnnouncement } from './files.ts';
import { ensureKeyFile, keyFileOf } from './key-file.ts';
import { authorityOf } from './keys.ts';
import type { Logger, LogLevel } from './log.ts';
import { heapMemory } from './memory.ts';
import { isClustered, type NodeConfig } from './settings.ts';
import { NodeState } from './state.ts';
import { type NodeEnd, NodeStop } from './stop.ts';
import { startMetrics, startTraces, type Traces } from './telemetry/index.ts';
import { VERSION } from './version.ts';

/** One step of the start that is done. */
export interface StartStep {
  readonly name: 'store opened' | 'actors ready' | 'edge listening' | 'cluster joined';
  readonly detail: string;
  /** Milliseconds it took. */
  readonly elapsedMs: number;
}

/** `actors` and `services` are added to those of the setting `actors.module`. */
export interface StartOptions extends Authored {
  readonly log: Logger;
  /** Called after each step. Default: nothing. */
  readonly onStep?: (step: StartStep) => void;
  /** The node's place among those of its host, whose supervisor says where it is. Absent = it is on its own there. */
  readonly place?: HostPlace;
}

/** A node that serves. */
export interface RunningNode {
  readonly address: NodeAddress;
  /** True where a web page is served. */
  readonly hasPage: boolean;
  /** Resolves when the node has ended, whoever asked for it. */
  readonly ended: Promise<NodeEnd>;
  health(): EdgeHealth;
  /** Stops in order within `stop.grace_ms`; a second call joins the first. */
  stop(): Promise<void>;
}

/** Everything the steps of a start share. */
interface Starting {
  readonly config: NodeConfig;
  readonly clock: Clock;
  readonly log: Logger;
  readonly onStep: (step: StartStep) => void;
  readonly authored: Authored;
  readonly place: HostPlace | undefined;
  /** Newest first. */
  readonly undo: (() => Promise<unknown>)[];
}

/** A cluster that begins may take a minute until every shard is served. */
const DEMO_ATTEMPTS_MAX = 60;
const DEMO_RETRY_MS = 1_000;

/**
 * Starts a node.
 * @throws StartError for what the operator can mend
 */
export async function startNode(config: NodeConfig, options: StartOptions): Promise<RunningNode> {
  const running = await readAnnouncement(config.data);
  const { log, onStep = () => undefined, place } = options;
  const starting: Starting = {
    config,
    clock: systemClock(),
    log,
    onStep,
    authored: options,
    place,
    undo: [],
  };
  try {
    return await compose(starting);
  } catch (error) {
    for (const step of starting.undo) {
      await step().catch((fault: unknown) =>
        write(log, 'error', 'a step of the start was not undone', { fault }),
      );
    }
    throw explainStart(error, config, running);
  }
}

async function compose(starting: Starting): Promise<RunningNode> {
  const { config, clock, log, authored, place } = starting;
  const limits = imLimits(config);
  const module = config['actors.module'] === '' ? {} : await loadAuthored(config['actors.module']);
  const actors = allActors(imActors(limits), [...(module.actors ?? []), ...(authored.actors ?? [])]);
  const parts: { edge?: Edge; startedMs: number } = { startedMs: clock.monotonic() };
  const address = (): string =>
    parts.edge === undefined ? config['http.public_address'] : announcedAddress(config, parts.edge);
  const backing = await step(starting, 'store opened', whereStored(config), async () => {
    const opened = await openBacking({ config, clock, log, address, ...(place && { place }) });
    starting.undo.unshift(() => opened.close());
    return opened;
  });
  const state = new NodeState(() => backing.health());
  const tokens = await authorityOf(await ensureKeyFile(keyFileOf(config)), clock);
  const traces = startTraces(config, VERSION);
  starting.undo.unshift(() => traces.close());
  const { runtime, services } = await step(starting, 'actors ready', `${actors.length} kinds`, async () => {
    const made = makeRuntime(starting, backing, traces);
    made.register(...actors);
    starting.undo.unshift(() => made.stop(0));
    await made.start();
    const nodeInfo = () => ({
      node: config['node.name'],
      version: VERSION,
      uptimeMs: clock.monotonic() - parts.startedMs,
      streams: parts.edge?.streams ?? 0,
      activations: made.stats().activations,
      store: state.store(),
    });
    const own = config['http.public_address'];
    const elsewhere = { addressOf: (node: string) => backing.addressOf(node) };
    const addresses = own === '' ? elsewhere : { ...elsewhere, address: own };
    const bound = imServices(made, { tokens, nodeInfo, ...addresses }, limits);
    const added = [module, authored].flatMap(({ services: make }) => make?.(made) ?? []);
    const cluster = clusterService({
      node: config['node.name'],
      version: VERSION,
      address,
      cluster: backing.membership === undefined ? '' : config['cluster.name'],
      role: config['node.role'],
      shards: backing.shards,
      kinds: actors,
      ownership: backing.ownership,
      dependencies: () => backing.dependencies(),
      uptimeMs: () => clock.monotonic() - parts.startedMs,
      ...(backing.membership === undefined ? {} : { membership: backing.membership }),
      log,
    });
    return { runtime: made, services: [...allServices(bound, added), cluster] };
  });
  const page = pageDirectory(config);
  const edge = await step(starting, 'edge listening', '', async () => {
    const opened = await openEdge({ config, clock, log, services, tokens, state, page, traces });
    starting.undo.unshift(() => opened.close());
    return opened;
  });
  parts.edge = edge;
  if (backing.membership !== undefined)
    await step(starting, 'cluster joined', config['cluster.name'], () => backing.join(runtime));
  if (config['demo.enabled'] && config['demo.users']) {
    const made = makeDemoUsers(starting, services);
    // In a cluster that begins, shards are served one after the other: the node doesn't wait for it.
    if (backing.membership === undefined) await made;
  }
  state.enter('serving');
  parts.startedMs = clock.monotonic();
  const metrics = await startMetrics(config, {
    node: config['node.name'],
    version: VERSION,
    metrics: runtime.metrics,
    depths: () => runtime.depths(),
    streams: () => edge.streams,
    relayed: () => runtime.stats().relayed,
    now: () => clock.now(),
  });
  const reached = { http: listeningAt(config, edge), grpc: edge.grpcAddress, pid: process.pid };
  if (place === undefined) await announce(config.data, reached);
  write(log, 'info', 'node ready', {
    http: reached.http,
    grpc: reached.grpc,
    data: whereStored(config),
    ...(metrics.page === undefined ? {} : { metrics: metrics.page }),
  });
  const telemetry = { close: () => Promise.all([metrics.close(), traces.close()]) };
  const announced = place === undefined;
  const stop = new NodeStop({ config, clock, backing, runtime, edge, state, log, telemetry, announced });
  backing.onStopAsked(() => void stop.request());
  return {
    address: reached,
    hasPage: page !== undefined,
    ended: stop.ended,
    health: () => state.health(),
    stop: () => stop.request(),
  };
}

/** Repeats what can't be done yet: the shards of some may be on their way. */
async function makeDemoUsers({ log }: Starting, services: readonly ServiceBinding[]): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await upsertUsers(services, DEMO_USERS);
    } catch (error) {
      const isFinal = attempt === DEMO_ATTEMPTS_MAX || !(error instanceof StarlingError);
      if (isFinal) return write(log, 'warn', 'the demo users could not be made', { error });
      await new Promise((resolve) => setTimeout(resolve, DEMO_RETRY_MS).unref());
    }
  }
}

/** What an operator reads of where the state is. */
function whereStored(config: NodeConfig): string {
  if (!isClustered(config)) return config.data;
  return `Cassandra ${config['cassandra.contact_points']}, keyspace ${config['cassandra.keyspace']}`;
}

async function step<T>(
  { clock, onStep }: Starting,
  name: StartStep['name'],
  detail: string,
  run: () => Promise<T>,
): Promise<T> {
  const begun = clock.monotonic();
  const result = await run();
  onStep({ name, detail, elapsedMs: clock.monotonic() - begun });
  return result;
}

function makeRuntime({ config, clock, log }: Starting, backing: Backing, traces: Traces): Runtime {
  const { store, ownership, shards, peers } = backing;
  return createRuntime({
    node: config['node.name'],
    ...{ store, ownership, shards, clock },
    ...(peers === undefined ? {} : { peers }),
    random: systemRandom(),
    memory: heapMemory(),
    onLog: log,
    ...(traces.telemetry === undefined ? {} : { telemetry: traces.telemetry }),
  });
}

function imLimits(config: NodeConfig): Partial<ImLimits> {
  return {
    devicesMax: config['limits.devices_max'],
    groupMembersMax: config['limits.group_members_max'],
    heartbeatMs: config['limits.heartbeat_ms'],
    syncGapMax: config['limits.sync_gap_max'],
    ringRowsMax: config['limits.timeline_rows_max'],
    reconnectSpreadMs: config['stop.spread_ms'],
  };
}

function write(
  log: Logger,
  level: LogLevel,
  message: string,
  fields: Readonly<Record<string, unknown>>,
): void {
  log({ level, message, fields });
}
