// What the runtime of a node is made of, and what it says of itself.

import type { LogLevel } from './host.ts';
import type { Interceptor } from './interceptor.ts';
import type { RuntimeLimits } from './limits.ts';
import type { Clock } from './ports/clock.ts';
import type { Memory } from './ports/memory.ts';
import type { Ownership } from './ports/ownership.ts';
import type { Random } from './ports/random.ts';
import type { Store } from './ports/store.ts';
import type { Peers } from './router.ts';
import type { Telemetry } from './telemetry/index.ts';

export interface LogEntry {
  readonly level: LogLevel;
  readonly message: string;
  readonly fields: Record<string, unknown>;
}

export interface RuntimeOptions {
  /** Name of this node. */
  readonly node: string;
  readonly store: Store;
  readonly ownership: Ownership;
  readonly clock: Clock;
  readonly random: Random;
  /** The way to other nodes; absent = there are none. */
  readonly peers?: Peers;
  /** Shards of the placement function, fixed when the data was created. Default 4,096. */
  readonly shards?: number;
  readonly limits?: Partial<RuntimeLimits>;
  /** How much memory there is: where it is short, activations are dropped early. Default: nobody looks. */
  readonly memory?: Memory;
  /** Spans of calls. Default none. */
  readonly telemetry?: Telemetry;
  /** Run around every call of every actor of this node. Default none. */
  readonly interceptors?: readonly Interceptor[];
  readonly onLog?: (entry: LogEntry) => void;
}

export interface RuntimeStats {
  /** Activations in memory. */
  readonly activations: number;
  /** The same by kind. */
  readonly byKind: Readonly<Record<string, number>>;
  /** Relayed streams: of clients here whose actors are elsewhere (`out`), of actors here whose clients are (`in`). */
  readonly relayed: { readonly out: number; readonly in: number };
}

/** Where an actor is placed. */
export interface ActorPlace {
  readonly shard: number;
  /** In which epoch its shard is owned here; 0 = not here. */
  readonly epoch: number;
  /** The node that serves it, as far as this one has heard; undefined = not known. */
  readonly servedBy: string | undefined;
}
