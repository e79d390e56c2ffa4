// The client of the database library, made to end. Owns: what cassandra-driver 4.10 itself forgets. Does not own: its set-up
// (connect.ts).
//
// While no node can be reached the library's control connection begins anew from the contact points, and puts new objects
// in the place of nodes it knew (`_initializeConnection` in its control-connection.js). It forgets, so that a process whose
// database was away never ended and, while it lived, kept two more connections after each such time:
// - the objects that were replaced: each reconnects by itself and keeps its connections; `shutdown` knows them no longer;
// - a connection that is being set up in that way while `shutdown` runs: it joins a node that was shut down already.
// What does that is not in the types of the library; a test with a real server sees that it is still there.

import cassandra from 'cassandra-driver';

interface Closable {
  close(): void;
}

interface Stoppable {
  /** Closes the connections of a node, and makes none again. `waitForPending`: lets requests under way end before. */
  shutdown(waitForPending: boolean): Promise<void>;
}

export class EndingClient extends cassandra.Client {
  #ended = false;
  /**
   * Ended with the client, not before: prepared requests still go by them, and one that was shut down never comes up again. So each
   * time that no node could be reached costs two connections to a node.
   */
  readonly #replaced = new Set<Stoppable>();

  constructor(options: cassandra.ClientOptions) {
    super(options);
    this.on('hostRemove', (host: unknown) => {
      if (isStoppable(host)) this.#replaced.add(host);
    });
    // Whoever begins anew after the end learns of a node first, and then goes on over this connection.
    this.on('hostAdd', () => {
      if (this.#ended) this.#closeControl();
    });
  }

  /** Closes all connections, for good. */
  override async shutdown(): Promise<void> {
    this.#ended = true;
    await super.shutdown();
    for (const host of this.#replaced) await host.shutdown(false);
    this.#closeControl();
  }

  #closeControl(): void {
    const control: unknown = Reflect.get(this, 'controlConnection');
    const connection = isObject(control) ? Reflect.get(control, 'connection') : undefined;
    if (isClosable(connection)) connection.close();
  }
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

function isStoppable(value: unknown): value is Stoppable {
  return isObject(value) && 'shutdown' in value && typeof value.shutdown === 'function';
}

function isClosable(value: unknown): value is Closable {
  return isObject(value) && 'close' in value && typeof value.close === 'function';
}
