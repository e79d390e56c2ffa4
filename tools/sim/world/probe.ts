// The direct question from one node to another, over the simulated network.

import type { Probe } from '../../../cluster/membership/index.ts';
import type { SimProcess } from './process.ts';
import type { World } from './world.ts';

type Said = Awaited<ReturnType<Probe['ask']>>;

export function probeOf(world: World, process: SimProcess, place: string): Probe {
  const { net, fleet } = world;
  const runOf = (name: string) => fleet.named(name)?.run;
  return {
    ask: (name, incarnation, timeoutMs) =>
      new Promise<Said>((resolve) => {
        const timer = process.clock.after(timeoutMs, () => resolve('silent'));
        const answer = (said: Said): void => {
          net.carry(name, place, () =>
            process.enter(() => {
              timer.cancel();
              resolve(said);
            }),
          );
        };
        net.carry(place, name, () => {
          const run = runOf(name);
          run?.process.enter(() => {
            const said = run.member?.answerProbe(incarnation);
            if (said !== undefined) run.process.leave(() => answer(said));
          });
        });
      }),
    nudge: (name, shards) => {
      net.carry(place, name, () => {
        const run = runOf(name);
        run?.process.enter(() => run.member?.handed(shards));
      });
    },
  };
}
