// How rows and checkpoints are stored. A row is one byte that says which form follows: 0 = the record alone, 1 = a
// StoredRow with what the runtime keeps beside it. A checkpoint is a StoredState.

import { create, fromBinary, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import {
  type ReminderChange,
  type StoredRow,
  StoredRowSchema,
  type StoredState,
  StoredStateSchema,
  type StoredTell,
  type TellReceipt,
} from '../proto/gen/starling/actor/v1/stored_pb.ts';
import { StarlingError } from './errors.ts';

const PLAIN = 0;
const WITH_EXTRAS = 1;

/** What a row carries besides its record. */
export interface RowExtras {
  readonly tells: readonly StoredTell[];
  readonly receipt: TellReceipt | undefined;
  readonly reminders: readonly ReminderChange[];
}

export function encodeRow(record: Uint8Array, extras: RowExtras | undefined): Uint8Array {
  let body = record;
  let form = PLAIN;
  if (extras !== undefined) {
    const { tells, reminders } = extras;
    const row = create(StoredRowSchema, { record, tells: [...tells], reminders: [...reminders] });
    if (extras.receipt !== undefined) row.receipt = extras.receipt;
    body = toBinary(StoredRowSchema, row);
    form = WITH_EXTRAS;
  }
  const value = new Uint8Array(1 + body.length);
  value[0] = form;
  value.set(body, 1);
  return value;
}

/**
 * @throws StarlingError CORRUPTION for a form that this release does not know
 */
export function decodeRow(value: Uint8Array): {
  readonly record: Uint8Array;
  readonly extras: RowExtras | undefined;
} {
  const body = value.subarray(1);
  if (value[0] === PLAIN) return { record: body, extras: undefined };
  if (value[0] !== WITH_EXTRAS)
    throw new StarlingError('CORRUPTION', `A row of form ${value[0]}: written by a later release?`);
  const { record, tells, receipt, reminders }: StoredRow = fromBinary(StoredRowSchema, body);
  return { record, extras: { tells, receipt, reminders } };
}

export function encodeState(state: MessageInitShape<typeof StoredStateSchema>): Uint8Array {
  return toBinary(StoredStateSchema, create(StoredStateSchema, state));
}

export function decodeState(bytes: Uint8Array): StoredState {
  return fromBinary(StoredStateSchema, bytes);
}
