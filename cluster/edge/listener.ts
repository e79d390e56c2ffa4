// The port of gRPC-web and the page. Owns: accepting connections, TLS, and telling HTTP/1.1 from HTTP/2: by ALPN under
// TLS, else by the first bytes, of which HTTP/2's preface fixes 24.

import type { EventEmitter } from 'node:events';
import { once } from 'node:events';
import { createServer as createTcpServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type TLSSocket } from 'node:tls';
import type { Dispatcher } from './dispatcher.ts';
import type { EdgeAddress, EdgeOptions } from './options.ts';

// `PRI` is no method of HTTP/1.1, and three bytes tell them apart.
const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1');
const PREFACE_BYTES_MIN = 3;

/** What accepts connections on a port. */
export interface Listener {
  /** `host:port`, with the port that was found where 0 was asked for. */
  readonly address: string;
  /** Takes no more connections. */
  stop(): void;
  /** Closes all connections; resolves once the port is free. */
  close(): Promise<void>;
}

/** Takes connections on `address` and hands each to `accept`. */
export async function listen(
  server: Server,
  event: 'connection' | 'secureConnection',
  { address, connectionsMax }: { address: EdgeAddress; connectionsMax: number },
  accept: (socket: Socket) => void,
): Promise<Listener> {
  const sockets = new Set<Socket>();
  server.maxConnections = connectionsMax;
  // Under TLS the raw socket is the one to close while the handshake goes on.
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('close', onSocketClose);
  });
  function onSocketClose(this: Socket): void {
    sockets.delete(this);
  }
  server.on(event, accept);
  server.on('tlsClientError', () => undefined);
  server.listen(address.port, address.host);
  await once(server, 'listening');
  const bound = server.address();
  const port = typeof bound === 'object' && bound !== null ? bound.port : address.port;
  const host = address.host.includes(':') ? `[${address.host}]` : address.host;
  const closed = new Promise<void>((resolve) => server.once('close', () => resolve()));
  return {
    address: `${host}:${port}`,
    stop: () => void server.close(),
    close: () => {
      server.close();
      for (const socket of sockets) socket.destroy();
      return closed;
    },
  };
}

/** Opens the port of gRPC-web and the page. */
export function listenWeb(
  options: EdgeOptions,
  dispatcher: Dispatcher,
  servers: { readonly http1: EventEmitter; readonly http2: EventEmitter },
): Promise<Listener> {
  const { limits } = dispatcher;
  const bounds = { address: options.http, connectionsMax: limits.connectionsMax };
  if (options.tls !== undefined) {
    const server = createTlsServer({
      ...options.tls,
      ALPNProtocols: ['h2', 'http/1.1'],
      minVersion: 'TLSv1.2',
      handshakeTimeout: limits.headersMsMax,
      noDelay: true,
    });
    return listen(server, 'secureConnection', bounds, (socket) => {
      socket.on('error', onSocketError);
      const { alpnProtocol } = socket as TLSSocket;
      if (alpnProtocol === 'h2') servers.http2.emit('connection', socket);
      else acceptHttp1(socket, servers.http1);
    });
  }
  return listen(createTcpServer({ noDelay: true }), 'connection', bounds, (socket) => {
    socket.on('error', onSocketError);
    sniff(socket, dispatcher, servers);
  });
}

// A reset by the peer: `close` follows, and ends what is open on the connection.
function onSocketError(): void {}

/**
 * Hands a TLS socket to HTTP/1.1. Node's parser reads straight from the socket's handle and stops reading while an answer
 * is still on its way out; under TLS the handle hands over what it has decrypted all the same, and the stopped parser
 * fails with `Parse Error: Paused`: a client whose headers and body came as two TLS records got no answer. With a listener
 * for data the parser is fed by the stream instead, which keeps what comes meanwhile.
 */
function acceptHttp1(socket: Socket, server: EventEmitter): void {
  server.emit('connection', socket);
  socket.on('data', onSocketData);
}

function onSocketData(): void {}

function sniff(
  socket: Socket,
  dispatcher: Dispatcher,
  servers: { readonly http1: EventEmitter; readonly http2: EventEmitter },
): void {
  const timer = dispatcher.schedule(dispatcher.limits.idleMsMax, () => socket.destroy());
  const stop = () => timer.cancel();
  let seen: Buffer | undefined;
  const onData = (chunk: Buffer) => {
    seen = seen === undefined ? chunk : Buffer.concat([seen, chunk]);
    const bytes = Math.min(seen.length, PREFACE.length);
    const http2 = seen.compare(PREFACE, 0, bytes, 0, bytes) === 0;
    if (http2 && bytes < PREFACE_BYTES_MIN) return;
    timer.cancel();
    socket.off('data', onData);
    socket.off('close', stop);
    socket.pause();
    socket.unshift(seen);
    if (http2) {
      // The session takes what was read from the paused socket by itself.
      servers.http2.emit('connection', socket);
    } else {
      servers.http1.emit('connection', socket);
      socket.resume();
    }
  };
  socket.on('data', onData);
  socket.once('close', stop);
}
