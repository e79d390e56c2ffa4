// Pages of keyed things: from a prefix and the last key of the page before to a range of keys.

import type { KeyRange } from './engine.ts';
import { prefixEnd } from './keys.ts';

interface Page {
  readonly prefix?: string;
  readonly after?: string;
  readonly descending?: boolean;
}

/** The keys of a page: those that begin with `base` and the prefix, beyond `after`. */
export function pageRange(base: Buffer, page: Page): KeyRange {
  const prefix = page.prefix ? Buffer.concat([base, Buffer.from(page.prefix, 'utf8')]) : base;
  const whole = { start: prefix, end: prefixEnd(prefix) };
  if (page.after === undefined) return { ...whole, descending: page.descending === true };
  const after = Buffer.concat([base, Buffer.from(page.after, 'utf8')]);
  if (page.descending === true) {
    return { start: whole.start, end: lesser(after, whole.end), descending: true };
  }
  if (Buffer.compare(after, whole.start) < 0) return whole;
  return { start: after, end: whole.end, afterStart: true };
}

function lesser(a: Buffer, b: Buffer): Buffer {
  return Buffer.compare(a, b) < 0 ? a : b;
}
