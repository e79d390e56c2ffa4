// A node's way to NATS: three connections, and the drivers on them. Owns: what belongs together and the order of start and
// end. Three, because the server has one buffer a connection: what fills one must not hold up the others.

import { NatsBoard } from './board.ts';
import { Connection } from './connection.ts';
import { NatsControl } from './control.ts';
import { Lane } from './lane.ts';
import { NATS_LIMITS, type NatsLimits } from './limits.ts';
import type { NatsConnectionName, NatsHealth, NatsOptions } from './options.ts';
import { NatsProbe } from './probe.ts';
import { type LaneName, LaneSubjects } from './subjects.ts';
import { NatsTransport } from './transport.ts';

export interface Nats {
  readonly transport: NatsTransport;
  readonly board: NatsBoard;
  readonly probe: NatsProbe;
  readonly control: NatsControl;
  /** Resolves when the servers know all that this node listens to; to be awaited before others hear of it. */
  listening(): Promise<void>;
  /** For the page that says whether this node is ready. */
  health(): NatsHealth;
  /** Answers what is being answered, refuses the rest, and closes. Never rejects. */
  close(): Promise<void>;
}

const NAMES: readonly NatsConnectionName[] = ['control', 'calls', 'bulk'];

/**
 * Connects and makes the board where it is missing.
 * @throws StarlingError UNAUTHENTICATED, OUTCOME_UNKNOWN; the text says what is wrong and what to do
 */
export async function connectNats(options: NatsOptions): Promise<Nats> {
  const limits = { ...NATS_LIMITS, ...options.limits };
  const control = await open(options, limits, 'control');
  const opened: Connection[] = [control];
  try {
    const board = new NatsBoard({
      ...{
        connection: control,
        cluster: options.cluster,
        replicas: options.replicas ?? 1,
        limits,
        clock: options.clock,
      },
      onMade: () => options.onEvent?.({ kind: 'board-made' }),
    });
    await board.bucket.ready();
    const calls = await open(options, limits, 'calls');
    opened.push(calls);
    const bulk = await open(options, limits, 'bulk');
    opened.push(bulk);
    return assemble(options, limits, board, { control, calls, bulk });
  } catch (error) {
    await Promise.all(opened.map((connection) => connection.close()));
    throw error;
  }
}

async function open(
  options: NatsOptions,
  limits: NatsLimits,
  connection: NatsConnectionName,
): Promise<Connection> {
  const { servers, auth, tls, random, node, onEvent } = options;
  const name = `starling ${node} ${connection}`;
  const opened = await Connection.open({ servers, auth, tls, random, limits, name });
  opened.listen({
    onDown: () => onEvent?.({ kind: 'down', connection }),
    onUp: () => onEvent?.({ kind: 'up', connection }),
    onError: (message) => onEvent?.({ kind: 'error', connection, message }),
  });
  return opened;
}

function assemble(
  { cluster, node, process, clock, onEvent }: NatsOptions,
  limits: NatsLimits,
  board: NatsBoard,
  connections: Readonly<Record<NatsConnectionName, Connection>>,
): Nats {
  const laneOf = (name: LaneName): Lane =>
    new Lane({
      connection: connections[name],
      subjects: new LaneSubjects(cluster, name, process),
      ...{ node, process, clock, limits },
      onRefused: (to, reason) => onEvent?.({ kind: 'link-refused', node: to, reason }),
    });
  const lanes = { calls: laneOf('calls'), bulk: laneOf('bulk') };
  return {
    transport: new NatsTransport(lanes),
    board,
    probe: new NatsProbe({ connection: connections.control, cluster, node }),
    control: new NatsControl({ connection: connections.control, cluster, node }),
    listening: async () => {
      await Promise.all(NAMES.map((name) => connections[name].nats.flush()));
    },
    health: () => healthOf(connections, board),
    close: async () => {
      await Promise.all([lanes.calls.end(), lanes.bulk.end()]);
      await Promise.all(NAMES.map((name) => connections[name].close()));
    },
  };
}

function healthOf(
  connections: Readonly<Record<NatsConnectionName, Connection>>,
  { bucket }: NatsBoard,
): NatsHealth {
  const down = NAMES.filter((name) => connections[name].state !== 'connected').map((name) => {
    const { state, problem } = connections[name];
    return `The ${name} connection to NATS is ${state}${problem === undefined ? '' : ` (${problem})`}.`;
  });
  const problems = bucket.problem === undefined ? down : [...down, bucket.problem];
  const { control, calls, bulk } = connections;
  return {
    ok: problems.length === 0 && bucket.state === 'ready',
    connections: { control: control.state, calls: calls.state, bulk: bulk.state },
    board: bucket.state,
    problems,
  };
}
