import { deepEqual, equal, ok, rejects } from 'node:assert/strict';
import { describe, test } from 'node:test';
import { StarlingError } from '../../../runtime/index.ts';
import { SimClock } from '../../../runtime/testing/index.ts';
import type { LogEntry } from '../log.ts';
import type { FromWorker, ToWorker } from './messages.ts';
import type { WorkerListener } from './ports.ts';
import { Supervisor } from './supervisor.ts';

const STOP_MS = 10_000;

/** A process that does what a test says. */
class Process {
  readonly heard: ToWorker[] = [];
  readonly pid: number;
  readonly node: string;
  isKilled = false;
  readonly #listener: WorkerListener;

  constructor(pid: number, node: string, listener: WorkerListener) {
    this.pid = pid;
    this.node = node;
    this.#listener = listener;
  }

  send(message: ToWorker): void {
    this.heard.push(message);
  }

  kill(): void {
    this.isKilled = true;
    this.#listener.onEnd({ code: undefined, text: 'SIGKILL' });
  }

  say(message: FromWorker): void {
    this.#listener.onMessage(message);
  }

  get incarnation(): string {
    return `${this.node}.${this.pid}`;
  }

  begin(): void {
    this.say({ kind: 'begun', incarnation: this.incarnation });
  }

  ready(): void {
    this.begin();
    this.say({ kind: 'ready', http: 'http://h:1', grpc: 'h:2', hasPage: false });
  }

  exit(code: number): void {
    this.#listener.onEnd({ code, text: `exit code ${code}` });
  }

  /** Ends that it was told of: `INCARNATION`, with a `!` where it is to tell the cluster. */
  get ends(): string[] {
    return this.heard.flatMap((each) =>
      each.kind === 'ended' ? [`${each.incarnation}${each.tell ? '!' : ''}`] : [],
    );
  }

  wasToldTo(kind: ToWorker['kind']): boolean {
    return this.heard.some((each) => each.kind === kind);
  }
}

/** A host with three workers. */
class Host {
  readonly clock = new SimClock();
  readonly processes: Process[] = [];
  readonly fences: string[] = [];
  readonly entries: LogEntry[] = [];
  /** While true no fence can be written and no life be read. */
  away = false;
  readonly supervisor: Supervisor;

  constructor() {
    this.supervisor = new Supervisor({
      nodes: ['w1', 'w2', 'w3'],
      launch: (node, listener) => {
        const process = new Process(this.processes.length + 1, node, listener);
        this.processes.push(process);
        return process;
      },
      lives: {
        readLives: async (of) => {
          if (this.away) throw new StarlingError('OVERLOADED');
          return new Set(of.filter((each) => !this.fences.includes(each)));
        },
        fence: async (incarnation) => {
          if (this.away) throw new StarlingError('OUTCOME_UNKNOWN');
          this.fences.push(incarnation);
        },
      },
      clock: this.clock,
      log: (entry) => this.entries.push(entry),
      stopMs: STOP_MS,
      onChange: () => {},
    });
  }

  /** The process that runs a node now. */
  of(node: string): Process {
    const found = this.processes.findLast((each) => each.node === node);
    ok(found !== undefined);
    return found;
  }

  /** Three that are members. */
  static async whole(): Promise<Host> {
    const host = new Host();
    const reached = host.supervisor.start();
    for (const node of ['w1', 'w2', 'w3']) host.of(node).ready();
    deepEqual(await reached, { http: 'http://h:1', grpc: 'h:2', hasPage: false });
    return host;
  }
}

describe('a supervisor', () => {
  test('is started when every worker is a member, and notes who each of them is', async () => {
    const host = new Host();
    let isWhole = false;
    const reached = host.supervisor.start().then(() => {
      isWhole = true;
    });
    host.of('w1').ready();
    host.of('w2').ready();
    host.of('w3').begin();
    await host.clock.advance(0);
    equal(isWhole, false);
    ok(host.of('w3').wasToldTo('noted'));
    host.of('w3').ready();
    await reached;
    deepEqual(
      host.supervisor.running.map(({ node, pid }) => `${node} ${pid}`),
      ['w1 1', 'w2 2', 'w3 3'],
    );
  });

  test('a worker that ends is fenced at once, then the others are told, one of them to tell the cluster, and it is replaced', async () => {
    const host = await Host.whole();
    const dead = host.of('w1');
    dead.kill();
    await host.clock.advance(0);
    deepEqual(host.fences, [dead.incarnation]);
    deepEqual(host.of('w2').ends, [`${dead.incarnation}!`]);
    deepEqual(host.of('w3').ends, [dead.incarnation]);
    equal(host.supervisor.running.length, 2, 'the others take over first');
    await host.clock.advance(1_000);
    ok(host.of('w1') !== dead);
    equal(host.supervisor.running.length, 3);
  });

  test('S1: a fence that can not be written is written again until it is, and nobody is told before', async () => {
    const host = await Host.whole();
    const dead = host.of('w1');
    host.away = true;
    dead.kill();
    await host.clock.advance(5_000);
    deepEqual(host.of('w2').ends, []);
    host.away = false;
    await host.clock.advance(1_000);
    deepEqual(host.fences, [dead.incarnation]);
    deepEqual(host.of('w2').ends, [`${dead.incarnation}!`]);
  });

  test('S2: where the worker that was to tell the cluster ends as well, another one is', async () => {
    const host = await Host.whole();
    const [first, second, third] = [host.of('w1'), host.of('w2'), host.of('w3')];
    first.kill();
    await host.clock.advance(0);
    second.kill();
    await host.clock.advance(0);
    const told = third.ends.filter((each) => each.endsWith('!'));
    deepEqual(new Set(told), new Set([`${first.incarnation}!`, `${second.incarnation}!`]));
    third.say({ kind: 'told', incarnation: first.incarnation });
    third.say({ kind: 'told', incarnation: second.incarnation });
    await host.clock.advance(1_000);
    host.of('w1').ready();
    deepEqual(third.ends.length, told.length + 1, 'what was told is not told again');
  });

  test('S2: where every worker ends, the first that is a member again tells the cluster', async () => {
    const host = await Host.whole();
    const dead = ['w1', 'w2', 'w3'].map((node) => host.of(node));
    for (const each of dead) each.kill();
    await host.clock.advance(1_000);
    host.of('w2').ready();
    deepEqual(
      host.of('w2').ends,
      dead.map(({ incarnation }) => `${incarnation}!`),
    );
  });

  test('S3: a fence read answers the process that asked, about itself alone', async () => {
    const host = await Host.whole();
    const [first, second] = [host.of('w1'), host.of('w2')];
    first.say({ kind: 'life', id: 7, incarnation: first.incarnation });
    second.say({ kind: 'life', id: 8, incarnation: first.incarnation });
    await host.clock.advance(0);
    const lives = (process: Process): ToWorker[] => process.heard.filter(({ kind }) => kind === 'life');
    deepEqual(lives(first), [{ kind: 'life', id: 7, life: 'live' }]);
    deepEqual(lives(second), []);
    host.fences.push(second.incarnation);
    second.say({ kind: 'life', id: 9, incarnation: second.incarnation });
    await host.clock.advance(0);
    host.away = true;
    second.say({ kind: 'life', id: 10, incarnation: second.incarnation });
    await host.clock.advance(0);
    deepEqual(lives(second), [
      { kind: 'life', id: 9, life: 'fenced' },
      { kind: 'life', id: 10, life: 'unknown' },
    ]);
  });

  test('fence reads of all workers are made together', async () => {
    const host = await Host.whole();
    const before = host.supervisor.fenceReads;
    for (let id = 0; id < 20; id++)
      for (const node of ['w1', 'w2', 'w3'])
        host.of(node).say({ kind: 'life', id, incarnation: host.of(node).incarnation });
    await host.clock.advance(0);
    equal(host.supervisor.fenceReads - before, 2);
  });

  test('a stop tells every worker at the same moment, and ends when all have ended; nothing is fenced or replaced', async () => {
    const host = await Host.whole();
    const stopped = host.supervisor.stop();
    for (const node of ['w1', 'w2', 'w3']) ok(host.of(node).wasToldTo('stop'));
    for (const node of ['w1', 'w2', 'w3']) host.of(node).exit(0);
    await Promise.all([stopped, host.clock.advance(100)]);
    await host.supervisor.ended;
    deepEqual(host.fences, []);
    equal(host.processes.length, 3);
  });

  test('S4: a worker that does not stop is killed and fenced', async () => {
    const host = await Host.whole();
    const stopped = host.supervisor.stop();
    host.of('w1').exit(0);
    host.of('w3').exit(0);
    const late = host.of('w2');
    await host.clock.advance(STOP_MS - 100);
    equal(late.isKilled, false);
    await Promise.all([stopped, host.clock.advance(200)]);
    ok(late.isKilled);
    deepEqual(host.fences, [late.incarnation]);
  });

  test('a worker that was starting is killed by a stop, and fenced', async () => {
    const host = await Host.whole();
    host.of('w1').kill();
    await host.clock.advance(1_000);
    const starting = host.of('w1');
    starting.begin();
    const stopped = host.supervisor.stop();
    ok(starting.isKilled);
    host.of('w2').exit(0);
    host.of('w3').exit(0);
    await Promise.all([stopped, host.clock.advance(100)]);
    ok(host.fences.includes(starting.incarnation));
    equal(host.of('w1'), starting);
  });

  test('what a worker says is wrong with settings or servers ends the start at once, with its words', async () => {
    const host = new Host();
    const start = host.supervisor.start();
    const refused = rejects(start, /Port 1 is in use/);
    const ended = rejects(host.supervisor.ended, /Port 1 is in use/);
    host.of('w2').say({ kind: 'failed', message: 'Port 1 is in use.', hint: 'Choose another one.' });
    host.of('w2').exit(1);
    await host.clock.advance(100);
    await Promise.all([refused, ended]);
    deepEqual(host.supervisor.running, []);
  });

  test('a worker that ends five times while it starts ends the others in order, and the host with the reason', async () => {
    const host = await Host.whole();
    const ended = rejects(host.supervisor.ended, /Worker w1 has ended 5 times in a row .* exit code 9/);
    host.of('w1').kill();
    for (let failures = 1; failures <= 5; failures++) {
      await host.clock.advance(5_000);
      host.of('w1').exit(9);
    }
    ok(host.of('w2').wasToldTo('stop'));
    await ended;
    host.of('w2').exit(0);
    host.of('w3').exit(0);
    await host.clock.advance(100);
  });
});
