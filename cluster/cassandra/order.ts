// Bounds of texts in the order in which the server keeps them: by bytes, which is by code point.

/** Above every text that a key may be: 260 bytes of the greatest code point. */
const top = '\u{10ffff}'.repeat(65);

/** The least text that is greater than `text`. */
export function next(text: string): string {
  return `${text}\0`;
}

/** The least bound that is above every text that begins with `prefix`. */
export function afterPrefix(prefix: string): string {
  const points = [...prefix];
  for (let last = points.pop(); last !== undefined; last = points.pop()) {
    const point = last.codePointAt(0) ?? 0;
    // Between U+D7FF and U+E000 there are only surrogates.
    if (point < 0x10ffff)
      return points.join('') + String.fromCodePoint(point === 0xd7ff ? 0xe000 : point + 1);
  }
  return top;
}

/** From inclusive, to exclusive. */
export interface TextRange {
  readonly from: string;
  readonly to: string;
}

/** The texts with a prefix that come after `after` in the direction of reading. */
export function textRange(prefix: string, after: string | undefined, descending: boolean): TextRange {
  const [from, to] = [prefix, afterPrefix(prefix)];
  if (after === undefined) return { from, to };
  if (descending) return { from, to: compareBytes(after, to) < 0 ? after : to };
  const start = next(after);
  return { from: compareBytes(start, from) > 0 ? start : from, to };
}

/** Order of bytes in UTF-8. */
export function compareBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
