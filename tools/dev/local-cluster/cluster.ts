// A whole cluster on this machine: nats-server, Cassandra, Starling nodes. Owns: the order in which they start and end, their
// directory, the links between them. Does not own: what is done to them afterwards.

import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openSchema } from '../../../cluster/cassandra/index.ts';
import { openAuthority } from '../../node/internal.ts';
import { ensureKeyFile } from '../../node/key-file.ts';
import { type CassandraServer, dataCenter, startCluster } from '../cassandra.ts';
import { freePort } from '../cassandra-ports.ts';
import { type NatsServer, runNatsServer } from '../nats-server.ts';
import { untilAtRest } from './at-rest.ts';
import { LocalNode, type NodeLinks } from './local-node.ts';
import { type Link, openLink } from './proxy.ts';

/** Mebibytes of heap of each Cassandra node. */
const heapMiB = 512;

const loopback = '127.0.0.1';
const keyspace = 'starling';
const starling = fileURLToPath(new URL('../../cli/main.ts', import.meta.url));

export interface LocalClusterOptions {
  readonly nodes: number;
  /** Three have a copy of everything each. */
  readonly cassandraNodes: 1 | 3;
  /** Default 256: a small cluster moves few shards, so it starts and fails over at once. */
  readonly shards?: number;
  /** Kept after the end, logs and data. Default: a temporary one that the end removes. */
  readonly directory?: string;
  /** Processes of each node. Default 1. */
  readonly workers?: number;
  /** Whether every node reaches NATS and each Cassandra node through links of its own. Default false. */
  readonly proxies?: boolean;
  /** Further settings of every node. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Path of `tools/cli/main.ts` of the build that a node runs. Default: this one. */
  readonly program?: (name: string) => string;
  /** Arguments of Node.js itself for every node. Default none. */
  readonly execArgs?: readonly string[];
  /** Variables of the environment of every node, beside this process's own. */
  readonly environment?: Readonly<Record<string, string>>;
  /** First port of the nodes (gRPC-web of the first, gRPC of the first, gRPC-web of the second, …). Default: free ones. */
  readonly firstPort?: number;
  /** Whether every node has a page of metrics. Default false. */
  readonly metrics?: boolean;
  /** Told what was done, and how long it took. */
  readonly onStep?: (line: string) => void;
}

export interface LocalCluster {
  readonly directory: string;
  readonly nats: NatsServer;
  readonly cassandra: readonly CassandraServer[];
  /** In the order of their names: n1, n2, … */
  readonly nodes: readonly LocalNode[];
  readonly keyFile: string;
  /** A token for back ends, for a day. */
  backendToken(): Promise<string>;
  adminToken(): Promise<string>;
  /** Resolves when every shard is served where it is meant to be, by all nodes that run. @throws Error what is not */
  atRest(): Promise<void>;
  /** Makes and starts one more node. */
  addNode(): Promise<LocalNode>;
  /** Ends everything; data goes unless it is in a directory that was named, or is to be kept. */
  close(how?: { readonly keep?: boolean }): Promise<void>;
}

/**
 * Starts everything; resolves when every node serves and every shard has found its place.
 * @throws Error that names what is missing, or quotes the end of the log of what did not start; nothing is left running
 */
export async function startLocalCluster(options: LocalClusterOptions): Promise<LocalCluster> {
  const named = options.directory !== undefined;
  const directory = resolve(options.directory ?? (await mkdtemp(join(tmpdir(), 'starling-cluster-'))));
  await mkdir(directory, { recursive: true });
  const cluster = new RunningCluster(options, directory, named);
  try {
    await cluster.start();
    return cluster;
  } catch (error) {
    await cluster.close();
    throw error;
  }
}

class RunningCluster implements LocalCluster {
  readonly directory: string;
  readonly keyFile: string;
  readonly #options: LocalClusterOptions;
  readonly #named: boolean;
  readonly #nodes: LocalNode[] = [];
  readonly #links: Link[] = [];
  #cassandra: readonly CassandraServer[] = [];
  #nats: NatsServer | undefined;

  constructor(options: LocalClusterOptions, directory: string, named: boolean) {
    this.directory = directory;
    this.keyFile = join(directory, 'signing-key.json');
    this.#options = options;
    this.#named = named;
  }

  get nats(): NatsServer {
    if (this.#nats === undefined) throw new Error('nats-server was not started');
    return this.#nats;
  }

  get cassandra(): readonly CassandraServer[] {
    return this.#cassandra;
  }

  get nodes(): readonly LocalNode[] {
    return this.#nodes;
  }

  async start(): Promise<void> {
    const { nodes, cassandraNodes } = this.#options;
    await ensureKeyFile(this.keyFile);
    const copies = cassandraNodes === 1 ? '' : ` ×${cassandraNodes}`;
    // What is missing is found out before the slow part.
    const [nats, cassandra] = await Promise.allSettled([
      this.#step('nats-server', () => runNatsServer({ directory: join(this.directory, 'nats') })),
      this.#step(`Cassandra${copies}`, () =>
        startCluster(cassandraNodes, { directory: join(this.directory, 'cassandra'), heapMiB }),
      ),
    ]);
    if (nats.status === 'fulfilled') this.#nats = nats.value;
    if (cassandra.status === 'fulfilled') this.#cassandra = cassandra.value;
    for (const result of [nats, cassandra]) if (result.status === 'rejected') throw result.reason;
    await this.#step('schema', () => this.#applySchema());
    await this.#step(nodes === 1 ? 'one node' : `${nodes} nodes`, async () => {
      for (let n = 0; n < nodes; n += 1) this.#nodes.push(await this.#newNode());
      await Promise.all(this.#nodes.map((node) => node.start()));
      await Promise.all(this.#nodes.map((node) => node.serving()));
    });
    if (nodes > 0) await this.#step('at rest', () => this.atRest());
  }

  backendToken(): Promise<string> {
    return this.#token('backend');
  }

  adminToken(): Promise<string> {
    return this.#token('admin');
  }

  async atRest(): Promise<void> {
    const running = this.#nodes.filter((node) => node.running);
    const [first] = running;
    if (first === undefined) throw new Error('no node runs');
    await untilAtRest(first.address, await this.adminToken(), (this.#options.workers ?? 1) * running.length);
  }

  async addNode(): Promise<LocalNode> {
    const node = await this.#newNode();
    this.#nodes.push(node);
    await node.start();
    return node;
  }

  async close({ keep = this.#named } = {}): Promise<void> {
    await Promise.all(this.#nodes.map((node) => (keep ? node.stop() : node.kill())));
    await Promise.all(this.#links.map((link) => link.close()));
    await Promise.all([
      this.#nats?.stop(),
      ...this.#cassandra.map((server) => (keep ? server.stop() : server.dispose())),
    ]);
    if (!keep) await rm(this.directory, { recursive: true, force: true });
  }

  async #step<T>(name: string, run: () => Promise<T>): Promise<T> {
    const begunMs = performance.now();
    const result = await run();
    const seconds = ((performance.now() - begunMs) / 1_000).toFixed(1);
    this.#options.onStep?.(`✓ ${name.padEnd(14)} ${seconds.padStart(6)} s`);
    return result;
  }

  async #applySchema(): Promise<void> {
    const contactPoints = this.#cassandra.map(({ address }) => address);
    const schema = await openSchema({ contactPoints, dataCenter });
    try {
      await schema.apply({ keyspace, dataCenters: { [dataCenter]: this.#cassandra.length } });
    } finally {
      await schema.close();
    }
  }

  async #newNode(): Promise<LocalNode> {
    const n = this.#nodes.length + 1;
    const name = `n${n}`;
    const { firstPort, execArgs = [], environment = {}, workers = 1, program } = this.#options;
    const port = (step: number): Promise<number> | number =>
      firstPort === undefined ? freePort([loopback]) : firstPort + 2 * (n - 1) + step;
    const links = this.#options.proxies === true ? await this.#openLinks() : undefined;
    const metricsPort = this.#options.metrics === true ? await freePort([loopback]) : 0;
    return new LocalNode({
      name,
      directory: join(this.directory, name),
      port: await port(0),
      grpcPort: await port(1),
      program: program?.(name) ?? starling,
      settings: { ...this.#settings(links), 'telemetry.metrics_port': `${metricsPort}` },
      metricsPort,
      execArgs,
      environment,
      workers,
      links,
      onStep: (line) => this.#options.onStep?.(line),
    });
  }

  async #openLinks(): Promise<NodeLinks> {
    const nats = await openLink({ host: loopback, port: this.nats.port });
    this.#links.push(nats);
    const cassandra: Link[] = [];
    for (const { address } of this.#cassandra) {
      const [host = '', port] = address.split(':');
      const link = await openLink({ host, port: Number(port) });
      this.#links.push(link);
      cassandra.push(link);
    }
    return { nats, cassandra };
  }

  #settings(links: NodeLinks | undefined): Readonly<Record<string, string>> {
    const announced = this.#cassandra.map(({ address }) => address);
    const reached = links?.cassandra.map(({ address }) => address) ?? announced;
    const map = announced.map((address, at) => `${address}=${reached[at] ?? address}`);
    return {
      'cluster.shards': `${this.#options.shards ?? 256}`,
      'auth.key_file': this.keyFile,
      'nats.servers': links === undefined ? this.nats.url : `nats://${links.nats.address}`,
      'cassandra.contact_points': reached.join(','),
      'cassandra.data_center': dataCenter,
      'cassandra.keyspace': keyspace,
      ...(links === undefined ? {} : { 'cassandra.address_map': map.join(',') }),
      ...this.#options.settings,
    };
  }

  async #token(scope: 'backend' | 'admin'): Promise<string> {
    const authority = await openAuthority(this.keyFile);
    if (authority === undefined) throw new Error(`the signing key ${this.keyFile} is gone`);
    const issued = await authority.issue({
      ...{ tenant: 'main', userId: 'local-cluster', scope, ttlSeconds: 86_400 },
    });
    return issued.token;
  }
}
