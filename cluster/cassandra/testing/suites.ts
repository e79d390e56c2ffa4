// Both conformance suites over a real cluster, which one file and its server share.

import { shardTableConformance, storeConformance } from '../../../runtime/testing/index.ts';
import { useCassandra } from './fixture.ts';
import { shardsShareOf, shareOf } from './namespace.ts';

/** Registers them under `name`. */
export function conformanceSuites(name: string, nodes: number): void {
  const cassandra = useCassandra(nodes);
  storeConformance(name, async () => {
    const share = cassandra.share();
    let store = cassandra.database().store();
    const requests = cassandra.database().requests;
    return {
      store: shareOf(store, share),
      reopen: async () => {
        await store.close();
        store = cassandra.database().store();
        return shareOf(store, share);
      },
      groups: () => cassandra.database().requests - requests,
      dispose: () => store.close(),
    };
  });
  shardTableConformance(name, async () => {
    const share = cassandra.share();
    const table = () => shardsShareOf(cassandra.database().shards(), share);
    return { first: table(), second: table(), dispose: async () => {} };
  });
}
