// Nodes over one store whose envelopes a test may look at and bring again, and clients' streams as it reads them.

import assert from 'node:assert/strict';
import { create } from '@bufbuild/protobuf';
import { WatchRequestSchema } from '../../proto/gen/starling/test/v1/script_pb.ts';
import type { StarlingError } from '../errors.ts';
import { type ActorDefinition, createRuntime, type Runtime, type RuntimeLimits } from '../index.ts';
import type { Transport } from '../ports/transport.ts';
import type { ServerStream } from '../service.ts';
import { scripted } from './script-actor.ts';
import { SimClock, settle } from './sim-clock.ts';
import { SimNetwork } from './sim-network.ts';
import { SimOwnership } from './sim-ownership.ts';
import { SimRandom } from './sim-random.ts';
import { SimStore } from './sim-store.ts';
import { keyOn } from './two-nodes.ts';

const SHARDS = 4;

/** A client's end of a stream. */
export class Line implements ServerStream {
  readonly frames: string[] = [];
  readonly #listeners: (() => void)[] = [];
  closed = false;
  sentBytes = 0;
  /** What the client has not read; a test sets it. */
  bufferedBytes = 0;
  /** How it ended: a code, `OK`, or `left` where the client went. */
  outcome: string | undefined;
  error: StarlingError | undefined;

  send(...pieces: readonly Uint8Array[]): void {
    if (this.closed) return;
    const frame = Buffer.concat(pieces);
    this.sentBytes += frame.length;
    this.frames.push(frame.toString());
  }

  end(error?: StarlingError): void {
    this.error = error;
    this.#close(error?.code ?? 'OK');
  }

  /** The client goes. */
  leave(): void {
    this.#close('left');
  }

  #close(outcome: string): void {
    if (this.closed) return;
    this.closed = true;
    this.outcome = outcome;
    for (const listener of this.#listeners) listener();
  }

  onClose(listener: () => void): void {
    if (this.closed) listener();
    else this.#listeners.push(listener);
  }
}

interface Envelope {
  readonly from: string;
  readonly to: string;
  readonly bytes: Uint8Array;
}

/** `names.length` nodes; shard s is served by the node s modulo their number. */
export class RelayNodes {
  readonly clock = new SimClock();
  readonly store = new SimStore({ type: 'immediate' });
  readonly network: SimNetwork;
  readonly owners: SimOwnership[] = [];
  readonly nodes: Runtime[] = [];
  /** Everything that was sent between nodes. */
  readonly sent: Envelope[] = [];
  readonly #handlers = new Map<string, (bytes: Uint8Array) => Promise<Uint8Array>>();
  readonly #definitions: readonly ActorDefinition[];
  readonly #limits: Partial<RuntimeLimits>;
  readonly #names: readonly string[];
  #runs = 0;

  constructor(
    definitions: readonly ActorDefinition[],
    limits: Partial<RuntimeLimits> = {},
    names: readonly string[] = ['n0', 'n1'],
  ) {
    this.#definitions = definitions;
    this.#limits = limits;
    this.#names = names;
    this.network = new SimNetwork(names);
    for (let i = 0; i < names.length; i++) this.start(i);
  }

  /** Starts a node, or another run of it; the former one hears and says nothing any more. */
  start(i: number): Runtime {
    const node = this.#names[i] ?? '';
    this.#runs += 1;
    const ownership = new SimOwnership(65_536 + this.#runs);
    for (let shard = 0; shard < SHARDS; shard++) if (shard % this.#names.length !== i) ownership.lose(shard);
    this.owners[i] = ownership;
    const runtime = createRuntime({
      node,
      store: this.store,
      ownership,
      clock: this.clock,
      random: new SimRandom(this.#runs),
      shards: SHARDS,
      limits: this.#limits,
      peers: { transport: this.#transport(node), directory: this.network },
    });
    runtime.register(...this.#definitions);
    this.nodes[i] = runtime;
    return runtime;
  }

  #transport(node: string): Transport {
    const inner = this.network.transportOf(node);
    const run = this.#runs;
    const alive = (): boolean => this.#runOf.get(node) === run;
    this.#runOf.set(node, run);
    return {
      request: (to, bytes, timeoutMs) => {
        if (!alive()) return new Promise(() => {});
        this.sent.push({ from: node, to, bytes: bytes.slice() });
        return inner.request(to, bytes, timeoutMs);
      },
      serve: (handler) => {
        this.#handlers.set(node, handler);
        inner.serve(handler);
      },
    };
  }

  readonly #runOf = new Map<string, number>();

  /** Brings an envelope again. */
  again({ to, bytes }: Envelope): Promise<Uint8Array> | undefined {
    return this.#handlers.get(to)?.(bytes.slice());
  }

  node(i: number): Runtime {
    const node = this.nodes[i];
    if (node === undefined) throw new Error(`There is no node ${i}.`);
    return node;
  }

  /** From now on `node` hears nothing and is not heard. */
  silence(node: string): void {
    this.network.decide((from, to) => (from === node || to === node ? 'lost' : 'carried'));
  }
}

/** Two nodes; the actor is on `n1`, its clients come to `n0`. Streams as the actors got them, in order. */
export function relayed(limits: Partial<RuntimeLimits> = {}, kind = 'script') {
  const streams: ServerStream[] = [];
  const left: number[] = [];
  const { type, definition } = scripted({
    kind,
    watch: (_text, stream) => {
      const n = streams.push(stream) - 1;
      stream.onClose(() => left.push(n));
    },
  });
  const two = new RelayNodes([definition], limits);
  const key = keyOn(type, 1);
  const via: string[] = [];
  const open = (node = 0, line = new Line(), text = 'x'): Line => {
    const request = create(WatchRequestSchema, { text });
    two.node(node).open(type, key, 'watch', request, line, { relayed: (owner) => via.push(owner) });
    return line;
  };
  const actors = (n = 0): ServerStream => {
    const stream = streams[n];
    assert.ok(stream !== undefined, `an actor has stream ${n}`);
    return stream;
  };
  /** Open, and given a first frame. */
  const opened = async (): Promise<Line> => {
    const line = open();
    await settle();
    say(actors(streams.length - 1), 'welcome');
    await settle();
    assert.deepEqual(line.frames.splice(0), ['welcome']);
    return line;
  };
  return { two, type, key, streams, left, via, open, opened, actors };
}

/** Puts words on a stream, a frame each. */
export const say = (stream: ServerStream, ...words: string[]): void => {
  for (const word of words) stream.send(Buffer.from(word));
};
/** The numbers of a range as words. */
export const numbers = (from: number, to: number): string[] =>
  Array.from({ length: to - from }, (_, i) => String(from + i));
