// A process whose database is away for a while: `node outage.child.ts HOST:PORT DATA_CENTER NAME PASSWORD`. Opens a client,
// cuts its connections until the library has begun anew, and shuts the client down. All is well when it ends by itself.

import { once } from 'node:events';
import type { Client } from 'cassandra-driver';
import { connect } from '../connect.ts';
import { type Forward, startForward } from './forward.ts';

/** The library begins anew, or finds a node it knew: which comes first is open each time. */
const OUTAGES_MAX = 50;

async function untilBegunAnew(client: Client, forward: Forward): Promise<void> {
  let replaced = 0;
  client.on('hostRemove', () => {
    replaced += 1;
  });
  for (let outages = 0; replaced === 0; outages += 1) {
    if (outages === OUTAGES_MAX) throw new Error('the library never began anew');
    const down = once(client, 'hostDown');
    forward.cut();
    await down;
    const back = new AbortController();
    const { signal } = back;
    const found = ['hostUp', 'hostAdd'].map((event) => once(client, event, { signal }).catch(() => {}));
    forward.mend();
    await Promise.race(found);
    back.abort();
  }
}

const [target = '', dataCenter = '', name = '', password = ''] = process.argv.slice(2);
const forward = await startForward(target);
const account = { name, password };
const client = await connect({ contactPoints: [forward.address], dataCenter, account });
await untilBegunAnew(client, forward);
await client.shutdown();
// A connection that is left keeps this process, and so does whoever looks for nodes again and again.
await forward.drain();
