// How a node ends. Owns: the order and the bound of a stop, what follows a store that failed. Does not own: signals.
// Invariants:
// N2  Once the store has failed nothing is acked, `/readyz` says so, and the node ends as `broken`.
// N3  A stop ends within `stop.drain_ms` (of a member), `stop.grace_ms` and CLOSE_MS_MAX, whatever hangs.
// N4  A node that was fenced ends at once: nothing that it holds is its own any more, and a new process may serve again.

import type { Edge } from '../../cluster/edge/index.ts';
import type { Runtime } from '../../runtime/index.ts';
import type { Clock } from '../../runtime/ports/clock.ts';
import type { Backing } from './backing/index.ts';
import { withdraw } from './files.ts';
import type { Logger, LogLevel } from './log.ts';
import type { NodeConfig } from './settings.ts';
import type { NodeState } from './state.ts';

/** How a node ended. */
export type NodeEnd = 'stopped' | 'broken' | 'fenced';

/** What has to be stopped. */
export interface NodeParts {
  readonly config: NodeConfig;
  readonly clock: Clock;
  readonly backing: Pick<Backing, 'close' | 'drain' | 'membership' | 'onEnd'>;
  readonly runtime: Pick<Runtime, 'stop'>;
  readonly edge: Pick<Edge, 'drain' | 'close'>;
  readonly state: NodeState;
  readonly log: Logger;
  /** Exporters of metrics and traces. */
  readonly telemetry: { close(): Promise<unknown> };
  /** Whether its data directory says where it is. Default true. */
  readonly announced?: boolean;
}

/** Room beyond the grace for closing ports and store, milliseconds. */
const CLOSE_MS_MAX = 2_000;

/** The end of one node. */
export class NodeStop {
  readonly #parts: NodeParts;
  readonly #end = Promise.withResolvers<NodeEnd>();
  #stopping: Promise<void> | undefined;
  #isFenced = false;

  constructor(parts: NodeParts) {
    this.#parts = parts;
    parts.backing.onEnd((why, error) => (why === 'fenced' ? this.#fenced(error) : this.#broken(error)));
  }

  get ended(): Promise<NodeEnd> {
    return this.#end.promise;
  }

  /** Stops in order; a second call joins the first. */
  request(): Promise<void> {
    const { config, backing } = this.#parts;
    const drainMs = backing.membership === undefined ? 0 : config['stop.drain_ms'];
    this.#stopping ??= this.#run({ drainMs, graceMs: config['stop.grace_ms'] });
    return this.#stopping;
  }

  /** N4. */
  #fenced(error: Error): void {
    this.#isFenced = true;
    this.#parts.state.fail(error.message);
    this.#write('error', 'this node was fenced and ends; a new process may take its place', { error });
    this.#stopping ??= this.#run({ drainMs: 0, graceMs: 0 });
  }

  #broken(error: Error): void {
    const { state, config } = this.#parts;
    state.fail(`The store failed: ${error.message}`);
    this.#write('error', 'the store failed; nothing is acked any more, and the node will exit', {
      error,
      help: 'What was acked is kept. Look at the disk, then start the node again.',
      exit_in_ms: config['stop.broken_ms'],
    });
    // Referenced, so that the process stays to say what is wrong.
    setTimeout(() => {
      this.#stopping ??= this.#run({ drainMs: 0, graceMs: 0 });
    }, config['stop.broken_ms']);
  }

  async #run({ drainMs, graceMs }: { drainMs: number; graceMs: number }): Promise<void> {
    const { state, clock } = this.#parts;
    const begun = clock.monotonic();
    state.enter('stopping');
    this.#write('info', 'stopping', { drain_ms: drainMs, grace_ms: graceMs });
    let late: NodeJS.Timeout | undefined;
    // The bound is referenced too: the timers of the runtime keep no process alive.
    const bound = new Promise<'late'>((resolve) => {
      late = setTimeout(() => resolve('late'), drainMs + graceMs + CLOSE_MS_MAX);
    });
    const outcome = await Promise.race([bound, this.#stopParts(drainMs, graceMs)]);
    clearTimeout(late);
    const elapsed_ms = Math.round(clock.monotonic() - begun);
    if (outcome === 'late') this.#write('error', 'the stop took too long and was cut off', { elapsed_ms });
    else this.#write('info', 'stopped', { elapsed_ms });
    this.#end.resolve(this.#isFenced ? 'fenced' : state.phase === 'broken' ? 'broken' : 'stopped');
  }

  async #stopParts(drainMs: number, graceMs: number): Promise<void> {
    const { edge, runtime, backing, config, telemetry, announced = true } = this.#parts;
    if (drainMs > 0) await this.#guard('shards', () => backing.drain(drainMs));
    const drained = this.#guard('edge', () => edge.drain(graceMs));
    await this.#guard('runtime', () => runtime.stop(graceMs));
    await drained;
    await this.#guard('store', () => backing.close());
    await this.#guard('telemetry', () => telemetry.close());
    if (announced) await this.#guard('announcement', () => withdraw(config.data));
  }

  /** A part that does not stop must not keep the others from stopping. */
  async #guard(part: string, stop: () => Promise<unknown>): Promise<void> {
    try {
      await stop();
    } catch (error) {
      this.#write('error', 'a part did not stop in order', { part, error });
    }
  }

  #write(level: LogLevel, message: string, fields: Readonly<Record<string, unknown>>): void {
    this.#parts.log({ level, message, fields });
  }
}
