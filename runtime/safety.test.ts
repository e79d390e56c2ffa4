// Longer than 300 lines because the cases of one subject share their set-up.
// Random interleavings of one actor's life: appends, reads, commits that are done late, in part or not, fence reads held
// back, failing turns, crashes and new owners. What must hold is checked at every step (I1, I2, I3, I5, I8, I14).

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { ActorAddress, Commit } from './ports/store.ts';
import {
  KernelNode,
  type SimClock,
  SimOwnership,
  SimRandom,
  SimStore,
  scripted,
  settle,
} from './testing/index.ts';

const { type, definition } = scripted({
  run: (text, turn) => {
    if (text === 'bad') throw new Error('a defect');
    if (text === 'checkpoint') {
      turn.checkpoint();
      return '';
    }
    return String(turn.append(text, { wake: true }));
  },
  look: async (_text, turn, { words, cells }) => {
    const seen = JSON.stringify({ words, cells: [...cells].sort() });
    const list = await turn.table('words').list({ cellsMax: 100 });
    const rows = await turn.timeline.read({ from: 1, rowsMax: 10_000 });
    return JSON.stringify({
      seen,
      list: list.map(({ key, value }) => [key, String(Buffer.from(value))]),
      rows: rows.length,
    });
  },
});
const ACTOR: ActorAddress = { kind: 'script', key: 'k', shard: 0 };
const KEYS = ['a', 'b', 'c'];

type Op =
  | { readonly do: 'append'; readonly key: string; readonly value: number }
  | { readonly do: 'look' | 'checkpoint' | 'bad' | 'hold' | 'release' | 'land' | 'advance' }
  | { readonly do: 'flush' }
  | {
      readonly do: 'fail';
      readonly how: 'not_done' | 'unknown_applied' | 'unknown_not_applied' | 'late' | 'partial';
    }
  | { readonly do: 'crash'; readonly seed: number };

const op: fc.Arbitrary<Op> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant('append' as const),
      key: fc.constantFrom(...KEYS),
      value: fc.nat({ max: 3 }),
    }),
  },
  { weight: 12, arbitrary: fc.constant({ do: 'flush' as const }) },
  {
    weight: 9,
    arbitrary: fc.record({
      do: fc.constantFrom(
        'look' as const,
        'look' as const,
        'checkpoint' as const,
        'bad' as const,
        'hold' as const,
        'release' as const,
        'release' as const,
        'land' as const,
        'advance' as const,
      ),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('fail' as const),
      how: fc.constantFrom(
        'not_done' as const,
        'unknown_applied' as const,
        'unknown_not_applied' as const,
        'late' as const,
        'partial' as const,
      ),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('crash' as const), seed: fc.nat() }) },
);

/** Records what the runtime hands to its ports, and when what was durable. */
class Witness {
  /** Rows known durable to the node that serves now. */
  durable = 0;
  /** Rows that a fence read begun after they were durable has confirmed. */
  checked = 0;
  lastTs = 0n;
  readonly acked = new Map<number, string>();
  exposed: string[] = [];

  committing(commit: Commit): void {
    for (const { ts } of commit.rows ?? []) {
      assert.ok(ts > this.lastTs && ts >= 2n ** 52n, 'I14: write times rise');
      this.lastTs = ts;
    }
    const { head } = commit;
    if (head === undefined) return;
    assert.ok(head.asOf <= this.checked || head.asOf <= this.durable, 'I8: no checkpoint ahead of its rows');
  }

  ack(seq: number, word: string): void {
    assert.ok(seq <= this.checked, `I5: ${seq} was acked, durable and fence-checked was ${this.checked}`);
    assert.equal(this.acked.get(seq) ?? word, word, 'I1: one word at a position');
    this.acked.set(seq, word);
  }

  /** What a look that begins now has to show at least. */
  get known(): number {
    return Math.max(this.exposed.length, ...this.acked.keys());
  }

  show(answer: string, known: number): void {
    const { seen, list, rows } = JSON.parse(answer);
    const { words, cells } = JSON.parse(seen) as { words: string[]; cells: [string, string][] };
    const common = Math.min(words.length, this.exposed.length);
    assert.deepEqual(
      words.slice(0, common),
      this.exposed.slice(0, common),
      'I3: what was shown never changes',
    );
    assert.ok(words.length >= known, 'I3, I8: a later look shows all that was known before it began');
    assert.ok(words.length <= this.checked, 'I5: nothing is shown that was not durable and fence-checked');
    for (const [seq, word] of this.acked) {
      if (seq <= words.length) assert.equal(words[seq - 1], word, 'I1: what was acked stays at its place');
    }
    assert.deepEqual([...tableOf(words)].sort(), cells, 'I8: the state is the fold of its records');
    assert.ok(list.length <= KEYS.length && rows >= words.length);
    if (words.length > common) this.exposed = words;
  }
}

function tableOf(words: readonly string[]): Map<string, string> {
  const table = new Map<string, string>();
  for (const word of words) {
    const [key = '', value = ''] = word.split('=');
    if (value === '') table.delete(key);
    else table.set(key, value);
  }
  return table;
}

class World {
  readonly witness = new Witness();
  #epoch = 65_536;
  #clock: SimClock | undefined;
  node: KernelNode;
  readonly #broken: unknown[] = [];

  constructor() {
    this.node = this.#start(new SimStore());
  }

  #start(store: SimStore): KernelNode {
    const { witness } = this;
    const ownership = new SimOwnership(this.#epoch++);
    const commit = store.commit.bind(store);
    store.commit = (wanted) => {
      // A node that a crash has cut off still runs, but nothing of it lands.
      if (this.node !== undefined && this.node.store !== store) return commit(wanted);
      if (wanted.rows === undefined && wanted.head === undefined && wanted.cells === undefined)
        return commit(wanted);
      this.#check(() => witness.committing(wanted));
      const done = commit(wanted);
      // Before the runtime hears of it.
      return done.then(() => {
        witness.durable = Math.max(witness.durable, wanted.rows?.at(-1)?.seq ?? 0);
      });
    };
    // What an activation reads back is durable, whatever was heard of its write.
    const readRows = store.readRows.bind(store);
    store.readRows = async (...args) => {
      const rows = await readRows(...args);
      for (const { seq } of rows) witness.durable = Math.max(witness.durable, seq);
      return rows;
    };
    const readFence = ownership.readFence.bind(ownership);
    ownership.readFence = () => {
      const begun = witness.durable;
      const answer = readFence();
      const confirm = (state: 'live' | 'fenced'): typeof state => {
        if (state === 'live') witness.checked = Math.max(witness.checked, begun);
        return state;
      };
      return answer instanceof Promise ? answer.then(confirm) : confirm(answer);
    };
    const node = new KernelNode([definition], {
      store,
      ownership,
      limits: { checkpointRows: 5, batchRowsMax: 3, reviveMsMin: 1_000_000, cellDelayMsMax: 10 },
      ...(this.#clock === undefined ? {} : { clock: this.#clock }),
    });
    this.#clock = node.clock;
    return node;
  }

  #check(statement: () => void): void {
    try {
      statement();
    } catch (error) {
      this.#broken.push(error);
    }
  }

  verify(): void {
    if (this.#broken.length > 0) throw this.#broken[0];
  }

  async step(one: Op): Promise<void> {
    const { node, witness } = this;
    switch (one.do) {
      case 'append': {
        const word = `${one.key}=${one.value === 0 ? '' : one.value}`;
        node.run(type, 'k', word).then(
          (seq) => this.#check(() => witness.ack(Number(seq), word)),
          () => {},
        );
        break;
      }
      case 'look': {
        const { known } = witness;
        node.look(type, 'k').then(
          (answer) => this.#check(() => witness.show(answer, known)),
          () => {},
        );
        break;
      }
      case 'checkpoint':
      case 'bad':
        node.run(type, 'k', one.do).catch(() => {});
        break;
      case 'hold':
        node.ownership.hold();
        break;
      case 'release':
        node.ownership.release();
        break;
      case 'land':
        node.store.landLate();
        break;
      case 'advance':
        node.clock.advanceSync(10);
        break;
      case 'flush':
        node.store.flush();
        break;
      case 'fail':
        node.store.failNext(
          one.how === 'partial' ? { type: 'partial', keep: (_part, i) => i % 2 === 0 } : { type: one.how },
        );
        break;
      case 'crash':
        await this.crash(one.seed);
        break;
      default:
        one satisfies never;
    }
    await settle();
    this.verify();
  }

  async crash(seed: number): Promise<void> {
    const store = this.node.store.crash({ random: new SimRandom(seed) });
    const rows = await store.readRows(
      { ...ACTOR, shard: this.node.runtime.place(type, 'k').shard },
      { from: 1, rowsMax: 10_000 },
    );
    this.witness.durable = Math.max(this.witness.durable, rows.at(-1)?.seq ?? 0);
    this.node = this.#start(store);
  }

  /** The faults end: everything acked is there, and the tables are what the records say. */
  async end(): Promise<void> {
    await this.crash(1);
    const { node, witness } = this;
    let answer: string | undefined;
    node.look(type, 'k').then((text) => {
      answer = text;
    }, assert.ifError);
    for (let i = 0; i < 10 && answer === undefined; i++) {
      node.store.flush();
      await settle();
    }
    assert.ok(answer !== undefined);
    witness.show(answer, witness.known);
    for (const [seq, word] of witness.acked) assert.equal(witness.exposed[seq - 1], word, 'I1');
    for (let i = 0; i < 10; i++) {
      node.clock.advanceSync(100);
      node.store.flush();
      await settle();
    }
    const actor = { ...ACTOR, shard: node.runtime.place(type, 'k').shard };
    const cells = await node.store.readCells(actor, 'words', { cellsMax: 100 });
    const stored = cells.map(({ key, value }) => [key, Buffer.from(value).toString()]);
    assert.deepEqual(stored, [...tableOf(witness.exposed)].sort(), 'tables and replay equal the fold');
    this.verify();
  }
}

describe('one actor through faults, crashes and owners', () => {
  it('keeps what was acked, takes back nothing shown, and lets nothing out too early', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(op, { minLength: 20, maxLength: 120 }), async (ops) => {
        const world = new World();
        for (const one of ops) await world.step(one);
        await world.end();
      }),
      { seed: 20, numRuns: 250 },
    );
  });
});
