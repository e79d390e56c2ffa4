// A node's way to NATS with real time and randomness, for tests.

import { randomUUID } from 'node:crypto';
import { systemClock, systemRandom } from '../../clock/index.ts';
import { connectNats, type Nats, type NatsEvent, type NatsOptions } from '../index.ts';

/** What a test hands over: its end is the connection's. */
export interface TestScope {
  after(end: () => Promise<void>): void;
}

/** Answers envelopes; resolves when others can reach it. */
export async function serve(
  { transport, listening }: Nats,
  handler: Parameters<Nats['transport']['serve']>[0],
) {
  transport.serve(handler);
  await listening();
}

/** Connects a node to a server, and keeps what it tells. */
export async function natsNode(
  scope: TestScope,
  url: string,
  node: string,
  options: Partial<NatsOptions> = {},
): Promise<Nats & { readonly events: readonly NatsEvent[] }> {
  const events: NatsEvent[] = [];
  const nats = await connectNats({
    servers: [url],
    cluster: 'test',
    node,
    process: `${node}-${randomUUID()}`,
    clock: systemClock(),
    random: systemRandom(),
    onEvent: (event) => events.push(event),
    ...options,
    // A test ends with calls that nobody answers.
    limits: { drainMs: 200, ...options.limits },
  });
  scope.after(() => nats.close());
  return Object.assign(nats, { events });
}
