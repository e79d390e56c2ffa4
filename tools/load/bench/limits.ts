// What bounds our figures on this machine, measured in the same run: puts of the bare store, pushes of bare servers.

import { execFile, fork } from 'node:child_process';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { cpuSeconds } from '../node-process.ts';
import { type Arm, inParallel, type Measured, names, waitUntil } from './arm.ts';

const CONNECTIONS = 1_000;
/** Bytes of one delivery of a 200-byte text on the wire: frame, positions, ids, body. */
const PUSH_BYTES = 350;

/** Puts that are flushed before they are answered, 256 in flight. */
export function lmdbArm(): Arm {
  const name = 'limit.lmdb.put_fsync';
  const child = fileURLToPath(new URL('./limit-lmdb.child.ts', import.meta.url));
  return {
    name: 'limit.lmdb',
    prefixes: [name],
    async run({ quick }) {
      const { stdout } = await promisify(execFile)(process.execPath, [child, quick ? '1500' : '4000']);
      const { perSecond } = JSON.parse(stdout) as { perSecond: number };
      return [{ name, value: perSecond, unit: '1/s' }];
    },
  };
}

/**
 * Writes of the same bytes to 1,000 connections for a second of the server's processor time: one write a delivery, the
 * next round when everybody has the one before. Who puts several deliveries into one write goes beyond it.
 */
export function pushArm(wire: 'http1' | 'tcp'): Arm {
  const name = `limit.${wire}_write`;
  return { name, prefixes: [name], run: ({ quick }) => runPush(wire, name, quick ? 2_000 : 5_000) };
}

async function runPush(wire: 'http1' | 'tcp', name: string, forMs: number): Promise<Measured[]> {
  const child = fork(fileURLToPath(new URL('./limit-push.child.ts', import.meta.url)), [
    wire,
    `${PUSH_BYTES}`,
  ]);
  const sockets: Socket[] = [];
  try {
    const [{ port }] = (await once(child, 'message')) as [{ port: number }];
    const pid = child.pid;
    if (pid === undefined) throw new Error('the server does not run');
    let received = 0;
    const opened = await inParallel(names('', CONNECTIONS), 64, async () => {
      const socket = connect({ host: '127.0.0.1', port, noDelay: true });
      await once(socket, 'connect');
      socket.on('data', (bytes) => {
        received += bytes.length;
      });
      if (wire === 'http1') socket.write('POST / HTTP/1.1\r\nhost: limit\r\ncontent-length: 0\r\n\r\n');
      return socket;
    });
    sockets.push(...opened);
    // A chunk of HTTP carries its length in hexadecimal and two line ends.
    const each = wire === 'http1' ? PUSH_BYTES + PUSH_BYTES.toString(16).length + 4 : PUSH_BYTES;
    await waitUntil(
      () => received >= each * CONNECTIONS,
      20_000,
      () => 'the first bytes did not come',
    );
    await new Promise((resolve) => setTimeout(resolve, 100));
    const base = received;
    let pushed = 0;
    const before = cpuSeconds(pid);
    const until = performance.now() + forMs;
    while (performance.now() < until) {
      child.send('push');
      pushed += 1;
      await waitUntil(
        () => received - base >= pushed * each * CONNECTIONS,
        10_000,
        () => `${received - base} bytes came`,
      );
    }
    if (received - base !== pushed * each * CONNECTIONS) throw new Error('more bytes came than were pushed');
    return [{ name, value: (pushed * CONNECTIONS) / (cpuSeconds(pid) - before), unit: '1/s' }];
  } finally {
    for (const socket of sockets) socket.destroy();
    child.disconnect();
    await once(child, 'exit');
  }
}
