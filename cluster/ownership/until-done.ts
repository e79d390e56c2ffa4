// A call to the table that has to be made, however long it takes.

import { type Clock, type Random, StarlingError, toStarlingError } from '../../runtime/index.ts';
import { type OwnershipLimits, retryMs } from './limits.ts';

export interface UntilDoneOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly limits: OwnershipLimits;
  /** Nobody needs it any more. */
  readonly ended: () => boolean;
}

/** @throws StarlingError NOT_OWNER, which no repetition changes; SHUTTING_DOWN once nobody needs it */
export async function untilDone<T>(options: UntilDoneOptions, attempt: () => Promise<T>): Promise<T> {
  const { clock, random, limits, ended } = options;
  for (let failures = 1; ; failures++) {
    if (ended()) throw new StarlingError('SHUTTING_DOWN');
    try {
      return await attempt();
    } catch (error) {
      if (toStarlingError(error).code === 'NOT_OWNER') throw error;
      await new Promise<void>((resolve) => {
        clock.after(retryMs(failures, random.float(), limits), resolve);
      });
    }
  }
}
