// Ports of servers on loopback. Owns: finding free ones, asking whether a Cassandra answers there.

import { connect, createServer } from 'node:net';

/** Ports that the nodes of one cluster share. */
export interface ServerPorts {
  /** Where nodes talk to each other. */
  readonly storage: number;
  /** Where clients talk to them. */
  readonly native: number;
}

/** Ports that are free on all of these addresses now. */
export async function freePorts(hosts: readonly string[]): Promise<ServerPorts> {
  const [storage, native] = [await freePort(hosts), await freePort(hosts)];
  return { storage, native };
}

/** A port that is free on all of these addresses now. */
export async function freePort(hosts: readonly string[]): Promise<number> {
  for (let attempt = 0; attempt < 20; attempt += 1) {
    const port = await listening('127.0.0.1', 0);
    const free = await Promise.all(hosts.map((host) => listening(host, port).catch(() => 0)));
    if (port > 0 && free.every((found) => found === port)) return port;
  }
  throw new Error('no port is free on all loopback addresses');
}

/** Listens once and stops again. */
function listening(host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen(port, host, () => {
      const found = probe.address();
      probe.close(() => resolve(typeof found === 'object' && found !== null ? found.port : 0));
    });
  });
}

/** Whether a node answers: sends OPTIONS of the native protocol, version 4, and looks for SUPPORTED. */
export function answers(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    const settle = (found: boolean): void => {
      socket.destroy();
      resolve(found);
    };
    socket.setTimeout(2_000, () => settle(false));
    socket.once('error', () => settle(false));
    socket.once('close', () => resolve(false));
    socket.once('connect', () => socket.write(Buffer.from([4, 0, 0, 0, 5, 0, 0, 0, 0])));
    socket.once('data', (bytes) => settle(bytes[4] === 6));
  });
}
