// Actors whose methods are a test's own code, over one small contract, and a node that runs them on simulated ports.

import { create } from '@bufbuild/protobuf';
import {
  type LookRequest,
  LookResponseSchema,
  type RunRequest,
  type RunResponse,
  RunResponseSchema,
  ScriptService,
  type WatchRequest,
} from '../../proto/gen/starling/test/v1/script_pb.ts';
import {
  type ActorDefinition,
  type ActorType,
  actorType,
  createRuntime,
  type Durable,
  defineCustomActor,
  type Effects,
  type Later,
  type LogEntry,
  type Memory,
  type ReadTurn,
  type Runtime,
  type RuntimeLimits,
  type ServerStream,
  type Turn,
} from '../index.ts';
import { SimClock } from './sim-clock.ts';
import { SimOwnership } from './sim-ownership.ts';
import { SimRandom } from './sim-random.ts';
import { SimStore } from './sim-store.ts';

export type ScriptType = ActorType<typeof ScriptService>;

/** The words of an actor's records, in order, and its table as the fold sees it: both a function of the records alone. */
export class Script implements Durable<string> {
  readonly key: string;
  words: string[] = [];
  readonly cells = new Map<string, string>();

  constructor(key: string) {
    this.key = key;
  }

  restore(state: Uint8Array): void {
    const { words, cells } = JSON.parse(Buffer.from(state).toString());
    this.words = words;
    for (const [key, value] of cells) this.cells.set(key, value);
  }

  /** A record `key=value` puts a cell, `key=` removes it. */
  apply(_seq: number, record: string, effects: Effects): void {
    if (record === 'broken fold') throw new Error('This record can not be folded.');
    this.words.push(record);
    const [key = '', value] = record.split('=');
    if (value === undefined) return;
    if (value === '') {
      this.cells.delete(key);
      effects.remove('words', key);
    } else {
      this.cells.set(key, value);
      effects.put('words', key, Buffer.from(value));
    }
  }

  snapshot(): Uint8Array {
    return Buffer.from(JSON.stringify({ words: this.words, cells: [...this.cells] }));
  }
}

type Reply = string | Later<RunResponse>;

export interface ScriptOptions {
  readonly kind?: string;
  readonly rank?: number;
  readonly awaits?: readonly ActorType[];
  readonly idleMsMax?: number;
  /** Default: appends the text and answers its position. */
  readonly run?: (text: string, turn: Turn, script: Script) => Reply | Promise<Reply>;
  /** Default: answers the words. */
  readonly look?: (text: string, turn: ReadTurn, script: Script) => string | Promise<string>;
  readonly watch?: (text: string, stream: ServerStream, turn: Turn) => void;
  readonly opened?: (turn: Turn, script: Script) => void;
  readonly closed?: (script: Script) => void;
}

/** A type and a definition of a scripted, durable actor. */
export function scripted(options: ScriptOptions = {}): { type: ScriptType; definition: ActorDefinition } {
  const { kind = 'script', rank = 10 } = options;
  const type = actorType({ kind, contract: ScriptService, rank });
  const {
    run = (text, turn) => String(turn.append(text)),
    look = (_text, _turn, { words }) => words.join(),
  } = options;
  const answer = (reply: Reply) =>
    typeof reply === 'string' ? create(RunResponseSchema, { text: reply }) : reply;
  const definition = defineCustomActor(type, {
    awaits: options.awaits ?? [],
    ...(options.idleMsMax === undefined ? {} : { idleMsMax: options.idleMsMax }),
    record: { encode: (word: string) => Buffer.from(word), decode: (bytes) => Buffer.from(bytes).toString() },
    create: ({ key }) => {
      const script = new Script(key);
      const looked = (text: string) => create(LookResponseSchema, { text });
      return {
        restore: (state: Uint8Array) => script.restore(state),
        apply: (seq: number, word: string, effects: Effects) => script.apply(seq, word, effects),
        snapshot: () => script.snapshot(),
        run: ({ text }: RunRequest, turn: Turn) => {
          const reply = run(text, turn, script);
          return reply instanceof Promise ? reply.then(answer) : answer(reply);
        },
        look: ({ text }: LookRequest, turn: Turn) => {
          const seen = look(text, turn, script);
          return seen instanceof Promise ? seen.then(looked) : looked(seen);
        },
        watch: ({ text }: WatchRequest, stream: ServerStream, turn: Turn) =>
          options.watch?.(text, stream, turn),
        opened: (turn: Turn) => options.opened?.(turn, script),
        closed: () => options.closed?.(script),
      };
    },
  });
  return { type, definition };
}

export interface KernelNodeOptions {
  readonly store?: SimStore;
  readonly ownership?: SimOwnership;
  readonly clock?: SimClock;
  readonly limits?: Partial<RuntimeLimits>;
  readonly memory?: Memory;
}

/** One runtime on simulated ports, with what it logged. */
export class KernelNode {
  readonly store: SimStore;
  readonly ownership: SimOwnership;
  readonly clock: SimClock;
  readonly runtime: Runtime;
  readonly log: LogEntry[] = [];

  constructor(definitions: readonly ActorDefinition[], options: KernelNodeOptions = {}) {
    this.store = options.store ?? new SimStore({ type: 'immediate' });
    this.ownership = options.ownership ?? new SimOwnership();
    this.clock = options.clock ?? new SimClock();
    this.runtime = createRuntime({
      node: 'n1',
      store: this.store,
      ownership: this.ownership,
      clock: this.clock,
      random: new SimRandom(1),
      shards: 4,
      ...(options.limits === undefined ? {} : { limits: options.limits }),
      ...(options.memory === undefined ? {} : { memory: options.memory }),
      onLog: (entry) => this.log.push(entry),
    });
    this.runtime.register(...definitions);
  }

  async run(type: ScriptType, key: string, text: string, timeoutMs?: number): Promise<string> {
    const options = timeoutMs === undefined ? {} : { timeoutMs };
    return (await this.runtime.client(type, key).run({ text }, options)).text;
  }

  async look(type: ScriptType, key: string, text = ''): Promise<string> {
    return (await this.runtime.client(type, key).look({ text })).text;
  }
}

/** A promise that the test settles. */
export function latch<T = void>(): { promise: Promise<T>; open: (value: T) => void } {
  const { promise, resolve } = Promise.withResolvers<T>();
  return { promise, open: resolve };
}

/** The code of the error that a promise ends with, or `OK`. */
export async function codeOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
    return 'OK';
  } catch (error) {
    return (error as { code?: string }).code ?? String(error);
  }
}
