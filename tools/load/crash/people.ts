// What people are like, by their number.

import type { DeviceMode } from './device.ts';

/** Everybody has a stream; some also a device that only pulls, or one that long-polls; the last kind is mostly away. */
export function modesOf(n: number): readonly DeviceMode[] {
  switch (n % 5) {
    case 0:
      return ['stream', 'pull'];
    case 1:
      return ['stream', 'poll'];
    case 2:
      return ['stream', 'stream'];
    case 3:
      return ['stream'];
    default:
      return ['pull'];
  }
}

/** One of them, counted round and round. @throws Error when there are none */
export function nth(ids: readonly string[], n: number): string {
  const id = ids[n % ids.length];
  if (id === undefined) throw new Error('nobody is there');
  return id;
}
