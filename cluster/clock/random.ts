import { randomFillSync } from 'node:crypto';
import type { Random } from '../../runtime/ports/random.ts';

const poolWords = 512;

/** The operating system's randomness, drawn in blocks of 4 KiB; each word is given out once. */
export function systemRandom(): Random {
  const pool = new BigUint64Array(poolWords);
  let next = poolWords;
  return {
    float: () => Math.random(),
    bits64: () => {
      if (next >= poolWords) {
        randomFillSync(pool);
        next = 0;
      }
      const word = pool[next] ?? 0n;
      pool[next] = 0n;
      next += 1;
      return word;
    },
  };
}
