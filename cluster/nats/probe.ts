// The port Probe over NATS: direct questions on the control connection, which no call ever fills.

import type { Probe, ProbeAnswer } from '../membership/index.ts';
import type { Connection } from './connection.ts';
import { decodeAnswer, decodeAsk, decodeNudge, encodeAnswer, encodeAsk, encodeNudge } from './hello.ts';
import { contradictMs } from './limits.ts';
import { probeSubjects } from './subjects.ts';

/** What a node answers with: its ClusterMember. */
export interface ProbeTarget {
  answerProbe(incarnation: string): ProbeAnswer;
  handed(shards: readonly number[]): void;
}

export interface NatsProbeOptions {
  readonly connection: Connection;
  readonly cluster: string;
  readonly node: string;
}

export class NatsProbe implements Probe {
  readonly #options: NatsProbeOptions;

  constructor(options: NatsProbeOptions) {
    this.#options = options;
  }

  /** Answers the questions of other nodes from now on. Called once. */
  serve(target: ProbeTarget): void {
    const { connection, cluster, node } = this.#options;
    const { ask, nudge } = probeSubjects(cluster, node);
    connection.nats.subscribe(ask, {
      callback: (error, message) => {
        const incarnation = error === null ? decodeAsk(message.data) : undefined;
        if (incarnation !== undefined) message.respond(encodeAnswer(target.answerProbe(incarnation)));
      },
    });
    connection.nats.subscribe(nudge, {
      callback: (error, message) => {
        if (error === null) target.handed(decodeNudge(message.data));
      },
    });
  }

  async ask(node: string, incarnation: string, timeoutMs: number): Promise<ProbeAnswer | 'silent'> {
    const { connection, cluster } = this.#options;
    let best: ProbeAnswer | 'silent' = 'silent';
    try {
      const answers = await connection.nats.requestMany(
        probeSubjects(cluster, node).ask,
        encodeAsk(incarnation),
        // Two processes may bear the name for a while: who is that incarnation knows better than who is not.
        { strategy: 'stall', maxWait: timeoutMs, stall: Math.min(contradictMs, timeoutMs) },
      );
      for await (const { data } of answers) {
        best = decodeAnswer(data) ?? best;
        if (best === 'well' || best === 'unwell') break;
      }
    } catch {
      // Nobody of that name, or no connection: silent.
    }
    return best;
  }

  nudge(node: string, shards: readonly number[]): void {
    const { connection, cluster } = this.#options;
    if (connection.state === 'connected')
      connection.nats.publish(probeSubjects(cluster, node).nudge, encodeNudge(shards));
  }
}
