// Notes that this node leaves beside actors which have no activation here, in place of a fan-out's request (rule 20 of the
// safety protocol): so news for somebody who is absent costs one small cell, and no activation.
//
// N1  A receiver is reported as marked only once its note is durable, a fence read begun after that said `live`, and the
//     shard is still served in the same epoch: then whoever opens the actor next, here or elsewhere, reads the note.
// N2  Nor is it if an activation has come up meanwhile, which may have read its notes before: that one gets the request.
//     The note stays; one too many is harmless.
// N3  A note is deleted with the time at which it was read, behind the gate: one that was left since stays.

import type { Message } from '@bufbuild/protobuf';
import type { Activation } from './activation.ts';
import type { ActorType } from './actor-type.ts';
import { StarlingError, toStarlingError } from './errors.ts';
import type { Refused } from './fan-out.ts';
import type { FenceReader } from './fence.ts';
import { shardOf } from './placement.ts';
import type { Clock } from './ports/clock.ts';
import type { Ownership } from './ports/ownership.ts';
import type { Store, StoredNote } from './ports/store.ts';

/** One receiver's request. */
export interface NotedRequest {
  readonly key: string;
  readonly request: Message;
}

/** What became of a fan-out: those who did not simply take it, and those beside whom a note was left instead. */
export interface FanOutResult {
  readonly refused: readonly Refused[];
  readonly marked: readonly string[];
}

export interface NotesOptions {
  readonly store: Store;
  readonly ownership: Ownership;
  readonly clock: Clock;
  readonly shards: number;
  readonly fence: () => FenceReader;
  /** There is an activation of the actor, or one is coming up. */
  readonly resident: (kind: string, key: string) => boolean;
}

export interface NotedFanOut {
  readonly type: ActorType;
  readonly note: string;
  readonly requests: readonly NotedRequest[];
  readonly timeoutMs: number;
  /** Calls the actors that have an activation. */
  readonly callAll: (
    requests: readonly NotedRequest[],
    timeoutMs: number,
    done: (refused: readonly Refused[]) => void,
  ) => void;
  /** Called once. */
  readonly done: (result: FanOutResult) => void;
}

type Left = 'marked' | 'resident' | StarlingError;

export class Notes {
  readonly #options: NotesOptions;

  constructor(options: NotesOptions) {
    this.#options = options;
  }

  /** Gives its request to everybody who has an activation, and leaves the note beside the others. */
  fanOut(fanOut: NotedFanOut): void {
    const { resident } = this.#options;
    const { type, requests, timeoutMs, callAll } = fanOut;
    const present: NotedRequest[] = [];
    const absent: NotedRequest[] = [];
    for (const request of requests) (resident(type.kind, request.key) ? present : absent).push(request);
    const refused: Refused[] = [];
    const marked: string[] = [];
    let open = 2;
    const part = (some: readonly Refused[]): void => {
      refused.push(...some);
      open--;
      if (open === 0) fanOut.done({ refused, marked });
    };
    callAll(present, timeoutMs, part);
    this.#noteAll(fanOut, absent, marked, part);
  }

  #noteAll(
    fanOut: NotedFanOut,
    absent: readonly NotedRequest[],
    marked: string[],
    part: (refused: readonly Refused[]) => void,
  ): void {
    if (absent.length === 0) {
      part([]);
      return;
    }
    const { clock } = this.#options;
    const end = clock.monotonic() + fanOut.timeoutMs;
    let over = false;
    const timer = clock.after(fanOut.timeoutMs, () => {
      over = true;
      const error = new StarlingError('OUTCOME_UNKNOWN', 'A note was not written in time.');
      part(absent.map(({ key }) => ({ key, outcome: { ok: false, error } })));
    });
    void this.#leave(fanOut.type, absent, fanOut.note).then((left) => {
      if (over) return;
      timer.cancel();
      const refused: Refused[] = [];
      const late: NotedRequest[] = [];
      for (const [i, request] of absent.entries()) {
        const result = left[i];
        if (result === 'marked') marked.push(request.key);
        else if (result === 'resident') late.push(request);
        else if (result !== undefined)
          refused.push({ key: request.key, outcome: { ok: false, error: result } });
      }
      // N2.
      if (late.length === 0) part(refused);
      else fanOut.callAll(late, Math.max(1, end - clock.monotonic()), (more) => part([...refused, ...more]));
    });
  }

  /** Never rejects: what went wrong is the result of each. */
  async #leave(type: ActorType, absent: readonly NotedRequest[], note: string): Promise<Left[]> {
    const { ownership, resident, fence } = this.#options;
    const written = await Promise.all(absent.map(({ key }) => this.#write(type, key, note)));
    // After all of them are durable: one read for all (rule 8).
    const live = await liveOrError(fence());
    return absent.map(({ key }, i): Left => {
      const result = written[i];
      if (result === undefined || result instanceof StarlingError)
        return result ?? new StarlingError('INTERNAL');
      if (live !== 'live') return live;
      if (ownership.claim(result.shard)?.epoch !== result.epoch) return new StarlingError('NOT_OWNER');
      return resident(type.kind, key) ? 'resident' : 'marked';
    });
  }

  async #write(type: ActorType, key: string, note: string) {
    const { store, ownership, shards } = this.#options;
    try {
      const shard = shardOf(type.placementKey(key), shards);
      const claim = ownership.claim(shard);
      if (claim === undefined) throw new StarlingError('NOT_OWNER', `shard ${shard}`);
      const ts = claim.nextTimestamp();
      await store.commit({ actor: { kind: type.kind, key, shard }, notes: [{ note, present: true, ts }] });
      return { shard, epoch: claim.epoch };
    } catch (error) {
      return toStarlingError(error);
    }
  }
}

async function liveOrError(fence: FenceReader): Promise<'live' | StarlingError> {
  try {
    await fence.read();
    return 'live';
  } catch (error) {
    return toStarlingError(error);
  }
}

/** N3. A delete that fails leaves a note that is one too many. */
export function clearNotes(activation: Activation, notes: readonly StoredNote[]): void {
  const { host, address } = activation;
  const gone = notes.map(({ note, ts }) => ({ note, ts, present: false }));
  activation.output(() => {
    host.store.commit({ actor: address, notes: gone }).catch(() => {});
  });
}
