// Relayed streams under lost, repeated and late envelopes, restarts, moves of shards and clients that come and go, by seed.

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { WatchRequestSchema } from '../proto/gen/starling/test/v1/script_pb.ts';
import type { ServerStream } from './service.ts';
import { SimRandom, scripted } from './testing/index.ts';
import { Line, RelayNodes, say } from './testing/relay-nodes.ts';

const NAMES = ['n0', 'n1', 'n2'];
const KEYS = Array.from({ length: 8 }, (_, i) => `k${i}`);
const STEPS = 150;

interface ActorEnd {
  readonly client: string;
  readonly run: number;
  readonly stream: ServerStream;
  said: number;
}

interface ClientEnd {
  readonly name: string;
  readonly line: Line;
  readonly node: number;
}

class World {
  readonly random: SimRandom;
  readonly nodes: RelayNodes;
  readonly #type;
  /** Streams that actors have been handed, in order. */
  readonly actors: ActorEnd[] = [];
  readonly clients: ClientEnd[] = [];
  /** Clients that had left when an actor was handed a stream of theirs. */
  readonly ghosts: string[] = [];
  /** The node of each shard. */
  readonly #owner = [0, 1, 2, 0];

  constructor(seed: number) {
    this.random = new SimRandom(seed);
    const { type, definition } = scripted({
      watch: (client, stream, turn) => {
        if (!stream.closed && this.clients.some(({ name, line }) => name === client && line.closed))
          this.ghosts.push(client);
        const end = { client, run: this.actors.length, stream, said: 0 };
        this.actors.push(end);
        const release = turn.keepAwake();
        stream.onClose(release);
        this.#speak(end);
      },
    });
    this.#type = type;
    this.nodes = new RelayNodes([definition], {}, NAMES);
  }

  #speak(end: ActorEnd): void {
    if (!end.stream.closed) say(end.stream, `${end.client} ${end.run} ${end.said++}`);
  }

  open(): void {
    const node = this.random.below(NAMES.length);
    const name = `c${this.clients.length}`;
    const client = { name, line: new Line(), node };
    this.clients.push(client);
    const key = KEYS[this.random.below(KEYS.length)] ?? '';
    this.nodes
      .node(node)
      .open(this.#type, key, 'watch', create(WatchRequestSchema, { text: name }), client.line);
  }

  speak(): void {
    for (const end of this.actors) if (!end.stream.closed && this.random.below(2) === 0) this.#speak(end);
  }

  leave(): void {
    const open = this.clients.filter(({ line }) => !line.closed);
    open[this.random.below(open.length)]?.line.leave();
  }

  /** Its clients notice, as their sockets break. */
  restart(): void {
    const node = this.random.below(NAMES.length);
    for (const client of this.clients) if (client.node === node) client.line.leave();
    for (let shard = 0; shard < this.#owner.length; shard++)
      if (this.#owner[shard] === node) this.#owner[shard] = -1;
    this.nodes.start(node);
    for (let shard = 0; shard < this.#owner.length; shard++) {
      this.nodes.owners[node]?.lose(shard);
      if (this.#owner[shard] === -1) this.#give(shard, node);
    }
  }

  move(): void {
    const shard = this.random.below(this.#owner.length);
    const from = this.#owner[shard] ?? 0;
    this.nodes.owners[from]?.lose(shard);
    this.nodes.node(from).shardLost(shard);
    this.#give(shard, this.random.below(NAMES.length));
  }

  #give(shard: number, node: number): void {
    this.#owner[shard] = node;
    this.nodes.owners[node]?.regain(shard);
    this.nodes.network.moveShard(shard, NAMES[node] ?? '');
  }

  /** Brings an envelope of the past again. */
  async echo(): Promise<void> {
    const { sent } = this.nodes;
    const envelope = sent[Math.max(0, sent.length - 1 - this.random.below(100))];
    if (envelope !== undefined) await this.nodes.again(envelope);
  }

  storm(): void {
    const fates = ['carried', 'carried', 'carried', 'lost', 'answer_lost', 'twice'] as const;
    this.nodes.network.decide(() => fates[this.random.below(fates.length)] ?? 'carried');
  }

  calm(): void {
    this.nodes.network.decide(() => 'carried');
  }

  async step(): Promise<void> {
    const dice = this.random.below(100);
    if (dice < 25) this.open();
    else if (dice < 35) this.leave();
    else if (dice < 60) this.speak();
    else if (dice < 75) await this.echo();
    else if (dice < 80) this.storm();
    else if (dice < 86) this.calm();
    else if (dice < 88) this.restart();
    else if (dice < 92) this.move();
    else await this.nodes.clock.advance(this.random.below(1500));
    await this.nodes.clock.advance(1);
  }
}

/** What a client was given is what one stream of its own was given by its actor, from the start and without a hole. */
function checkFrames({ clients }: World, seed: number): void {
  for (const { name, line } of clients) {
    const [first] = line.frames;
    if (first === undefined) continue;
    const run = first.split(' ')[1];
    const expected = line.frames.map((_frame, n) => `${name} ${run} ${n}`);
    assert.deepEqual(line.frames, expected, `seed ${seed}, ${name}`);
  }
}

/** Every client that is there has one stream of one actor that is there, and has all that it said; nothing else is left. */
function checkEnds({ clients, actors, nodes }: World, seed: number): void {
  const live = clients.filter(({ line }) => !line.closed);
  const ends = actors.filter(({ stream }) => !stream.closed);
  assert.deepEqual(
    ends.map(({ client }) => client).sort(),
    live.map(({ name }) => name).sort(),
    `seed ${seed}: both ends know the same streams`,
  );
  for (const { name, line } of live)
    assert.equal(
      line.frames.length,
      ends.find(({ client }) => client === name)?.said,
      `seed ${seed}, ${name}`,
    );
  const relayed = NAMES.map((_name, i) => nodes.node(i).stats().relayed);
  const sum = (read: (each: { out: number; in: number }) => number) =>
    relayed.reduce((total, each) => total + read(each), 0);
  assert.equal(
    sum((each) => each.out),
    sum((each) => each.in),
    `seed ${seed}: none is counted on one side only`,
  );
}

it('relayed streams have no holes, no strangers and no ghosts, whatever happens between their nodes', async () => {
  for (let seed = 1; seed <= 20; seed++) {
    const world = new World(seed);
    for (let step = 0; step < STEPS; step++) {
      await world.step();
      checkFrames(world, seed);
    }
    assert.deepEqual(world.ghosts, [], `seed ${seed}: an actor is handed no stream of a client that left`);
    world.calm();
    await world.nodes.clock.advance(20_000);
    checkFrames(world, seed);
    checkEnds(world, seed);
    for (const { line } of world.clients) line.leave();
    await world.nodes.clock.advance(20_000);
    checkEnds(world, seed);
  }
});
