// Rows of timelines a second, beside what one Cassandra takes from the bare library. Owns: the server and the process of a run.
// Does not own: the work (timeline-work.ts).

import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { ROOM_FOR_THE_YOUNG } from '../../cli/heap.ts';
import { startCassandra } from '../../dev/cassandra.ts';
import type { Arm, Measured } from '../bench/arm.ts';

const CHILD = fileURLToPath(new URL('./timeline.child.ts', import.meta.url));

/** Milliseconds of a slice, and slices of each way to write. A slice is long beside one fan-out, whose end it waits for. */
const FULL = { sliceMs: 4_000, slices: 3 };
const QUICK = { sliceMs: 1_500, slices: 1 };

/** A run that hangs ends here. */
const CHILD_MS_MAX = 300_000;

/** One arm: all ways to write take turns within it, on one server. */
export function timelineArm(): Arm {
  return {
    name: 'timeline',
    prefixes: ['timeline.rows.', 'limit.cassandra_'],
    run: async ({ quick, execArgs }) => {
      const server = await startCassandra();
      try {
        const { sliceMs, slices } = quick ? QUICK : FULL;
        const work = [CHILD, server.address, `${sliceMs}`, `${slices}`];
        const args = [ROOM_FOR_THE_YOUNG, ...execArgs, ...work];
        const { stdout, stderr } = await promisify(execFile)(process.execPath, args, {
          timeout: CHILD_MS_MAX,
        });
        if (stderr !== '') console.error(stderr.trimEnd());
        return JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '') as Measured[];
      } finally {
        await server.dispose();
      }
    },
  };
}
