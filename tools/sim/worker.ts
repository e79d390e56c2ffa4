// One worker process: runs the seeds it is sent, one at a time, and sends back how each went. Owns: nothing but that.

import { runSeed } from './run.ts';
import { type SwarmOptions, swarmOf } from './swarm.ts';

/** What a worker is asked to do. */
export interface Task {
  readonly seed: number;
  readonly options: SwarmOptions;
  /** Lines of each place's trace in the answer. */
  readonly linesMax: number;
}

process.on('message', (task: Task) => {
  void runSeed(swarmOf(task.seed, task.options), task.linesMax).then((result) => process.send?.(result));
});
