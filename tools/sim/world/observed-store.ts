// A store as one process uses it: what it asks is watched, and nothing settles for it once it is killed. What it has
// handed over may still land.

import type { Ownership, Store } from '../../../runtime/index.ts';
import type { Recorder } from '../check/recorder.ts';
import type { SimProcess } from './process.ts';
import type { Trace } from './trace.ts';

export interface Watching {
  readonly process: SimProcess;
  readonly recorder: Recorder;
  readonly trace: Trace;
}

export function observedStore(store: Store, { process, recorder, trace }: Watching): Store {
  return {
    readHead: async (actor) => {
      const head = await process.arrive(store.readHead(actor));
      recorder.headRead(process, actor, head);
      return head;
    },
    readRows: async (actor, range, head) => {
      const rows = await process.arrive(store.readRows(actor, range, head));
      recorder.rowsRead(process, actor, rows, head);
      return rows;
    },
    readCell: (actor, table, key) => process.arrive(store.readCell(actor, table, key)),
    readCells: (actor, table, range) => process.arrive(store.readCells(actor, table, range)),
    commit: async (commit) => {
      recorder.commitBegins(process, commit);
      const { actor, rows = [], head } = commit;
      const what = `${actor.kind}/${actor.key} rows ${rows.map(({ seq }) => seq).join()} seal ${head?.sealSeq ?? '-'}`;
      trace.note(process.name, `writes ${what}`);
      try {
        await process.arrive(store.commit(commit));
      } catch (error) {
        trace.note(process.name, `wrote ${what}: ${String(error)}`);
        recorder.commitFailed(commit);
        throw error;
      }
      recorder.commitAcked(process, commit);
    },
    trim: (actor, below, ts) => {
      recorder.trimBegins(process, actor, below);
      return process.arrive(store.trim(actor, below, ts));
    },
    readNotes: (actor, range) => process.arrive(store.readNotes(actor, range)),
    readMarks: (shard, range) => process.arrive(store.readMarks(shard, range)),
    dropMarks: (shard, epoch) => process.arrive(store.dropMarks(shard, epoch)),
    readDue: (shard, range) => process.arrive(store.readDue(shard, range)),
    dropDue: (marks, ts) => process.arrive(store.dropDue(marks, ts)),
    listActors: (kind, range) => process.arrive(store.listActors(kind, range)),
    health: () => store.health(),
    onFatal: (listener) => store.onFatal(listener),
    close: () => Promise.resolve(),
  };
}

/** An ownership whose fence reads are watched. */
export function observedOwnership(ownership: Ownership, { process, recorder, trace }: Watching): Ownership {
  return {
    claim: (shard) => ownership.claim(shard),
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
