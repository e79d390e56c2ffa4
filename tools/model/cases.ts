// Every case of the model: the correct protocol at its bounds, then the mutants.

import type { Case } from './case.ts';
import { MUTANTS } from './mutants.ts';

type Protocol = Pick<Case, 'name' | 'model' | 'says' | 'bounds' | 'memoryMib' | 'secondsMax' | 'quick'> & {
  readonly search?: Case['search'];
};

const OWNERSHIP =
  'owner chain (L1, I4), acked and shown rows stay (I1–I3), state is the fold (I8), ts rises (I14)';
const DELIVERY =
  'each entry once, in order, per membership (I7); node ack ⇒ rows durable (I17); acked ⇒ delivered at rest (I10)';
const TRIM = 'nothing above the floor that a reader finds is deleted (I15)';
const NO_CYCLES = 'no execution goes on for ever, so every one ends at rest (I10)';

const PROTOCOL: readonly Protocol[] = [
  {
    name: 'owners',
    model: 'ownership',
    says: OWNERSHIP,
    bounds: ['NODES=2', 'EPOCHS=2', 'ACTS=4', 'ROWS=2', 'BATCH=2', 'MOVES=1', 'CHECKPOINTS=1'],
    memoryMib: 1_000,
    secondsMax: 300,
    quick: true,
  },
  {
    name: 'owners-lazy-state',
    model: 'ownership',
    says: `${OWNERSHIP}; seals without state, so that every row is read`,
    bounds: ['LAZY_STATE', 'NODES=2', 'EPOCHS=2', 'ACTS=4', 'ROWS=2', 'BATCH=2', 'MOVES=1'],
    memoryMib: 1_000,
    secondsMax: 300,
    quick: true,
  },
  {
    name: 'owners-replicas',
    model: 'ownership',
    says: `${OWNERSHIP}; three replicas`,
    bounds: ['REPLICAS=3', 'NODES=2', 'EPOCHS=2', 'ACTS=2', 'ROWS=2', 'BATCH=1', 'MOVES=1'],
    memoryMib: 1_000,
    secondsMax: 300,
    quick: true,
  },
  {
    name: 'owners-3-nodes',
    model: 'ownership',
    says: OWNERSHIP,
    bounds: ['NODES=3', 'EPOCHS=3', 'ACTS=3', 'ROWS=2', 'BATCH=2', 'MOVES=0'],
    memoryMib: 2_500,
    secondsMax: 1_200,
    quick: false,
  },
  {
    name: 'owners-3-epochs',
    model: 'ownership',
    says: OWNERSHIP,
    bounds: ['NODES=2', 'EPOCHS=3', 'ACTS=4', 'ROWS=2', 'BATCH=2', 'MOVES=1'],
    memoryMib: 3_000,
    secondsMax: 1_200,
    quick: false,
  },
  {
    name: 'owners-2-moves',
    model: 'ownership',
    says: `${OWNERSHIP}; a second move where the first is unknown`,
    bounds: ['NODES=2', 'EPOCHS=3', 'ACTS=2', 'ROWS=2', 'BATCH=2', 'MOVES=2', 'CHECKPOINTS=1'],
    memoryMib: 1_000,
    secondsMax: 1_200,
    quick: false,
  },
  {
    name: 'owners-5-activations',
    model: 'ownership',
    says: OWNERSHIP,
    bounds: ['NODES=2', 'EPOCHS=2', 'ACTS=5', 'ROWS=2', 'BATCH=2', 'MOVES=1'],
    memoryMib: 2_000,
    secondsMax: 1_200,
    quick: false,
  },
  {
    name: 'owners-6-activations',
    model: 'ownership',
    says: `${OWNERSHIP}; seals without state`,
    bounds: ['LAZY_STATE', 'NODES=2', 'EPOCHS=2', 'ACTS=6', 'ROWS=1', 'BATCH=1', 'MOVES=1'],
    memoryMib: 1_500,
    secondsMax: 1_200,
    quick: false,
  },
  {
    name: 'owners-3-rows',
    model: 'ownership',
    says: OWNERSHIP,
    bounds: ['NODES=2', 'EPOCHS=2', 'ACTS=4', 'ROWS=3', 'BATCH=2', 'MOVES=1'],
    memoryMib: 1_500,
    secondsMax: 1_200,
    quick: false,
  },
  {
    name: 'owners-replicas-batch',
    model: 'ownership',
    says: `${OWNERSHIP}; three replicas`,
    bounds: ['REPLICAS=3', 'NODES=2', 'EPOCHS=2', 'ACTS=2', 'ROWS=2', 'BATCH=2', 'MOVES=1'],
    memoryMib: 1_500,
    secondsMax: 1_200,
    quick: false,
  },
  {
    name: 'owners-replicas-3-activations',
    model: 'ownership',
    says: `${OWNERSHIP}; three replicas`,
    bounds: ['REPLICAS=3', 'NODES=2', 'EPOCHS=2', 'ACTS=3', 'ROWS=1', 'BATCH=1', 'MOVES=1'],
    memoryMib: 1_500,
    secondsMax: 1_200,
    quick: false,
  },
  {
    name: 'trim',
    model: 'trim',
    says: TRIM,
    bounds: ['NODES=2', 'EPOCHS=2', 'ACTS=3', 'ROWS=2'],
    memoryMib: 1_000,
    secondsMax: 300,
    quick: true,
  },
  {
    name: 'trim-3-epochs',
    model: 'trim',
    says: TRIM,
    bounds: ['NODES=2', 'EPOCHS=3', 'ACTS=4', 'ROWS=2'],
    memoryMib: 1_500,
    secondsMax: 1_200,
    quick: false,
  },
  {
    name: 'delivery-group-takeover',
    model: 'delivery',
    says: DELIVERY,
    bounds: ['ENTRIES=2', 'GROUP_OWNERS=2', 'USER_OWNERS=1', 'LOSSES=1', 'REPEATS=1'],
    memoryMib: 1_000,
    secondsMax: 300,
    quick: true,
  },
  {
    name: 'delivery-cycles',
    model: 'delivery',
    says: NO_CYCLES,
    bounds: ['ENTRIES=2', 'GROUP_OWNERS=2', 'USER_OWNERS=1', 'LOSSES=1', 'REPEATS=0'],
    search: 'cycles',
    memoryMib: 1_000,
    secondsMax: 300,
    quick: true,
  },
  {
    name: 'delivery-takeovers',
    model: 'delivery',
    says: DELIVERY,
    bounds: ['ENTRIES=2', 'GROUP_OWNERS=3', 'USER_OWNERS=2', 'LOSSES=1', 'REPEATS=1'],
    memoryMib: 1_500,
    secondsMax: 1_200,
    quick: false,
  },
  {
    name: 'delivery-membership-takeover',
    model: 'delivery',
    says: DELIVERY,
    bounds: ['ENTRIES=3', 'GROUP_OWNERS=2', 'USER_OWNERS=1', 'LOSSES=0', 'REPEATS=0'],
    memoryMib: 1_500,
    secondsMax: 1_200,
    quick: false,
  },
  {
    name: 'delivery-membership-user-takeover',
    model: 'delivery',
    says: DELIVERY,
    bounds: ['ENTRIES=3', 'GROUP_OWNERS=1', 'USER_OWNERS=2', 'LOSSES=1', 'REPEATS=0'],
    memoryMib: 1_500,
    secondsMax: 1_200,
    quick: false,
  },
  {
    name: 'delivery-membership',
    model: 'delivery',
    says: DELIVERY,
    bounds: ['ENTRIES=3', 'GROUP_OWNERS=1', 'USER_OWNERS=1', 'LOSSES=1', 'REPEATS=1'],
    memoryMib: 1_500,
    secondsMax: 1_200,
    quick: false,
  },
];

/** All cases, the correct protocol first. */
export const CASES: readonly Case[] = [
  ...PROTOCOL.map((one): Case => ({ search: 'exhaustive', ...one, kind: 'protocol' })),
  ...MUTANTS,
];
