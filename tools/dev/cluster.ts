// `make cluster`: three Starling nodes, nats-server, Cassandra and the chat page on this machine until Ctrl-C. With `--check`:
// on free ports, sends across nodes, verifies, ends. Exits 0; 1 where something failed; 2 for bad arguments.

import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { checkCluster } from './cluster-check.ts';
import { type LocalCluster, startLocalCluster } from './local-cluster/index.ts';

const usage = `usage: make cluster ARGS="[--check] [--nodes N] [--workers N] [--cassandra 1|3] [--directory DIR] [--port N]"
  --check          start on free ports, send across nodes, verify, end
  --nodes N        Starling nodes, 1 to 9 (default 3)
  --workers N      processes of each node (default 1)
  --cassandra N    Cassandra nodes, 1 or 3 (default 1)
  --directory DIR  keep data and logs there (default: a temporary directory that the end removes)
  --port N         gRPC-web of the first node; gRPC and the other nodes have the ports above (default 7700)`;

interface ClusterArguments {
  readonly check: boolean;
  readonly nodes: number;
  readonly workers: number;
  readonly cassandraNodes: 1 | 3;
  readonly directory: string | undefined;
  readonly port: number;
}

/** Reads the command line; undefined = it is not valid. */
export function parseClusterArguments(args: readonly string[]): ClusterArguments | undefined {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        check: { type: 'boolean', default: false },
        nodes: { type: 'string', default: '3' },
        workers: { type: 'string', default: '1' },
        cassandra: { type: 'string', default: '1' },
        directory: { type: 'string' },
        port: { type: 'string', default: '7700' },
      },
    });
    const cassandraNodes = values.cassandra === '1' ? 1 : values.cassandra === '3' ? 3 : undefined;
    const nodes = within(values.nodes, 1, 9);
    const workers = within(values.workers, 1, 16);
    const port = within(values.port, 1, 65_000);
    if (cassandraNodes === undefined || nodes === undefined || workers === undefined || port === undefined)
      return undefined;
    return { check: values.check, nodes, workers, cassandraNodes, directory: values.directory, port };
  } catch {
    return undefined;
  }
}

function within(text: string, min: number, max: number): number | undefined {
  const value = Number(text);
  return Number.isInteger(value) && value >= min && value <= max ? value : undefined;
}

async function main(): Promise<number> {
  const args = parseClusterArguments(process.argv.slice(2));
  if (args === undefined) {
    console.error(usage);
    return 2;
  }
  const ended = Promise.withResolvers<'interrupted'>();
  for (const name of ['SIGINT', 'SIGTERM'] as const)
    process.on(name, () => {
      if (interruptions > 0) process.exit(130);
      interruptions += 1;
      ended.resolve('interrupted');
    });
  let interruptions = 0;
  const { check, nodes, workers, cassandraNodes, directory, port } = args;
  console.log(`a cluster of ${nodes} Starling nodes, nats-server and Cassandra on this machine`);
  const starting = startLocalCluster({
    nodes,
    workers,
    cassandraNodes,
    ...(directory === undefined ? {} : { directory }),
    ...(check ? {} : { firstPort: port }),
    settings: { 'demo.enabled': 'true', 'log.level': 'warn' },
    onStep: (line) => console.log(`  ${line}`),
  });
  const cluster = await Promise.race([starting, ended.promise]);
  if (cluster === 'interrupted') {
    console.log('\ninterrupted; ending what was started');
    await starting.then((started) => started.close()).catch(() => {});
    return 130;
  }
  try {
    if (check) {
      const addresses = cluster.nodes.map(({ address }) => address);
      await checkCluster(addresses, (line) => console.log(`  ${line}`));
      console.log(
        'ok: people at different nodes wrote to each other and in a group, and every node has it all',
      );
      return 0;
    }
    console.log(welcome(cluster, directory !== undefined));
    await ended.promise;
    console.log('\nstopping; once more to stop at once');
    return 0;
  } finally {
    await cluster.close();
  }
}

/** What is printed once everything runs. */
export function welcome({ nodes, nats, cassandra, directory }: LocalCluster, kept: boolean): string {
  const [first] = nodes;
  const page = nodes.map(({ name, address, grpcAddress }) => `  ${name}     ${address}  gRPC ${grpcAddress}`);
  return [
    '',
    ...page,
    `  NATS   ${nats.url}`,
    `  CQL    ${cassandra.map(({ address }) => address).join(', ')}`,
    '',
    '  open   any of the nodes in two windows, as two demo users: they meet across nodes',
    `  look   node tools/cli/main.ts cluster status --data ${first?.data ?? ''}`,
    `  logs   ${join(directory, 'n1', 'node.log')} and beside it`,
    `  stop   Ctrl-C${kept ? '' : '; data and logs go with it, unless --directory names a place for them'}`,
    '',
  ].join('\n');
}

if (import.meta.main) {
  process.exitCode = await main().catch((error: unknown) => {
    console.error(`starling: error: ${error instanceof Error ? error.message : String(error)}`);
    return 1;
  });
}
