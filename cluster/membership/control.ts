// What an operator may have this node do. Owns: the commands, and that a node which serves is not stopped by one. Does not
// own: how a command comes here (port Control), nor the node's end.

import type { Clock } from '../../runtime/index.ts';
import type { ClusterMember } from './cluster-member.ts';
import type { ControlAnswer, ControlCommand, DependencyStatus, NodeStatus } from './ports.ts';

export interface MemberControlOptions {
  readonly member: ClusterMember;
  readonly clock: Clock;
  /** What the node needs, as it finds it now. */
  readonly dependencies: () => readonly DependencyStatus[];
  /** Begins an orderly end of the process. */
  readonly stop: () => void;
}

/** Answers commands. Each is begun before the answer, and may be repeated. */
export class MemberControl {
  readonly #options: MemberControlOptions;
  readonly #startedMs: number;

  constructor(options: MemberControlOptions) {
    this.#options = options;
    this.#startedMs = options.clock.monotonic();
  }

  /** The process that obeys. */
  get incarnation(): string {
    return this.#options.member.ownership.incarnation;
  }

  /** `incarnation`: the one that is meant. */
  answer(incarnation: string, command: ControlCommand): ControlAnswer {
    if (incarnation !== this.incarnation) return { kind: 'replaced' };
    const refusal = this.#obey(command);
    return refusal === undefined
      ? { kind: 'done', status: this.status() }
      : { kind: 'refused', reason: refusal };
  }

  status(): NodeStatus {
    const { member, clock, dependencies } = this.#options;
    const { state, store, lease, planner, alarm, placement, shards } = member.status();
    return {
      ...{ state, store, lease, planner, alarm },
      placementOf: placement,
      serving: new Set(member.ownership.served()),
      draining: shards.draining,
      claiming: shards.claiming,
      waiting: shards.waiting,
      refused: shards.refused,
      dependencies: dependencies(),
      uptimeMs: Math.round(clock.monotonic() - this.#startedMs),
    };
  }

  /** Why the command is not obeyed, if it is not. */
  #obey(command: ControlCommand): string | undefined {
    const { member, stop } = this.#options;
    const { state } = member.status();
    switch (command.kind) {
      case 'status':
        return undefined;
      case 'drain':
      case 'uncordon':
        if (state === 'leaving') return 'It is ending.';
        // What others hear of it goes out behind the answer; a board that does not take it now gets it with the next renewal.
        void (command.kind === 'drain' ? member.cordon() : member.undrain());
        return undefined;
      case 'stop': {
        const serving = member.ownership.served().length;
        if (state === 'ready') return 'It takes shards: drain it first.';
        if (serving > 0) return `It still serves ${serving} shards.`;
        stop();
        return undefined;
      }
      case 'dismiss':
        member.dismiss(command.incarnation);
        return undefined;
    }
  }
}
