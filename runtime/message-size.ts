// Roughly how many bytes a message holds in memory, without encoding it. For bounds, not for accounts.

import type { DescMessage, Message } from '@bufbuild/protobuf';

/** What an object costs besides its contents. */
const OBJECT_BYTES = 64;
/** Messages within messages are looked into this far. */
const DEPTH_MAX = 4;

/** Strings and byte arrays count by length, everything else by a constant; list elements all, to a bounded depth. */
export function roughBytes(schema: DescMessage, message: Message, depth = 0): number {
  let bytes = OBJECT_BYTES;
  const fields = message as unknown as Record<string, unknown>;
  for (const field of schema.fields) {
    const place = field.oneof === undefined ? fields[field.localName] : oneofValue(fields, field);
    bytes += valueBytes(place, field.message, depth);
  }
  return bytes;
}

function oneofValue(
  fields: Record<string, unknown>,
  field: { readonly localName: string; readonly oneof: { readonly localName: string } | undefined },
): unknown {
  const chosen = fields[field.oneof?.localName ?? ''] as { case?: string; value?: unknown } | undefined;
  return chosen?.case === field.localName ? chosen.value : undefined;
}

function valueBytes(value: unknown, schema: DescMessage | undefined, depth: number): number {
  if (typeof value === 'string') return 2 * value.length;
  if (value instanceof Uint8Array) return value.length;
  if (Array.isArray(value)) {
    let bytes = 8 * value.length;
    for (const item of value) bytes += valueBytes(item, schema, depth);
    return bytes;
  }
  if (value === undefined || value === null || typeof value !== 'object') return 8;
  if (schema === undefined) return OBJECT_BYTES * Object.keys(value).length;
  return depth >= DEPTH_MAX ? OBJECT_BYTES : roughBytes(schema, value as Message, depth + 1);
}
