// The order of keys in every store.

/** Compares by the bytes of the UTF-8 form, which is not the order of JavaScript's `<`. */
export function compareUtf8(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
