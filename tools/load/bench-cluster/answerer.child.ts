// The process that answers: `node answerer.child.ts SUBJECT URL`. Says `ready`, and ends with its parent.

import { once } from 'node:events';
import { connect } from '@nats-io/transport-node';
import { withDirectory } from '../bench-runtime/starling.ts';
import { ANSWERER, ECHO_SUBJECT, openNode } from './node.ts';

const [, , subject = '', url = ''] = process.argv;

if (subject === 'nats') {
  const nats = await connect({ servers: [url] });
  nats.subscribe(ECHO_SUBJECT, { callback: (_error, message) => void message.respond(message.data) });
  await nats.flush();
  process.send?.('ready');
  await once(process, 'disconnect');
  await nats.close();
} else {
  await withDirectory(async (directory) => {
    const node = await openNode(url, ANSWERER, directory);
    process.send?.('ready');
    await once(process, 'disconnect');
    await node.close();
  });
}
