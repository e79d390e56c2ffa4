// What a Cassandra server is set up with. Owns: cassandra.yaml, where it is in the cluster, its log, the arguments of Java.
// Each setting that is not the server's default has its reason here.

import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** How one server is set up. */
export interface ServerConfig {
  /** Holds everything of this server. */
  readonly directory: string;
  /** A loopback address of its own. */
  readonly address: string;
  readonly clusterName: string;
  /** Addresses of the first servers of the cluster. */
  readonly seeds: readonly string[];
  /** Where servers talk to each other; the same for all. */
  readonly storagePort: number;
  readonly nativePort: number;
  /** `password` asks for an account: cassandra/cassandra at first. */
  readonly authentication: 'none' | 'password';
  /** `group` is what Starling requires. */
  readonly commitLogSync: 'group' | 'periodic';
  readonly dataCenter: string;
}

/** Writes the files; returns the directory to put on the class path. */
export async function writeConfig(config: ServerConfig): Promise<string> {
  const conf = join(config.directory, 'conf');
  await mkdir(conf, { recursive: true });
  await writeFile(join(conf, 'cassandra.yaml'), yamlOf(config));
  await writeFile(join(conf, 'cassandra-rackdc.properties'), `dc=${config.dataCenter}\nrack=rack1\n`);
  await writeFile(join(conf, 'logback.xml'), logback(join(config.directory, 'system.log')));
  return conf;
}

function yamlOf(config: ServerConfig): string {
  const { directory, address, storagePort, authentication, commitLogSync } = config;
  const at = (name: string): string => JSON.stringify(join(directory, name));
  const seeds = config.seeds.map((seed) => `${seed}:${storagePort}`).join(',');
  const word = authentication === 'password' ? 'PasswordAuthenticator' : 'AllowAllAuthenticator';
  const rights = authentication === 'password' ? 'CassandraAuthorizer' : 'AllowAllAuthorizer';
  return `cluster_name: ${JSON.stringify(config.clusterName)}
num_tokens: 8
partitioner: org.apache.cassandra.dht.Murmur3Partitioner
endpoint_snitch: GossipingPropertyFileSnitch
seed_provider:
  - class_name: org.apache.cassandra.locator.SimpleSeedProvider
    parameters:
      - seeds: ${JSON.stringify(seeds)}
listen_address: ${address}
rpc_address: ${address}
storage_port: ${storagePort}
native_transport_port: ${config.nativePort}
authenticator: ${word}
authorizer: ${rights}
role_manager: CassandraRoleManager
data_file_directories: [${at('data')}]
commitlog_directory: ${at('commitlog')}
hints_directory: ${at('hints')}
saved_caches_directory: ${at('caches')}
cdc_raw_directory: ${at('cdc')}
# The default, periodic, acknowledges before the disk has it. A group waits for one sync, at most so long.
commitlog_sync: ${commitLogSync}
${commitLogSync === 'group' ? 'commitlog_sync_group_window: 2ms' : 'commitlog_sync_period: 10000ms'}
commitlog_segment_size: 32MiB
# A write holds its thread until the disk has it: more of them than the default of 32.
concurrent_writes: 128
# Serial reads finish or overtake what was proposed before them.
paxos_variant: v2
# A stranger's clock can hide nothing here, and ours are epochs: no bounds on write times.
minimum_timestamp_fail_threshold: null
maximum_timestamp_fail_threshold: null
# Small machines.
concurrent_reads: 16
memtable_heap_space: 128MiB
memtable_offheap_space: 128MiB
file_cache_size: 64MiB
key_cache_size: 8MiB
networking_cache_size: 32MiB
# Batches of one partition are no burden, and each warning is a line of log.
batch_size_warn_threshold: 50KiB
auto_snapshot: false
disk_failure_policy: die
commit_failure_policy: die
`;
}

function logback(file: string): string {
  return `<configuration>
  <appender name="FILE" class="ch.qos.logback.core.FileAppender">
    <file>${file}</file>
    <encoder><pattern>%-5level [%thread] %date{ISO8601} %F:%L - %msg%n</pattern></encoder>
  </appender>
  <root level="INFO"><appender-ref ref="FILE" /></root>
</configuration>
`;
}

/** What Cassandra's own start script gives Java 17, and what makes a small server. */
export function javaArguments(server: {
  readonly conf: string;
  readonly directory: string;
  readonly heapMiB: number;
  readonly managementPort: number;
  readonly classPath: string;
}): readonly string[] {
  const exported = [
    'java.base/jdk.internal.misc',
    'java.base/java.lang.ref',
    'java.management.rmi/com.sun.jmx.remote.internal.rmi',
    'java.rmi/sun.rmi.registry',
    'java.rmi/sun.rmi.server',
    'java.sql/java.sql',
    'jdk.unsupported/sun.misc',
  ];
  const opened = [
    'java.base/java.io',
    'java.base/java.lang',
    'java.base/java.lang.module',
    'java.base/java.lang.reflect',
    'java.base/java.util',
    'java.base/jdk.internal.loader',
    'java.base/jdk.internal.math',
    'java.base/jdk.internal.module',
    'java.base/jdk.internal.ref',
    'java.base/jdk.internal.reflect',
    'java.base/jdk.internal.util.jar',
    'java.base/sun.nio.ch',
    'jdk.management/com.sun.management.internal',
  ];
  return [
    `-Xms${server.heapMiB}m`,
    `-Xmx${server.heapMiB}m`,
    '-XX:+UseSerialGC',
    '-XX:TieredStopAtLevel=4',
    '-XX:+ExitOnOutOfMemoryError',
    '-Djdk.attach.allowAttachSelf=true',
    '-Dio.netty.tryReflectionSetAccessible=true',
    ...exported.map((name) => `--add-exports=${name}=ALL-UNNAMED`),
    ...opened.map((name) => `--add-opens=${name}=ALL-UNNAMED`),
    `-Dcassandra.config=file://${join(server.conf, 'cassandra.yaml')}`,
    `-Dcassandra.storagedir=${server.directory}`,
    '-Dcassandra-foreground=yes',
    `-Dcassandra.jmx.local.port=${server.managementPort}`,
    // A cluster on one machine has nothing to wait for before it joins.
    '-Dcassandra.ring_delay_ms=2000',
    '-Dcassandra.skip_wait_for_gossip_to_settle=0',
    // The first account is made at once, not after ten seconds.
    '-Dcassandra.superuser_setup_delay_ms=0',
    '-cp',
    `${server.conf}:${server.classPath}`,
    'org.apache.cassandra.service.CassandraDaemon',
  ];
}
