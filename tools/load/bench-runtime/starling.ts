// Starling: the runtime as a node has it, with the real clock and the real embedded store. Deadlines, bounds, errors,
// placement and passivation are on; so is whatever a node measures of itself.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock, systemRandom } from '../../../cluster/clock/index.ts';
import { type LmdbStore, openLmdbStore } from '../../../cluster/lmdb/index.ts';
import { createRuntime, type Runtime, type Telemetry } from '../../../runtime/index.ts';
import { heapMemory } from '../../node/memory.ts';
import { Counter, DEFINITIONS, Driver } from './actors.ts';
import { expectTotal, inLanes, LANES, type Subject } from './subject.ts';

/** More than any workload activates. */
const ACTIVATIONS_MAX = 10_000_000;
const STOP_MS_MAX = 5_000;

/** A node without an edge. */
export class BenchNode {
  readonly store: LmdbStore;
  readonly #telemetry: Telemetry | undefined;
  #runtime: Runtime;

  private constructor(store: LmdbStore, runtime: Runtime, telemetry: Telemetry | undefined) {
    this.store = store;
    this.#runtime = runtime;
    this.#telemetry = telemetry;
  }

  /** Opens a node on the data in `directory`. `telemetry`: default none. */
  static async open(directory: string, telemetry?: Telemetry): Promise<BenchNode> {
    const store = await openLmdbStore({ directory, clock: systemClock() });
    return new BenchNode(store, await startRuntime(store, telemetry), telemetry);
  }

  get runtime(): Runtime {
    return this.#runtime;
  }

  /** Forgets all activations; the store stays open. */
  async restart(): Promise<void> {
    await this.#runtime.stop(STOP_MS_MAX);
    this.#runtime = await startRuntime(this.store, this.#telemetry);
  }

  /** Stops in order. */
  async close(): Promise<void> {
    await this.#runtime.stop(STOP_MS_MAX);
    await this.store.close();
  }
}

async function startRuntime(store: LmdbStore, telemetry: Telemetry | undefined): Promise<Runtime> {
  const runtime = createRuntime({
    node: 'bench',
    store,
    ownership: store.ownership(),
    clock: systemClock(),
    random: systemRandom(),
    memory: heapMemory(),
    limits: { activationsMax: ACTIVATIONS_MAX },
    ...(telemetry === undefined ? {} : { telemetry }),
    onLog: ({ level, message, fields }) => {
      if (level === 'error' || level === 'warn') console.error(message, fields);
    },
  });
  runtime.register(...DEFINITIONS);
  await runtime.start();
  return runtime;
}

/** Runs `work` with a directory that is removed afterwards. */
export async function withDirectory<T>(work: (directory: string) => Promise<T>): Promise<T> {
  const directory = await mkdtemp(join(tmpdir(), 'starling-bench-runtime-'));
  try {
    return await work(directory);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

export class StarlingSubject implements Subject {
  readonly #node: BenchNode;
  #made = 0;

  constructor(node: BenchNode) {
    this.#node = node;
  }

  get runtime(): Runtime {
    return this.#node.runtime;
  }

  async calls(lanes: number, each: number): Promise<void> {
    await inLanes(lanes, async (lane) => {
      const client = this.runtime.client(Counter, `main/u${lane}`);
      const before = (await client.add({ amount: 0 })).total;
      for (let n = 1; n <= each; n += 1) expectTotal((await client.add({ amount: 1 })).total, before + n);
    });
  }

  async oneWays(actors: number, each: number): Promise<void> {
    const clients = Array.from({ length: actors }, (_, n) => this.runtime.client(Counter, `main/u${n}`));
    const before = await Promise.all(clients.map((client) => client.add({ amount: 0 })));
    await this.runtime.client(Driver, `oneway/${actors}`).drive({ each });
    await inLanes(actors, async (n) => {
      expectTotal((await clients[n]?.add({ amount: 0 }))?.total, (before[n]?.total ?? 0) + each);
    });
  }

  async activations(count: number): Promise<void> {
    await inLanes(LANES, async (lane) => {
      for (let n = lane; n < count; n += LANES) {
        this.#made += 1;
        const { total } = await this.runtime.client(Counter, `main/new${this.#made}`).add({ amount: 1 });
        expectTotal(total, 1);
      }
    });
  }

  reset(): Promise<void> {
    return this.#node.restart();
  }

  close(): Promise<void> {
    return this.#node.close();
  }
}
