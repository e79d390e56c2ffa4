// Answers whose large parts are encoded already: their bytes are passed on as they are.

import { type DescMessage, type MessageShape, toBinary } from '@bufbuild/protobuf';
import type { EncodedMessage } from '../../runtime/index.ts';
import { varintLength, writeVarint } from '../varint.ts';

/** A message whose repeated field `field` holds the encoded `items`, and whose other fields are those of `rest`. */
export function withEncodedItems<M extends DescMessage>(
  field: number,
  items: readonly Uint8Array[],
  schema: M,
  rest: MessageShape<M>,
): EncodedMessage {
  const encoded: Uint8Array[] = [];
  for (const item of items) {
    const head = new Uint8Array(1 + varintLength(item.length));
    head[0] = (field << 3) | 2;
    writeVarint(head, 1, item.length);
    encoded.push(head, item);
  }
  encoded.push(toBinary(schema, rest));
  return { encoded };
}
