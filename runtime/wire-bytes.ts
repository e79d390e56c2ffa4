// The bytes that protobuf is made of: heads of fields, whole numbers, texts. Owns: how long each is and how it is written
// into a buffer that is large enough. Does not own: what a message holds.

export const VARINT = 0;
export const LENGTH_DELIMITED = 2;

/** The first number of a field. */
export function tagOf(field: number, wireType: number): number {
  return ((field << 3) | wireType) >>> 0;
}

/** Bytes of a whole number, 0 to 2⁵³ - 1. */
export function varintBytes(value: number): number {
  if (value < 2 ** 7) return 1;
  if (value < 2 ** 14) return 2;
  let bytes = 3;
  for (let bound = 2 ** 21; value >= bound; bound *= 128) bytes++;
  return bytes;
}

/** Writes a whole number, 0 to 2⁵³ - 1; returns where it ends. */
export function writeVarint(out: Buffer, begin: number, value: number): number {
  let at = begin;
  let left = value;
  for (; left > 0x7f; left = Math.floor(left / 128)) out[at++] = (left % 128) | 0x80;
  out[at++] = left;
  return at;
}

/** Bytes of a text. Names and keys are short and ASCII: quicker to look at here than to hand over. */
export function textBytes(text: string): number {
  for (let at = 0; at < text.length; at++) if (text.charCodeAt(at) > 0x7f) return Buffer.byteLength(text);
  return text.length;
}

/** Texts of up to so many characters are quicker written one by one. */
const SHORT = 64;

/** Writes a text of `bytes` bytes; returns where it ends. */
export function writeText(out: Buffer, at: number, text: string, bytes: number): number {
  if (bytes === text.length && bytes <= SHORT)
    for (let n = 0; n < bytes; n++) out[at + n] = text.charCodeAt(n);
  else out.write(text, at, bytes, 'utf8');
  return at + bytes;
}
