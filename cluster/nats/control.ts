// The port Control over NATS: what an operator has another node do, on the control connection, which no call ever fills.

import type { Control, ControlAnswer, ControlCommand } from '../membership/index.ts';
import { decodeCommand, decodeOutcome, encodeCommand, encodeOutcome } from './commands.ts';
import type { Connection } from './connection.ts';
import { contradictMs } from './limits.ts';
import { probeSubjects } from './subjects.ts';

/** What a node answers with: its MemberControl. */
export interface ControlTarget {
  answer(incarnation: string, command: ControlCommand): ControlAnswer;
}

export interface NatsControlOptions {
  readonly connection: Connection;
  readonly cluster: string;
  readonly node: string;
}

export class NatsControl implements Control {
  readonly #options: NatsControlOptions;

  constructor(options: NatsControlOptions) {
    this.#options = options;
  }

  /** Obeys the commands that come in from now on. Called once. */
  serve(target: ControlTarget): void {
    const { connection, cluster, node } = this.#options;
    connection.nats.subscribe(probeSubjects(cluster, node).command, {
      callback: (error, message) => {
        const asked = error === null ? decodeCommand(message.data) : undefined;
        if (asked === undefined) return;
        message.respond(encodeOutcome(target.answer(asked.incarnation, asked.command)));
      },
    });
  }

  async ask(
    node: string,
    incarnation: string,
    command: ControlCommand,
    timeoutMs: number,
  ): Promise<ControlAnswer | 'silent'> {
    const { connection, cluster } = this.#options;
    let best: ControlAnswer | 'silent' = 'silent';
    try {
      const answers = await connection.nats.requestMany(
        probeSubjects(cluster, node).command,
        encodeCommand({ incarnation, command }),
        // Two processes may bear the name for a while: the one that is meant obeys, the other says that it is not.
        { strategy: 'stall', maxWait: timeoutMs, stall: Math.min(contradictMs, timeoutMs) },
      );
      for await (const { data } of answers) {
        best = decodeOutcome(data) ?? best;
        if (best !== 'silent' && best.kind !== 'replaced') break;
      }
    } catch {
      // Nobody of that name, or no connection: silent.
    }
    return best;
  }
}
