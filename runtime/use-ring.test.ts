import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { SimRandom } from './testing/index.ts';
import { type Evictable, UseRing } from './use-ring.ts';

/** Something resident; `busy` can't go now. */
class Entry implements Evictable {
  readonly name: string;
  uses = 0;
  ahead: Evictable | undefined = undefined;
  behind: Evictable | undefined = undefined;
  gone = false;
  busy = false;
  readonly #leave: (entry: Entry) => void;

  constructor(name: string, leave: (entry: Entry) => void) {
    this.name = name;
    this.#leave = leave;
  }

  tryPassivate(): boolean {
    if (this.busy) return false;
    this.gone = true;
    this.#leave(this);
    return true;
  }
}

/** As a node holds its activations: `size` of them at most, made on first use. */
class Cache {
  readonly ring = new UseRing();
  readonly entries = new Map<string, Entry>();
  readonly #size: number;

  constructor(size: number) {
    this.#size = size;
  }

  /** True: it was there. */
  call(name: string): boolean {
    const present = this.entries.get(name);
    if (present !== undefined) {
      this.ring.use(present);
      return true;
    }
    if (this.ring.size >= this.#size) assert.equal(this.ring.evict(1), 1);
    const entry = new Entry(name, (gone) => {
      this.entries.delete(gone.name);
      this.ring.remove(gone);
    });
    this.entries.set(name, entry);
    this.ring.add(entry);
    return false;
  }

  get(name: string): Entry {
    const entry = this.entries.get(name);
    assert.ok(entry !== undefined, `${name} is there`);
    return entry;
  }
}

describe('the ring of uses', () => {
  it('V1: drops what was called once before what was called again, however old that is', () => {
    const cache = new Cache(3);
    for (const name of ['hot', 'a', 'b']) cache.call(name);
    cache.call('hot');
    for (const name of ['c', 'd']) cache.call(name);
    assert.deepEqual([...cache.entries.keys()].toSorted(), ['c', 'd', 'hot']);
  });

  it('V2: what was popular once goes after as many rounds as its uses count', () => {
    const cache = new Cache(2);
    cache.call('was hot');
    for (let use = 0; use < 1_000; use++) cache.call('was hot');
    let scanned = 0;
    while (cache.entries.has('was hot') && scanned < 100) cache.call(`scan ${scanned++}`);
    assert.equal(scanned, 5, 'one to fill it, three for the uses, one that takes its place');
  });

  it('drops nobody who is busy, and says how many went', () => {
    const cache = new Cache(3);
    for (const name of ['a', 'b', 'c']) cache.call(name);
    cache.get('a').busy = true;
    cache.get('c').busy = true;
    assert.equal(cache.ring.evict(3), 1);
    assert.deepEqual([...cache.entries.keys()], ['a', 'c']);
  });

  it('lets those go first that could not go before, except where they were used meanwhile', () => {
    const cache = new Cache(10);
    for (let n = 0; n < 10; n++) cache.call(`${n}`);
    const busy = ['0', '1', '2', '3'].map((name) => cache.get(name));
    for (const entry of busy) entry.busy = true;
    assert.equal(cache.ring.evict(1), 1);
    for (const entry of busy) entry.busy = false;
    cache.call('1');
    assert.equal(cache.ring.evict(3), 3);
    assert.deepEqual([...cache.entries.keys()], ['1', '5', '6', '7', '8', '9']);
  });

  it('V3: gives what joins a whole round, also where the hand stands in the middle', () => {
    const cache = new Cache(4);
    for (const name of ['a', 'b', 'c', 'd', 'e', 'f']) cache.call(name);
    assert.deepEqual([...cache.entries.keys()], ['c', 'd', 'e', 'f']);
    cache.ring.evict(2);
    assert.deepEqual([...cache.entries.keys()], ['e', 'f']);
  });

  it('knows everybody exactly once, whoever comes and goes', () => {
    const step = fc.record({ name: fc.nat(30), what: fc.constantFrom('call', 'remove', 'evict') });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const cache = new Cache(12);
        for (const { name, what } of steps) {
          if (what === 'call') cache.call(`${name}`);
          else if (what === 'evict') cache.ring.evict(name);
          else cache.entries.get(`${name}`)?.tryPassivate();
          assert.equal(cache.ring.size, cache.entries.size);
          const [first] = cache.entries.values();
          const round = new Set<Evictable>();
          for (
            let one: Evictable | undefined = first;
            one !== undefined && !round.has(one);
            one = one.ahead
          ) {
            round.add(one);
            assert.equal(one.ahead?.behind, one);
          }
          assert.equal(round.size, cache.entries.size);
        }
      }),
      { seed: 11, numRuns: 200 },
    );
  });

  it('95 % of the calls of hot ones, up to 40 % of the room, find them in spite of a scan as fast as they are', () => {
    const sizes = fc.record({
      size: fc.integer({ min: 40, max: 1_000 }),
      share: fc.integer({ min: 5, max: 40 }),
    });
    fc.assert(
      fc.property(sizes, fc.integer(), ({ size, share }, seed) => {
        const random = new SimRandom(seed);
        const hot = Math.max(1, Math.floor((size * share) / 100));
        const cache = new Cache(size);
        const hotKey = (): string => `hot ${Math.floor(random.float() * hot)}`;
        for (let call = 0; call < 20 * hot; call++) cache.call(hotKey());
        const calls = 10 * size;
        let hits = 0;
        for (let call = 0; call < calls; call++) {
          if (cache.call(hotKey())) hits++;
          cache.call(`cold ${call}`);
        }
        assert.ok(hits >= 0.95 * calls, `${hits} of ${calls}`);
      }),
      { seed: 5, numRuns: 20 },
    );
  });
});
