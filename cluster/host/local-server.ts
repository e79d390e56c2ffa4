// The answering end of the connections between processes of a host. Owns: its socket, handing requests to the handler, the
// way back. Does not own: what answers.
//
// H5  Every request that arrives is answered, by the handler or by a failure that says it was not begun, as long as its
//     connection is there; who asks faster than it reads is not read.

import { rm } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { StarlingError, toStarlingError } from '../../runtime/index.ts';
import { type Frame, type FrameKind, FrameReader, headOf } from './frames.ts';
import type { HostLimits } from './limits.ts';
import { failureBytes } from './local-link.ts';

export type Handler = (envelope: Uint8Array) => Promise<Uint8Array>;

export class LocalServer {
  readonly #path: string;
  readonly #limits: HostLimits;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #handler: Handler | undefined;
  #ended = false;

  constructor(path: string, limits: HostLimits) {
    this.#path = path;
    this.#limits = limits;
    this.#server = createServer((socket) => this.#accept(socket));
  }

  serve(handler: Handler): void {
    this.#handler = handler;
  }

  /** Resolves when others can connect. @throws Error where the path can't be used */
  async listen(): Promise<void> {
    // What an ended process of the same place has left.
    await rm(this.#path, { force: true });
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      // Exclusive: it belongs to this process, unlike the ports that those of a host share.
      this.#server.listen({ path: this.#path, exclusive: true }, resolve);
    });
  }

  /** Takes nothing more; what is being answered is lost. */
  async close(): Promise<void> {
    this.#ended = true;
    for (const socket of this.#sockets) socket.destroy();
    if (!this.#server.listening) return;
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  #accept(socket: Socket): void {
    const reader = new FrameReader(this.#limits.envelopeBytesMax);
    const asker = new Asker(socket, this.#limits);
    this.#sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => this.#sockets.delete(socket));
    socket.on('data', (chunk) => {
      const frames = reader.take(chunk);
      if (frames === undefined) socket.destroy();
      else for (const frame of frames) this.#answer(asker, frame);
    });
  }

  #answer(asker: Asker, { kind, id, bytes }: Frame): void {
    if (kind !== 'request') return;
    const handler = this.#handler;
    if (handler === undefined || this.#ended) {
      asker.fail(id, new StarlingError('NOT_OWNER', 'The node does not serve.'));
      return;
    }
    if (!asker.begin()) {
      asker.fail(id, new StarlingError('OVERLOADED'));
      return;
    }
    run(handler, bytes).then(
      (reply) => {
        asker.end();
        if (reply.length <= this.#limits.envelopeBytesMax) asker.send('reply', id, reply);
        else
          asker.fail(id, new StarlingError('INTERNAL', `An answer of ${reply.length} bytes is too large.`));
      },
      (error: unknown) => {
        asker.end();
        asker.fail(id, toStarlingError(error));
      },
    );
  }
}

async function run(handler: Handler, bytes: Uint8Array): Promise<Uint8Array> {
  return handler(bytes);
}

/** The other end of one connection. */
class Asker {
  readonly #socket: Socket;
  readonly #limits: HostLimits;
  #working = 0;
  #corked = false;

  constructor(socket: Socket, limits: HostLimits) {
    this.#socket = socket;
    this.#limits = limits;
    socket.on('drain', () => socket.resume());
  }

  /** False: too many are being answered. */
  begin(): boolean {
    if (this.#working >= this.#limits.requestsMax) return false;
    this.#working++;
    return true;
  }

  end(): void {
    this.#working--;
  }

  fail(id: number, error: StarlingError): void {
    this.send('failure', id, failureBytes(error));
  }

  send(kind: FrameKind, id: number, bytes: Uint8Array): void {
    const socket = this.#socket;
    if (socket.destroyed) return;
    if (!this.#corked) {
      this.#corked = true;
      socket.cork();
      setImmediate(() => {
        this.#corked = false;
        socket.uncork();
      });
    }
    socket.write(headOf(kind, id, bytes.length));
    socket.write(bytes);
    if (socket.writableLength > this.#limits.waitingBytesMax) socket.pause();
  }
}
