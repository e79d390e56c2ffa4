// After a takeover: actors that a former owner left with work to finish (rule 10). Re-marks them into the own epoch
// before it wakes them, then drops the old marks of the shard: behind a fence read, like every delete (rule 8).

import type { ActorAddress, Store, WakeMark } from './ports/store.ts';

const MARKS_PER_PAGE = 256;

export interface WakeOptions {
  readonly store: Store;
  readonly concurrencyMax: number;
  /** Opens the activation of an actor; resolves when it is open and has begun what it left. */
  readonly wake: (actor: ActorAddress) => Promise<void>;
  /** Resolves once a fence read begun now says `live`; rejects where it says `fenced`. */
  readonly live: () => Promise<void>;
}

/** Wakes every marked actor of a shard. Resolves with their number. */
export async function wakeShard(options: WakeOptions, shard: number, epoch: number): Promise<number> {
  const { store, concurrencyMax } = options;
  const seen = new Set<string>();
  let after: WakeMark | undefined;
  for (;;) {
    const page = await store.readMarks(shard, {
      marksMax: MARKS_PER_PAGE,
      ...(after === undefined ? {} : { after }),
    });
    const old = page.filter((mark) => mark.epoch < epoch);
    const fresh = old.filter(({ kind, key }) => {
      const name = `${kind}/${key}`;
      const known = seen.has(name);
      seen.add(name);
      return !known;
    });
    for (let i = 0; i < fresh.length; i += concurrencyMax) {
      await Promise.all(fresh.slice(i, i + concurrencyMax).map((mark) => wakeOne(options, mark, epoch)));
    }
    after = page.at(-1);
    if (page.length < MARKS_PER_PAGE || old.length < page.length) break;
  }
  if (seen.size === 0) return 0;
  await options.live();
  await store.dropMarks(shard, epoch);
  return seen.size;
}

async function wakeOne(options: WakeOptions, mark: WakeMark, epoch: number): Promise<void> {
  const actor = { kind: mark.kind, key: mark.key, shard: mark.shard };
  await options.store.commit({ actor, mark: { ...mark, epoch, n: 0 } });
  await options.wake(actor);
}
