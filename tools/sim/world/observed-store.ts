// A store as one process uses it: what it asks is watched, and nothing settles for it once it is killed. What it has
// handed over may still land.

import type { Ownership, Store } from '../../../runtime/index.ts';
import type { Recorder } from '../check/recorder.ts';
import { arrivingStore } from './arriving-store.ts';
import type { SimProcess } from './process.ts';
import type { Trace } from './trace.ts';

export interface Watching {
  readonly process: SimProcess;
  readonly recorder: Recorder;
  readonly trace: Trace;
}

export function observedStore(store: Store, { process, recorder, trace }: Watching): Store {
  const arriving = arrivingStore(store, process);
  return {
    ...arriving,
    readHead: async (actor) => {
      const head = await arriving.readHead(actor);
      recorder.headRead(process, actor, head);
      return head;
    },
    readRows: async (actor, range, head) => {
      const rows = await arriving.readRows(actor, range, head);
      recorder.rowsRead(process, actor, rows, head);
      return rows;
    },
    commit: async (commit) => {
      recorder.commitBegins(process, commit);
      const { actor, rows = [], head } = commit;
      const what = `${actor.kind}/${actor.key} rows ${rows.map(({ seq }) => seq).join()} seal ${head?.sealSeq ?? '-'}`;
      trace.note(process.name, `writes ${what}`);
      try {
        await arriving.commit(commit);
      } catch (error) {
        trace.note(process.name, `wrote ${what}: ${String(error)}`);
        recorder.commitFailed(commit);
        throw error;
      }
      recorder.commitAcked(process, commit);
    },
    trim: (actor, below, ts) => {
      recorder.trimBegins(process, actor, below);
      return arriving.trim(actor, below, ts);
    },
  };
}

/** An ownership whose fence reads are watched. */
export function observedOwnership(ownership: Ownership, { process, recorder, trace }: Watching): Ownership {
  return {
    claim: (shard) => ownership.claim(shard),
    wanted: (shard) => ownership.wanted?.(shard),
    readFence: () => {
      const ended = recorder.fenceBegins(process);
      const answer = ownership.readFence();
      if (typeof answer === 'string') {
        ended(answer);
        return answer;
      }
      return answer.then(
        (state) => {
          if (state === 'fenced') {
            trace.note(process.name, 'reads that it is fenced');
            trace.count('zombie stopped by the fence');
          }
          ended(state);
          return state;
        },
        (error: unknown) => {
          ended('unknown');
          trace.count('fence read of unknown outcome');
          throw error;
        },
      );
    },
  };
}
