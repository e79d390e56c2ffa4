import { deepEqual, equal, ok } from 'node:assert/strict';
import { describe, test } from 'node:test';
import { FIRST_EPOCH } from '../../runtime/timestamp.ts';
import { type ShardState, type Step, step } from './index.ts';
import { EPOCH_MAX } from './state.ts';
import { type ExploreOptions, explore } from './testing/explore.ts';

type Machine = typeof step;

const BOUNDS = { contenders: 3, faults: 1, wishes: 0, ownersMax: 2, worldsMax: 400_000 };

/** A machine that answers one event as `instead` says, where that says anything. */
function broken(instead: (state: ShardState, event: Parameters<Machine>[1]) => Step | undefined): Machine {
  return (state, event) => instead(state, event) ?? step(state, event);
}

/** The owner serves at an epoch that it did not win in an orderly way. */
function serve(state: ShardState, epoch: number): Step {
  return { state: { ...state, phase: { kind: 'serving', epoch } }, actions: [{ kind: 'begin', epoch }] };
}

const CLAIM_WITHOUT_FENCE = broken((state, event) => {
  if (event.kind !== 'judged' || state.phase.kind !== 'judging') return undefined;
  return step({ ...state, phase: { kind: 'fencing', row: state.phase.row } }, { kind: 'fenced-owner' });
});

const MUTANTS: readonly (Partial<ExploreOptions> & { readonly name: string })[] = [
  {
    name: 'a claim on the epoch alone, with an epoch it made up',
    contenders: 3,
    faults: 0,
    wishes: 1,
    ownersMax: 3,
    applies: (row, { to }) => row === undefined || row.epoch < to.epoch,
    machine: broken((state, event) => {
      if (event.kind !== 'fenced-owner') return undefined;
      const { phase, actions } = { ...step(state, event), phase: step(state, event).state.phase };
      if (phase.kind !== 'swapping' || phase.from === undefined || phase.from.owner === state.me)
        return undefined;
      const to = { ...phase.to, epoch: phase.to.epoch + state.me.charCodeAt(0) - 97 };
      const made = { ...phase, to };
      return {
        state: { ...step(state, event).state, phase: made },
        actions: actions.map((action) => (action.kind === 'swap' ? { ...action, to } : action)),
      };
    }),
  },
  {
    name: 'a claim without fencing first, as when a release is taken from the board',
    machine: CLAIM_WITHOUT_FENCE,
  },
  {
    name: 'a fence of unknown outcome taken as done',
    machine: broken((state, event) =>
      event.kind === 'failed' && state.phase.kind === 'fencing'
        ? step(state, { kind: 'fenced-owner' })
        : undefined,
    ),
  },
  {
    name: 'an owner that resumes after a move of unknown outcome (a time-out taken as not applied)',
    machine: broken((state, event) => {
      const { phase } = state;
      if (event.kind !== 'swap-unknown' || phase.kind !== 'swapping' || phase.from?.owner !== state.me)
        return undefined;
      return serve(state, phase.from.epoch);
    }),
  },
  {
    name: 'a swap of unknown outcome taken as applied',
    machine: broken((state, event) =>
      event.kind === 'swap-unknown' ? step(state, { kind: 'swapped', result: { applied: true } }) : undefined,
    ),
  },
  {
    name: 'an epoch taken from the board instead of a settled row',
    machine: broken((state, event) =>
      event.kind === 'judged' && state.phase.kind === 'judging'
        ? serve(state, state.phase.row.epoch + 1)
        : undefined,
    ),
  },
  {
    name: 'a counter that starts again with the next claim of the same epoch',
    machine: broken((state, event) =>
      event.kind === 'read' ? step({ ...state, used: 0 }, event) : undefined,
    ),
  },
  {
    name: 'a claim that does not end before its move is sent',
    machine: broken((state, event) => {
      if (event.kind !== 'drained') return undefined;
      const { state: next, actions } = step(state, event);
      return { state: next, actions: actions.filter(({ kind }) => kind !== 'end') };
    }),
  },
];

describe('the machine of one shard, in every order of steps', () => {
  const cases = [
    { ...BOUNDS },
    { contenders: 2, faults: 1, wishes: 2, ownersMax: 2, worldsMax: 400_000 },
    // The read that is to settle a swap fails too, and the next look begins with a claim.
    { contenders: 2, faults: 2, wishes: 1, ownersMax: 2, worldsMax: 400_000 },
  ];
  for (const options of cases) {
    const { contenders, faults, wishes } = options;
    const within = `${contenders} incarnations, ${faults} faults, ${wishes} wishes`;
    test(`M2, M3, M4: one incarnation draws write times, each epoch begins once: ${within}`, (context) => {
      const { violation, worlds, steps } = explore(options);
      deepEqual(violation, undefined);
      context.diagnostic(`${worlds} worlds`);
      for (const kind of [
        'lands',
        'fence-lands',
        'reads-fence',
        'swap-late',
        'swap-lost',
        'drain-done',
        'fence-unknown',
      ]) {
        ok(wishes === 0 || (steps.get(kind) ?? 0) > 0, `${kind} happened`);
      }
    });
  }
  for (const { name, ...mutant } of MUTANTS) {
    test(`the search finds ${name}`, (context) => {
      const { violation } = explore({
        contenders: 2,
        faults: 1,
        wishes: 2,
        ownersMax: 2,
        ...mutant,
        worldsMax: 400_000,
      });
      const found = violation ?? explore({ ...BOUNDS, ...mutant }).violation;
      ok(found !== undefined, 'a violation is found');
      context.diagnostic(found.join('; '));
    });
  }
  test('M5: a fenced incarnation does nothing ever again', () => {
    const serving = step(
      step(step(step(fresh(), { kind: 'want', want: { kind: 'hold' } }).state, { kind: 'look' }).state, {
        kind: 'read',
        row: undefined,
      }).state,
      { kind: 'swapped', result: { applied: true } },
    );
    equal(serving.state.phase.kind, 'serving');
    const ended = step(serving.state, { kind: 'fenced' });
    deepEqual(
      ended.actions.map(({ kind }) => kind),
      ['end', 'lose'],
    );
    deepEqual(step(ended.state, { kind: 'look' }).actions, []);
    deepEqual(step(ended.state, { kind: 'want', want: { kind: 'hold' } }).actions, []);
  });
  test('a row with an epoch that no owner ever had is fenced from and swapped by no look', () => {
    for (const epoch of [-3, FIRST_EPOCH - 1, EPOCH_MAX + 1]) {
      let { state } = step(fresh(), { kind: 'want', want: { kind: 'hold' } });
      const after = (event: Parameters<Machine>[1]): string[] => {
        const next = step(state, event);
        state = next.state;
        return next.actions.map(({ kind }) => kind);
      };
      deepEqual(after({ kind: 'look' }), ['read']);
      deepEqual(after({ kind: 'read', row: { epoch, owner: 'b' } }), []);
      deepEqual(state.phase, { kind: 'refused', reason: 'epoch-invalid' });
      deepEqual(after({ kind: 'look', claims: true }), ['read']);
      deepEqual(after({ kind: 'failed' }), []);
      deepEqual(after({ kind: 'look', claims: true }), ['read']);
      // Somebody mended it.
      deepEqual(after({ kind: 'read', row: { epoch: FIRST_EPOCH, owner: 'b' } }), ['judge']);
    }
  });
});

function fresh(): ShardState {
  return {
    ...{ me: 'a', phase: { kind: 'idle' }, want: { kind: 'keep' }, used: 0, drains: 0, seen: undefined },
  };
}
