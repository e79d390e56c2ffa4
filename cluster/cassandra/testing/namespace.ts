// A share of one keyspace for each test. Owns: giving a store other kinds and shards than the test names, so that hundreds of
// tests need one keyspace: making one takes the server a second.

import type { ShardTable } from '../../../runtime/ports/shard-table.ts';
import type { ActorAddress, Commit, DueMark, Store, WakeMark } from '../../../runtime/ports/store.ts';

const shardsEach = 1_000;

/** The store as it is, under names of its own. `number`: unlike for unlike tests. */
export function shareOf(store: Store, number: number): Store {
  const prefix = `s${number}-`;
  const at = (actor: ActorAddress): ActorAddress => ({ ...actor, kind: prefix + actor.kind });
  const into = <T extends WakeMark | DueMark>(mark: T): T => ({
    ...mark,
    shard: mark.shard + number * shardsEach,
    kind: prefix + mark.kind,
  });
  const out = <T extends WakeMark | DueMark>(mark: T): T => ({
    ...mark,
    shard: mark.shard - number * shardsEach,
    kind: mark.kind.slice(prefix.length),
  });
  const page = <R extends { readonly after?: WakeMark | DueMark }>(range: R): R =>
    range.after === undefined ? range : { ...range, after: into(range.after) };
  const shard = (one: number): number => one + number * shardsEach;
  return {
    readHead: (actor) => store.readHead(at(actor)),
    readRows: (actor, range, head) => store.readRows(at(actor), range, head),
    readCell: (actor, table, key) => store.readCell(at(actor), table, key),
    readCells: (actor, table, range) => store.readCells(at(actor), table, range),
    commit: (commit) => store.commit(commitInto(commit)),
    trim: (actor, below, ts) => store.trim(at(actor), below, ts),
    readMarks: async (one, range) => (await store.readMarks(shard(one), page(range))).map(out),
    dropMarks: (one, epoch) => store.dropMarks(shard(one), epoch),
    readDue: async (one, range) => (await store.readDue(shard(one), page(range))).map(out),
    dropDue: (marks, ts) => store.dropDue(marks.map(into), ts),
    readNotes: (actor, range) => store.readNotes(at(actor), range),
    listActors: (kind, range) => store.listActors(prefix + kind, range),
    health: () => store.health(),
    onFatal: (listener) => store.onFatal(listener),
    close: () => store.close(),
  };

  function commitInto(commit: Commit): Commit {
    return {
      ...commit,
      actor: at(commit.actor),
      ...(commit.mark === undefined ? {} : { mark: into(commit.mark) }),
      ...(commit.due === undefined ? {} : { due: commit.due.map(into) }),
    };
  }
}

/** The same for a shard table. */
export function shardsShareOf(table: ShardTable, number: number): ShardTable {
  const prefix = `s${number}-`;
  const shard = (one: number): number => one + number * shardsEach;
  return {
    markLive: (incarnation) => table.markLive(prefix + incarnation),
    fence: (incarnation) => table.fence(prefix + incarnation),
    readLife: (incarnation) => table.readLife(prefix + incarnation),
    readOwner: (one) => table.readOwner(shard(one)),
    swap: (one, from, to) => table.swap(shard(one), from, to),
  };
}
