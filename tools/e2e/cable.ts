// A cable between one browser and the server, which can be pulled: the browser's own offline switch leaves
// streams open that stand already.

import { createServer, connect as dial, type Server, type Socket } from 'node:net';

export class Cable {
  readonly #server: Server;
  readonly #ends = new Set<Socket>();
  #pulled = false;

  private constructor(target: URL) {
    this.#server = createServer((near) => {
      if (this.#pulled) {
        near.destroy();
        return;
      }
      const far = dial(Number(target.port), target.hostname);
      this.#join(near, far);
      this.#join(far, near);
    });
  }

  /** Lays a cable to a server. */
  static async lay(http: string): Promise<Cable> {
    const cable = new Cable(new URL(http));
    await new Promise<void>((resolve) => cable.#server.listen(0, '127.0.0.1', resolve));
    return cable;
  }

  /** Base address at the near end. */
  get http(): string {
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new Error('The cable is not laid.');
    return `http://127.0.0.1:${address.port}`;
  }

  /** Cuts what goes through and lets nothing new through. */
  pull(): void {
    this.#pulled = true;
    for (const end of this.#ends) end.destroy();
  }

  plugIn(): void {
    this.#pulled = false;
  }

  /** Takes the cable away. */
  async close(): Promise<void> {
    this.pull();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  #join(from: Socket, to: Socket): void {
    this.#ends.add(from);
    from.pipe(to);
    from.on('error', () => to.destroy());
    from.on('close', () => {
      this.#ends.delete(from);
      to.destroy();
    });
  }
}
