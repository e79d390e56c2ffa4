// The memory that activations live in: the heap of the language. Buffers of sockets and of the store lie beside it and are
// bounded by their owners.

import { getHeapStatistics } from 'node:v8';
import type { Memory } from '../../runtime/index.ts';

/** The heap of this process and its bound (`--max-old-space-size`). What is garbage and not yet collected counts as used. */
export function heapMemory(): Memory {
  return {
    read: () => {
      const { used_heap_size: usedBytes, heap_size_limit: limitBytes } = getHeapStatistics();
      return { usedBytes, limitBytes };
    },
  };
}
