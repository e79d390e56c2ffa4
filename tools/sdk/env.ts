// The environment of a browser's page or of a Node program.

import { memoryStore } from './memory.ts';
import type { Clock, Environment, Random, Sharing } from './ports.ts';
import { fetchTransport } from './transport.ts';

/** The environment that this program runs in. */
export function platformEnvironment(): Environment {
  const sharing = platformSharing();
  return {
    clock: systemClock,
    random: systemRandom,
    transport: fetchTransport((url, init) => fetch(url, init)),
    address: globalThis.location?.origin ?? '',
    ...(sharing === undefined ? {} : { sharing }),
    onOnline,
    fallbackStore: memoryStore,
  };
}

const systemClock: Clock = {
  now: () => Date.now(),
  after(delayMs, task) {
    const timer = setTimeout(task, delayMs);
    return { cancel: () => clearTimeout(timer) };
  },
};

const systemRandom: Random = {
  float: () => Math.random(),
  bits64: () => crypto.getRandomValues(new BigUint64Array(1))[0] ?? 0n,
};

function onOnline(callback: () => void): () => void {
  // Node has no such event, and no page.
  if (typeof globalThis.addEventListener !== 'function') return () => undefined;
  globalThis.addEventListener('online', callback);
  return () => globalThis.removeEventListener('online', callback);
}

/** Only pages share: workers and Node programs are clients of their own. */
function platformSharing(): Sharing | undefined {
  const locks = globalThis.navigator?.locks;
  if (typeof document === 'undefined' || typeof BroadcastChannel === 'undefined' || locks === undefined) {
    return undefined;
  }
  return {
    channel(name, onMessage) {
      const channel = new BroadcastChannel(name);
      channel.onmessage = (event: MessageEvent<unknown>) => onMessage(event.data);
      return { post: (message) => channel.postMessage(message), close: () => channel.close() };
    },
    async lock(name, signal, held) {
      await locks.request(name, { signal }, held);
    },
  };
}
