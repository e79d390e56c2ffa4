// Longer than 300 lines because the model of the table and the search over it are read together.
// Every order of steps of several incarnations that contend for one shard, within a budget of faults and wishes. Owns: a
// model of the shard table's promises O1 to O4, down to swaps that land late and fences of unknown outcome, and the check
// of what must hold after every step. Does not own: the machine, which is the one that runs in production.
//
// What is checked:
// 1. No epoch begins twice: not by two incarnations, not by one (so no counter of write times starts again).
// 2. Whoever may draw write times and is not fenced is the one the row names, at that epoch.

import type { ShardOwner, SwapResult } from '../../../runtime/index.ts';
import { FIRST_EPOCH } from '../../../runtime/timestamp.ts';
import {
  initialShard,
  type ShardAction,
  type ShardEvent,
  type ShardState,
  step,
  type Want,
} from '../index.ts';
import { text } from './model-table.ts';

interface Swap {
  readonly from: ShardOwner | undefined;
  readonly to: ShardOwner;
}

type Operation =
  | { readonly kind: 'read'; readonly settles: readonly string[] }
  | Extract<ShardAction, { kind: 'judge' | 'fence' | 'swap' | 'drain' }>;

interface Contender {
  readonly state: ShardState;
  readonly op: Operation | undefined;
  /** Epoch in which it may draw write times. */
  readonly draws: number | undefined;
  readonly life: 'live' | 'perhaps' | 'fenced';
}

interface World {
  readonly row: ShardOwner | undefined;
  /** Swaps without an answer that may still land. */
  readonly late: readonly Swap[];
  readonly contenders: readonly Contender[];
  readonly begun: readonly number[];
  readonly faults: number;
  readonly wishes: number;
  readonly exhaustions: number;
  readonly broken: string | undefined;
}

export interface ExploreOptions {
  /** Incarnations: a, b, c, … */
  readonly contenders: number;
  /** Calls that fail or are not answered. */
  readonly faults: number;
  /** Changes of what the placement asks for. */
  readonly wishes: number;
  /** Epochs whose write times run out. Default 0. */
  readonly exhaustions?: number;
  /** Default: the one that runs in production. */
  readonly machine?: typeof step;
  /** When a swap takes effect. Default: iff the row is `from`. */
  readonly applies?: (row: ShardOwner | undefined, swap: Swap) => boolean;
  /** Owners one after another; later ones are not followed, since fenced incarnations may claim from each other for ever. */
  readonly ownersMax: number;
  /** Worlds looked at. Beyond it the search fails. */
  readonly worldsMax: number;
}

export interface Explored {
  readonly worlds: number;
  /** The shortest way to what must not be: each step, then what is wrong. */
  readonly violation: readonly string[] | undefined;
  /** How often each kind of step was taken. */
  readonly steps: ReadonlyMap<string, number>;
}

type Next = readonly [name: string, world: World];

/** Searches breadth first, so that a violation comes with its shortest history. */
export function explore(options: ExploreOptions): Explored {
  const search = new Search(options);
  return search.run();
}

class Search {
  readonly #options: ExploreOptions;
  readonly #step: typeof step;
  readonly #applies: (row: ShardOwner | undefined, swap: Swap) => boolean;
  readonly #steps = new Map<string, number>();

  constructor(options: ExploreOptions) {
    this.#options = options;
    this.#step = options.machine ?? step;
    this.#applies = options.applies ?? ((row, { from }) => text(row) === text(from));
  }

  run(): Explored {
    const { contenders, faults, wishes, exhaustions = 0, ownersMax, worldsMax } = this.#options;
    const names = Array.from({ length: contenders }, (_, index) => String.fromCharCode(97 + index));
    const first: World = {
      ...{ row: undefined, late: [], begun: [], faults, wishes, exhaustions, broken: undefined },
      contenders: names.map((me) => ({
        // All want it at first: that is the contention.
        state: { ...initialShard(me), want: { kind: 'hold' } },
        op: undefined,
        draws: undefined,
        life: 'live',
      })),
    };
    const from = new Map<string, readonly [parent: string, name: string]>([
      [JSON.stringify(first), ['', '']],
    ]);
    const queue = [first];
    for (let at = 0; at < queue.length; at++) {
      const world = queue[at] ?? first;
      const key = JSON.stringify(world);
      if (world.row !== undefined && world.row.epoch >= FIRST_EPOCH + ownersMax) continue;
      for (const [name, next] of this.#next(world)) {
        const kind = name.split(' ')[1] ?? name;
        this.#steps.set(kind, (this.#steps.get(kind) ?? 0) + 1);
        const nextKey = JSON.stringify(next);
        if (from.has(nextKey)) continue;
        from.set(nextKey, [key, name]);
        if (next.broken !== undefined) {
          return {
            worlds: from.size,
            violation: [...history(from, nextKey), next.broken],
            steps: this.#steps,
          };
        }
        if (from.size > worldsMax) throw new Error(`more than ${worldsMax} worlds`);
        queue.push(next);
      }
    }
    return { worlds: from.size, violation: undefined, steps: this.#steps };
  }

  #next(world: World): Next[] {
    const found: Next[] = [];
    world.late.forEach((swap, index) => {
      const late = world.late.filter((_, each) => each !== index);
      const row = this.#applies(world.row, swap) ? swap.to : world.row;
      found.push([`x lands ${text(swap.to)}`, check({ ...world, late, row })]);
    });
    world.contenders.forEach((contender, index) => {
      found.push(...this.#spontaneous(world, contender, index));
      if (contender.op !== undefined) found.push(...this.#outcomes(world, contender.op, index));
    });
    return found;
  }

  /** What happens without an answer: wishes, looks, a fence that becomes known or is read. */
  #spontaneous(world: World, { state, life, draws, op }: Contender, index: number): Next[] {
    const found: Next[] = [];
    const { me } = state;
    if (life === 'perhaps') found.push([`${me} fence-lands`, check(patch(world, index, { life: 'fenced' }))]);
    if (life === 'fenced')
      found.push([`${me} reads-fence`, this.#deliver(world, index, { kind: 'fenced' }, op)]);
    if (op === undefined && draws === undefined) {
      found.push([`${me} looks`, this.#deliver(world, index, { kind: 'look' }, op)]);
      found.push([`${me} looks-claims`, this.#deliver(world, index, { kind: 'look', claims: true }, op)]);
    }
    if (draws !== undefined && world.exhaustions > 0) {
      const event = { kind: 'exhausted', epoch: draws } as const;
      const less = { ...world, exhaustions: world.exhaustions - 1 };
      found.push([`${me} exhausts`, this.#deliver(less, index, event, undefined)]);
    }
    if (world.wishes === 0) return found;
    const others = world.contenders.map((each) => each.state.me).filter((each) => each !== me);
    const wants: Want[] = [
      { kind: 'hold' },
      { kind: 'keep' },
      ...others.map((to) => ({ kind: 'give', to }) as const),
    ];
    for (const want of wants) {
      const name = `${me} wants-${want.kind} ${want.kind === 'give' ? want.to : ''}`;
      const less = { ...world, wishes: world.wishes - 1 };
      found.push([name, this.#deliver(less, index, { kind: 'want', want }, op)]);
    }
    return found;
  }

  /** Every way in which the call under way of one contender may end. */
  #outcomes(world: World, op: Operation, index: number): Next[] {
    const me = world.contenders[index]?.state.me;
    const end = (name: string, at: World, event: ShardEvent): Next => [
      `${me} ${op.kind}-${name}`,
      this.#deliver(at, index, event, undefined),
    ];
    const faulty = { ...world, faults: world.faults - 1 };
    const failed = world.faults > 0 ? [end('failed', faulty, { kind: 'failed' })] : [];
    switch (op.kind) {
      case 'read':
        return [
          ...failed,
          ...this.#settled(world, op.settles).map((at) =>
            end(text(at.row), at, { kind: 'read', row: at.row }),
          ),
        ];
      case 'judge':
        return [
          ...failed,
          ...[true, false].map((mayFence) => end(`${mayFence}`, world, { kind: 'judged', mayFence })),
        ];
      case 'drain':
        return [end('done', world, { kind: 'drained', drain: op.drain })];
      case 'fence': {
        const marked = (at: World, life: 'perhaps' | 'fenced'): World => markLife(at, op.owner, life);
        const done = end('done', marked(world, 'fenced'), { kind: 'fenced-owner' });
        return world.faults === 0
          ? [done]
          : [done, ...failed, end('unknown', marked(faulty, 'perhaps'), { kind: 'failed' })];
      }
      case 'swap': {
        const swap = { from: op.from, to: op.to };
        const applied = this.#applies(world.row, swap);
        const result: SwapResult = applied ? { applied } : { applied, found: world.row };
        const after = { row: applied ? op.to : world.row };
        const done = end('answered', { ...world, ...after }, { kind: 'swapped', result });
        if (world.faults === 0) return [done];
        const unknown = { kind: 'swap-unknown' } as const;
        return [
          ...[
            done,
            ...failed,
            end('lost', faulty, unknown),
            end('unanswered', { ...faulty, ...after }, unknown),
          ],
          end('late', { ...faulty, late: [...world.late, swap] }, unknown),
        ];
      }
    }
  }

  /** O3: a read lets each swap that was unanswered when it began land, or never land. */
  #settled(world: World, settles: readonly string[]): World[] {
    const late = world.late.filter((swap) => !settles.includes(JSON.stringify(swap)));
    const lands = world.late.filter(
      (swap) => settles.includes(JSON.stringify(swap)) && this.#applies(world.row, swap),
    );
    return [{ ...world, late }, ...lands.map(({ to }) => ({ ...world, late, row: to }))];
  }

  #deliver(before: World, index: number, event: ShardEvent, op: Operation | undefined): World {
    const contender = before.contenders[index];
    if (contender === undefined) return before;
    const { state, actions } = this.#step(contender.state, event);
    let world = patch(before, index, { state, op });
    for (const action of actions) world = perform(world, index, action);
    return check(world);
  }
}

function perform(world: World, index: number, action: ShardAction): World {
  switch (action.kind) {
    case 'read':
      return patch(world, index, {
        op: { kind: 'read', settles: world.late.map((swap) => JSON.stringify(swap)) },
      });
    case 'judge':
    case 'fence':
    case 'swap':
    case 'drain':
      return patch(world, index, { op: action });
    case 'undrain':
      return patch(world, index, { op: undefined });
    case 'begin': {
      const twice = world.begun.includes(action.epoch);
      const begun = twice ? world.begun : [...world.begun, action.epoch].sort((a, b) => a - b);
      const next = patch({ ...world, begun }, index, { draws: action.epoch });
      return twice ? { ...next, broken: `epoch ${action.epoch} begins twice` } : next;
    }
    case 'end':
      return patch(world, index, { draws: undefined });
    case 'lose':
      return world;
  }
}

function check(world: World): World {
  if (world.broken !== undefined) return world;
  for (const { state, draws, life } of world.contenders) {
    if (draws === undefined || life === 'fenced') continue;
    if (text(world.row) !== text({ epoch: draws, owner: state.me })) {
      return { ...world, broken: `${state.me} draws in ${draws}, the row is ${text(world.row)}` };
    }
  }
  return world;
}

function patch(world: World, index: number, change: Partial<Contender>): World {
  const contenders = world.contenders.map((each, at) => (at === index ? { ...each, ...change } : each));
  return { ...world, contenders };
}

function markLife(world: World, owner: string, life: 'perhaps' | 'fenced'): World {
  const index = world.contenders.findIndex(({ state }) => state.me === owner);
  const known = world.contenders[index]?.life;
  return known === undefined || known === 'fenced' ? world : patch(world, index, { life });
}

function history(from: ReadonlyMap<string, readonly [parent: string, name: string]>, key: string): string[] {
  const names: string[] = [];
  for (let at = from.get(key); at !== undefined && at[1] !== ''; at = from.get(at[0])) names.unshift(at[1]);
  return names;
}
