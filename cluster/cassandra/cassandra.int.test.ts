// The driver against a real server: one for the whole file.

import { shardTableConformance, storeConformance } from '../../runtime/testing/index.ts';
import { shardsShareOf, shareOf, useCassandra } from './testing/index.ts';

const cassandra = useCassandra();

storeConformance('Cassandra', async () => {
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

shardTableConformance('Cassandra', async () => {
  const share = cassandra.share();
  const table = () => shardsShareOf(cassandra.database().shards(), share);
  return { first: table(), second: table(), dispose: async () => {} };
});
