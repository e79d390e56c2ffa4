// Opens a durable actor: rules 4–6 of the safety protocol. Reads the head first, then the rows to the first hole, folds
// them, seals, and reads the fence. Only then is the activation open.

import type { StoredState } from '../proto/gen/starling/actor/v1/stored_pb.ts';
import type { Durable, Effects, RecordCodec } from './definition.ts';
import { StarlingError } from './errors.ts';
import type { FenceReader } from './fence.ts';
import type { JournalStart } from './journal.ts';
import type { RuntimeLimits } from './limits.ts';
import type { ShardClaim } from './ports/ownership.ts';
import type { ActorAddress, Head, Row, Store } from './ports/store.ts';
import { decodeRow, decodeState, type RowExtras } from './stored.ts';
import { epochOf } from './timestamp.ts';

/** What the runtime keeps for an actor beside its state: messages to others, receipts, reminders. */
export interface Kept {
  restore(stored: StoredState): void;
  fold(extras: RowExtras): void;
}

export interface RecoveryOptions {
  readonly address: ActorAddress;
  readonly store: Store;
  readonly claim: ShardClaim;
  readonly fence: FenceReader;
  readonly limits: RuntimeLimits;
  readonly codec: RecordCodec<unknown>;
  readonly instance: Durable<unknown>;
  /** Steps from one version of the stored state to the next. */
  readonly migrations: readonly ((state: Uint8Array) => Uint8Array)[];
  readonly kept: Kept;
  /** The state and what the runtime keeps beside it, for a checkpoint. */
  readonly snapshot: () => Uint8Array;
  /** An activation of this actor ended in this epoch with a write of unknown outcome. */
  readonly uncleanBefore: boolean;
}

/** A table cell that a row read back asks for; it may have been written before. */
export interface ReplayedCell {
  readonly row: Row;
  readonly table: string;
  readonly key: string;
  readonly value: Uint8Array | undefined;
}

export interface Recovered {
  readonly start: JournalStart;
  readonly cells: readonly ReplayedCell[];
}

/**
 * @throws StarlingError CORRUPTION, NOT_OWNER, or what the store says
 */
export async function recover(options: RecoveryOptions): Promise<Recovered> {
  const { address, store, claim, instance } = options;
  const head = await store.readHead(address);
  if (head !== undefined && head.shard !== address.shard) {
    throw new StarlingError(
      'CORRUPTION',
      `${address.kind}/${address.key} was placed on shard ${head.shard}, here it would be ${address.shard}: another placement function or number of shards.`,
    );
  }
  if (head !== undefined && head.state.length > 0) {
    const { state } = head;
    readable(options, 'the checkpoint', () => {
      const stored = decodeState(state);
      // Also where it is the empty message: that is a state too, of the version that wrote it.
      instance.restore(migrated(options, stored));
      options.kept.restore(stored);
    });
  }
  const { tail, cells } = await foldRows(options, head);
  const seal = await sealed(options, head, tail, cells.length);
  const fence = options.fence.read();
  if (fence !== 'live') await fence;
  if (claim.epoch !== epochOf(seal.sealTs)) throw new StarlingError('NOT_OWNER');
  return { start: seal, cells };
}

/**
 * The state as this release has it: brought up step by step.
 * @throws StarlingError VERSION_TOO_NEW
 */
function migrated({ address, migrations }: RecoveryOptions, { state, version }: StoredState): Uint8Array {
  const { length } = migrations;
  if (version > length) {
    const { kind, key } = address;
    const detail = `${kind}/${key} is stored in version ${version}, this node knows versions up to ${length}.`;
    throw new StarlingError('VERSION_TOO_NEW', detail);
  }
  return migrations.slice(version).reduce((bytes, step) => step(bytes), state);
}

/** Rule 5: rows upward from the checkpoint to the first hole. */
async function foldRows(
  options: RecoveryOptions,
  head: Head | undefined,
): Promise<{ tail: number; cells: ReplayedCell[] }> {
  const { address, store, codec, instance, limits } = options;
  const cells: ReplayedCell[] = [];
  let row: Row;
  const effects: Effects = {
    put: (table, key, value) => cells.push({ row, table, key, value }),
    remove: (table, key) => cells.push({ row, table, key, value: undefined }),
  };
  let tail = head?.asOf ?? 0;
  for (;;) {
    const range = { from: tail + 1, rowsMax: limits.recoveryRowsMax, bytesMax: limits.recoveryBytesMax };
    const page = await store.readRows(address, range, head);
    for (row of page) {
      if (row.seq !== tail + 1) {
        await refuseFarRows(options, head, tail);
        return { tail, cells };
      }
      const { value } = row;
      const { record, extras } = readable(options, `row ${row.seq}`, () => {
        const decoded = decodeRow(value);
        return { record: codec.decode(decoded.record), extras: decoded.extras };
      });
      instance.apply(row.seq, record, effects);
      if (extras !== undefined) options.kept.fold(extras);
      tail = row.seq;
    }
    if (page.length === 0) return { tail, cells };
  }
}

/** Decodes; what can't be decoded is damaged, or was written by another release. */
function readable<T>(options: RecoveryOptions, what: string, decode: () => T): T {
  try {
    return decode();
  } catch (error) {
    if (error instanceof StarlingError) throw error;
    const { kind, key } = options.address;
    throw new StarlingError('CORRUPTION', `${kind}/${key}: ${what} can't be decoded.`, { cause: error });
  }
}

/** A valid row beyond what a former activation may have had in flight can't be explained by any crash. */
async function refuseFarRows(options: RecoveryOptions, head: Head | undefined, tail: number): Promise<void> {
  const { address, store, limits } = options;
  const from = tail + limits.batchRowsMax + 1;
  const [far] = await store.readRows(address, { from, rowsMax: 1 }, head);
  if (far === undefined) return;
  const { kind, key } = address;
  throw new StarlingError(
    'CORRUPTION',
    `${kind}/${key} has a hole at ${tail + 1} and a valid row at ${far.seq}.`,
  );
}

/** Rule 6: the seal, written and known durable before anything else is; or the one of this very epoch, kept. */
async function sealed(
  options: RecoveryOptions,
  head: Head | undefined,
  tail: number,
  replayedCells: number,
): Promise<JournalStart> {
  const { address, store, claim } = options;
  if (head !== undefined && epochOf(head.sealTs) === claim.epoch && !options.uncleanBefore) {
    const { floor, asOf, sealSeq, sealTs } = head;
    return { tail, floor, asOf, sealSeq, sealTs };
  }
  const ts = claim.nextTimestamp();
  const floor = head?.floor ?? 1;
  // Cells of rows read back may not be in the tables yet, and may not be written before this activation is open: then the
  // checkpoint stays where the tables are known to be complete, and the rows after it are folded again next time.
  const keep = replayedCells > 0 || tail === (head?.asOf ?? 0);
  const asOf = keep ? (head?.asOf ?? 0) : tail;
  const state = keep ? (head?.state ?? new Uint8Array(0)) : options.snapshot();
  await store.commit({
    actor: address,
    head: { shard: address.shard, floor, sealSeq: tail, sealTs: ts, asOf, state, ts },
  });
  return { tail, floor, asOf, sealSeq: tail, sealTs: ts };
}
