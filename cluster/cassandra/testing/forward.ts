// A port forward on loopback. Owns: its port and its connections.

import { connect, createServer, type Socket } from 'node:net';

export interface Forward {
  /** `host:port` to use in place of the target. */
  readonly address: string;
  /** Bytes that went through, both ways. */
  bytes(): number;
  /** Ends all connections, and each new one at once. */
  cut(): void;
  /** Passes new connections on again. */
  mend(): void;
  /** Takes no new connections; resolves when the last one has ended. */
  drain(): Promise<void>;
  close(): Promise<void>;
}

/** Passes every connection on to `target`, a `host:port`. */
export async function startForward(target: string): Promise<Forward> {
  const [host, port] = target.split(':');
  const sockets = new Set<Socket>();
  let bytes = 0;
  let cut = false;
  const server = createServer((near) => {
    if (cut) {
      near.destroy();
      return;
    }
    const far = connect({ host: host ?? '', port: Number(port) });
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(from);
      from.on('data', (chunk) => {
        bytes += chunk.length;
      });
      from.pipe(to);
      from.once('error', () => to.destroy());
      from.once('close', () => sockets.delete(from));
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const own = server.address();
  const drain = () => new Promise<void>((resolve) => server.close(() => resolve()));
  return {
    address: `127.0.0.1:${typeof own === 'object' && own !== null ? own.port : 0}`,
    bytes: () => bytes,
    cut: () => {
      cut = true;
      for (const socket of sockets) socket.destroy();
    },
    mend: () => {
      cut = false;
    },
    drain,
    close: async () => {
      const drained = drain();
      for (const socket of sockets) socket.destroy();
      await drained;
    },
  };
}
