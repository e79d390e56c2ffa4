// A node in a process of its own that answers every envelope with its length: `echo.child.ts URL NODE`. Ends with its
// parent.

import { randomUUID } from 'node:crypto';
import { systemClock, systemRandom } from '../../clock/index.ts';
import { connectNats } from '../index.ts';

const [, , url = '', node = ''] = process.argv;
const nats = await connectNats({
  servers: [url],
  cluster: 'test',
  node,
  process: `${node}-${randomUUID()}`,
  clock: systemClock(),
  random: systemRandom(),
});
nats.transport.serve(async (envelope) => Buffer.from(String(envelope.length)));
await nats.listening();
process.once('disconnect', () => process.exit());
process.send?.('ready');
