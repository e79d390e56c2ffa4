// Memory of the server for a connection that does nothing: 10,000 streams, each of another user.

import { setTimeout as sleep } from 'node:timers/promises';
import { residentBytes } from '../node-process.ts';
import {
  type Arm,
  type ArmOptions,
  type Bench,
  inParallel,
  issueTokens,
  type Measured,
  names,
  withNode,
} from './arm.ts';
import { CountingDevice } from './counting-device.ts';

/** Streams that are open before the first reading, so that what is paid once is not counted. */
const BASE = 500;
const STREAMS = 10_000;
/** Connections from one source address; the ports of one would do for 28,000. */
const PER_ADDRESS = 5_000;

/** The arm. Needs about 11,000 file descriptors in the server and in the generator. */
export function idleArm(): Arm {
  return {
    name: 'idle',
    prefixes: ['idle.'],
    run: (options) => withNode(options, (bench) => run(bench, options)),
  };
}

async function run({ node, backend }: Bench, { quick }: ArmOptions): Promise<Measured[]> {
  const streams = quick ? 2_000 : STREAMS;
  const totals = { deliveries: 0, acks: 0, pulls: 0 };
  const tokens = await issueTokens(backend, names('idle', BASE + streams));
  const devices: CountingDevice[] = [];
  const open = async (from: number, to: number): Promise<void> => {
    const opened = await inParallel(tokens.slice(from, to), 64, async (token, at) => {
      const localAddress = `127.0.0.${2 + Math.floor((from + at) / PER_ADDRESS)}`;
      const device = new CountingDevice({ ...node.endpoint, localAddress }, token, 'phone', totals);
      await device.open();
      return device;
    });
    devices.push(...opened);
  };
  try {
    await open(0, BASE);
    const before = await settledBytes(node.pid);
    await open(BASE, BASE + streams);
    const after = await settledBytes(node.pid);
    const lost = devices.filter((device) => device.failure !== undefined);
    if (lost.length > 0) throw new Error(`${lost.length} streams were lost: ${lost[0]?.failure}`);
    return [
      { name: 'idle.bytes_per_connection', value: (after - before) / streams, unit: 'B' },
      { name: 'idle.streams', value: streams, unit: 'count' },
    ];
  } finally {
    for (const device of devices) device.close();
  }
}

// Memory goes down as the collector gets round to what the connecting left behind: the lowest reading of some seconds.
async function settledBytes(pid: number): Promise<number> {
  let lowest = Number.POSITIVE_INFINITY;
  for (let reading = 0; reading < 16; reading += 1) {
    await sleep(500);
    lowest = Math.min(lowest, residentBytes(pid));
  }
  return lowest;
}
