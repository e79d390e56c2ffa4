// What a measurement is. Owns: the shape of an arm and the node it runs against. Does not own: what is measured.

import { availableParallelism } from 'node:os';
import { TokenService } from '../../../proto/gen/starling/server/v1/server_pb.ts';
import { Caller } from '../api.ts';
import { freshNode, type NodeProcess } from '../node-process.ts';
import { UnaryPool } from '../wire.ts';

/** One figure of one run. */
export interface Measured {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
}

/** How a run is made. */
export interface ArmOptions {
  /** Shorter, for a look. */
  readonly quick: boolean;
  /** Arguments of Node.js for the server, e.g. `--cpu-prof`. */
  readonly execArgs: readonly string[];
}

/** Something that is measured; run several times, each time against a fresh server. */
export interface Arm {
  /** Word for `--only`; every figure's name begins with one of `prefixes`. */
  readonly name: string;
  readonly prefixes: readonly string[];
  /** @throws Error when the work was not done to its end */
  run(options: ArmOptions): Promise<readonly Measured[]>;
}

/** A running node and a back end's identity on it. */
export interface Bench {
  readonly node: NodeProcess;
  readonly backend: Caller;
}

/** Sockets that prepare a run. */
const SOCKETS_MAX = 64;

/** Runs `work` against a fresh node, which stops in order afterwards, so that a profile is written. */
export async function withNode<T>(options: ArmOptions, work: (bench: Bench) => Promise<T>): Promise<T> {
  const { node, dispose } = await freshNode('bench', options.execArgs);
  const pool = new UnaryPool(node.endpoint, SOCKETS_MAX);
  let keep = true;
  try {
    await node.start();
    const result = await work({ node, backend: new Caller(node.endpoint, await node.backendToken(), pool) });
    pool.close();
    await node.stop();
    keep = false;
    return result;
  } finally {
    pool.close();
    if (keep) console.error(`the node's log is kept in ${node.data}\n${await node.logTail()}`);
    await dispose(keep);
  }
}

/** Issues tokens; users become known by it. In the order of the ids. */
export function issueTokens(backend: Caller, userIds: readonly string[]): Promise<string[]> {
  return inParallel(userIds, SOCKETS_MAX, async (userId) => {
    const { token } = await backend.until(TokenService.method.issueToken, { userId });
    return token;
  });
}

/** Maps with at most `width` at a time; keeps the order. */
export async function inParallel<T, R>(
  items: readonly T[],
  width: number,
  map: (item: T, at: number) => Promise<R>,
): Promise<R[]> {
  const results: R[] = new Array(items.length);
  let next = 0;
  const lane = async (): Promise<void> => {
    for (let at = next++; at < items.length; at = next++) {
      const item = items[at];
      if (item !== undefined) results[at] = await map(item, at);
    }
  };
  await Promise.all(Array.from({ length: Math.min(width, items.length) }, lane));
  return results;
}

/** Names of n users. */
export function names(prefix: string, count: number): string[] {
  return Array.from({ length: count }, (_, n) => `${prefix}${n}`);
}

/** Waits until `done()`; looks every few milliseconds. @throws Error with `what` when it takes longer than `forMs` */
export async function waitUntil(done: () => boolean, forMs: number, what: () => string): Promise<void> {
  const deadline = performance.now() + forMs;
  while (!done()) {
    if (performance.now() > deadline) throw new Error(`not done in ${forMs} ms: ${what()}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

/** The value below which a share of the values lies. Sorts `values`. */
export function quantile(values: Float64Array, share: number): number {
  values.sort();
  return values[Math.min(values.length - 1, Math.floor(values.length * share))] ?? Number.NaN;
}

/** One line about this machine. */
export function machine(): string {
  return `${availableParallelism()} cores, Node.js ${process.version}, ${process.platform} ${process.arch}`;
}
