// A run of chaos: load on a cluster, faults by schedule, and the judgement at the end. Owns: the order of it, when faults begin
// and are healed, what is measured of each. Does not own: faults (faults.ts), people (../crash/world.ts), judgement
// (../checker.ts).

import { setTimeout as sleep } from 'node:timers/promises';
import type { LocalCluster } from '../../dev/local-cluster/index.ts';
import { World } from '../crash/world.ts';
import { check, type Histories, type Report } from '../index.ts';
import { Seeded } from '../seeded.ts';
import type { Endpoint } from '../wire.ts';
import { Availability } from './availability.ts';
import { makeFault, nodeAt, startAgain } from './faults.ts';
import { describeFault, type Fault, nodeOf, type Slot } from './schedule.ts';

/** How hard people use the cluster. */
export interface Load {
  readonly senders: number;
  /** Longest pause between two sends of one sender, milliseconds. */
  readonly pauseMsMax: number;
  /** Longest wait for the answer to a send, milliseconds. */
  readonly answerMsMax: number;
  /** Whom people write to. Default `all`. */
  readonly targets?: 'all' | 'everybody';
  /** Sends in flight of one sender. Default 4. */
  readonly inFlightMax?: number;
}

export interface ChaosOptions {
  readonly cluster: LocalCluster;
  readonly seed: number;
  /** No slot begins after so many milliseconds of load. */
  readonly forMs: number;
  readonly load: Load;
  readonly slots: Iterable<Slot>;
  /** Longest wait for every send to have its outcome at the end, milliseconds. Default 180,000. */
  readonly settleMsMax?: number;
  readonly progress: (line: string) => void;
}

/** A fault as it was. */
export interface FaultReport {
  readonly fault: Fault;
  /** Longest time without an ack to anybody, from the fault until the next slot, milliseconds. */
  readonly worstMs: number;
  /** The same for those whose user was served by the node that was harmed; undefined where there were none. */
  readonly worstOfNodeMs: number | undefined;
}

export interface ChaosResult {
  readonly report: Report;
  readonly histories: Histories;
  readonly faults: readonly FaultReport[];
  /** Sends without outcome at the end. */
  readonly unsettled: number;
  /** What kept shards from finding their places after the last fault; undefined = nothing. */
  readonly unrest: string | undefined;
  /** Deliveries that waited for a further call. */
  readonly undrained: number;
  /** Processes that ended by themselves otherwise than because they were fenced. */
  readonly crashes: readonly string[];
  /** Processes that ended because they were fenced. */
  readonly fenced: number;
  readonly sends: number;
  readonly repeats: number;
  readonly unknown: number;
  readonly acks: number;
}

/** What cannot be of the moment only. */
const SHOWN = ['ackedLost', 'storedTwice', 'orderViolations'] as const;

/** Exit code of a node that was fenced: whoever supervises it starts a new incarnation. */
const fencedCode = '75';

const settleMsMaxDefault = 180_000;

/** Longest wait for all to have everything then, milliseconds. */
const drainMsMax = 60_000;

/** Quiet load before the first fault, milliseconds. */
const beginMs = 3_000;

export class ChaosRun {
  readonly world: World;
  readonly cluster: LocalCluster;
  readonly availability = new Availability();
  readonly random: Seeded;
  readonly #options: ChaosOptions;
  readonly #members: number;
  readonly #faults: FaultReport[] = [];
  #beganMs = 0;

  private constructor(options: ChaosOptions, backendToken: string) {
    this.#options = options;
    this.cluster = options.cluster;
    this.random = new Seeded(options.seed);
    this.#members = options.cluster.nodes.length;
    this.world = new World({
      endpoints: endpointsOf(options.cluster),
      backendToken,
      random: this.random.fork(),
      ...options.load,
      laterMsMax: 8_000,
      onAck: (userId) => this.availability.acked(userId, performance.now()),
    });
  }

  /** Signs everybody in and starts the load. */
  static async begin(options: ChaosOptions): Promise<ChaosRun> {
    const run = new ChaosRun(options, await options.cluster.backendToken());
    await run.world.build();
    run.#beganMs = performance.now();
    run.world.startSenders();
    return run;
  }

  /** Prints a line with the time since the load began. */
  say(line: string): void {
    const seconds = ((performance.now() - this.#beganMs) / 1_000).toFixed(1);
    this.#options.progress(`${seconds.padStart(7)} s  ${line}`);
  }

  /** All slots that begin in time, one after the other. */
  async faults(): Promise<void> {
    await sleep(beginMs);
    for (const slot of this.#options.slots) {
      if (performance.now() - this.#beganMs > this.#options.forMs) return;
      await this.#slot(slot);
    }
  }

  /**
   * Whether logs and answers of now contradict each other. Looks while the load goes on, so it sees less than the judgement at the
   * end.
   */
  async contradicts(): Promise<boolean> {
    const { findings } = check(await this.world.answersAndLogs());
    return SHOWN.some((verdict) => findings[verdict].count > 0);
  }

  /** Ends the load, lets everything heal, and judges. */
  async end(): Promise<ChaosResult> {
    const unrest = await this.#healAll();
    this.say('no more faults; every send is repeated until its outcome is known');
    const unsettled = await this.world.finishSenders(this.#options.settleMsMax ?? settleMsMaxDefault);
    const { missing, examples } = await this.world.drain(
      Math.min(drainMsMax, this.#options.settleMsMax ?? drainMsMax),
    );
    for (const example of examples) this.say(example);
    this.say(missing === 0 ? 'all devices are up to date' : `${missing} deliveries wait`);
    const histories = await this.world.histories();
    this.say('logs and timelines are read; checking');
    const ends = this.cluster.nodes.flatMap((node) => node.ends);
    const total = (key: 'sends' | 'repeats' | 'unknown'): number =>
      this.world.senders.reduce((sum, sender) => sum + sender.tally[key], 0);
    return {
      report: check(histories),
      histories,
      faults: this.#faults,
      unrest,
      unsettled,
      undrained: missing,
      crashes: ends.filter(({ how }) => how !== fencedCode).map(({ name, how }) => `${name}: ${how}`),
      fenced: ends.filter(({ how }) => how === fencedCode).length,
      sends: total('sends'),
      repeats: total('repeats'),
      unknown: total('unknown'),
      acks: this.availability.count,
    };
  }

  /** Waits until every shard is where it is meant to be; says what is not. */
  async rest(): Promise<string | undefined> {
    try {
      await this.cluster.atRest();
      return undefined;
    } catch (error) {
      this.say((error as Error).message);
      return (error as Error).message;
    }
  }

  close(): void {
    this.world.close();
  }

  async #slot({ faults, apartMs, restMs }: Slot): Promise<void> {
    const served = await this.world.whereabouts();
    const fromMs = performance.now();
    await Promise.all(
      faults.map(async (fault, at) => {
        await sleep(at * apartMs);
        this.say(describeFault(fault));
        const made = await makeFault(fault, this.cluster, this.#members);
        await sleep(fault.holdMs);
        const healing = performance.now();
        await made.heal();
        const tookMs = Math.round(performance.now() - healing);
        this.say(`  over: ${describeFault(fault)}${tookMs > 100 ? `, undone in ${tookMs} ms` : ''}`);
      }),
    );
    await sleep(restMs);
    const toMs = performance.now();
    for (const fault of faults) {
      const at = nodeOf(fault);
      const address = at === undefined ? undefined : nodeAt(this.cluster, at).address;
      const ofNode = new Set([...served].filter(([, where]) => where === address).map(([userId]) => userId));
      this.#faults.push({
        fault,
        worstMs: this.availability.longestGapMs(fromMs, toMs) ?? 0,
        worstOfNodeMs: this.availability.longestGapMs(fromMs, toMs, this.#sending(ofNode)),
      });
    }
  }

  #sending(users: ReadonlySet<string>): ReadonlySet<string> {
    return new Set(this.world.senderIds.filter((userId) => users.has(userId)));
  }

  /** Resolves when every shard is where it is meant to be, or says what is not. */
  async #healAll(): Promise<string | undefined> {
    const nodes = this.cluster.nodes.slice(0, this.#members);
    for (const { links } of nodes)
      for (const link of [links?.nats, ...(links?.cassandra ?? [])]) link?.mend();
    await Promise.all(nodes.map((node) => startAgain(node)));
    return this.rest();
  }
}

/** The endpoints of all nodes. @throws Error when there are none */
function endpointsOf({ nodes }: LocalCluster): readonly [Endpoint, ...Endpoint[]] {
  const [first, ...others] = nodes.map(({ endpoint }) => endpoint);
  if (first === undefined) throw new Error('a run needs a node');
  return [first, ...others];
}
