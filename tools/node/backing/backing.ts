// What a node stands on: where its state is durable, which shards are its own, how others are reached. Owns: the shape that
// both kinds share. Does not own: what runs on it (node.ts).

import type { HostPlace } from '../../../cluster/host/index.ts';
import type { DependencyStatus } from '../../../cluster/membership/index.ts';
import type { Ownership, Peers, Runtime, Store } from '../../../runtime/index.ts';
import type { Clock } from '../../../runtime/ports/clock.ts';
import type { MembershipDeps } from '../cluster-service.ts';
import type { Logger } from '../log.ts';
import type { NodeConfig } from '../settings.ts';

/** What opening takes. */
export interface BackingOptions {
  readonly config: NodeConfig;
  readonly clock: Clock;
  readonly log: Logger;
  /** Base address for clients of this node; known once its edge listens, which is before `join`. */
  readonly address: () => string;
  /** The node's place among those of its host. Absent = it is on its own there. */
  readonly place?: HostPlace;
}

/** State of what the node stands on. */
export interface BackingHealth {
  /** False where nothing can be acked. */
  readonly ok: boolean;
  /** One line: `ok`, or what is wrong and what to do; also where `ok` is true but something is lost. */
  readonly detail: string;
}

export interface Backing {
  readonly store: Store;
  readonly ownership: Ownership;
  /** Absent = there are no other nodes. */
  readonly peers?: Peers;
  /** Shards of the role. */
  readonly shards: number;
  /** Absent where the node is on its own. */
  readonly membership?: MembershipDeps;
  health(): BackingHealth;
  /** What the node needs, each by itself. */
  dependencies(): readonly DependencyStatus[];
  /** The base address that a node announces; undefined for one that is not known. */
  addressOf(node: string): string | undefined;
  /** Called once when nothing can be acked here any more: `broken` needs an operator, `fenced` a new process. */
  onEnd(listener: (why: 'broken' | 'fenced', error: Error) => void): void;
  /** Called when an operator has the node end. */
  onStopAsked(listener: () => void): void;
  /** Takes the node's part; resolves when it is a member. @throws StartError */
  join(runtime: Runtime): Promise<void>;
  /** Gives every shard away, as far as there is somebody to take it. */
  drain(timeoutMs: number): Promise<void>;
  /** Ends everything; the runtime has stopped before. */
  close(): Promise<void>;
}
