// Framing of gRPC-web. Owns: message frames, the trailers frame, base64 text mode. Does not own: HTTP.

import { StarlingError } from '../../runtime/errors.ts';
import { percentEncode, WireError, type WireStatus } from './status.ts';

/** Flag and length in front of every frame. */
export const FRAME_HEADER_BYTES = 5;
const FLAG_COMPRESSED = 0x01;
const FLAG_TRAILERS = 0x80;

/** A header or trailer. Values of names that end in `-bin` are base64 already. */
export type MetadataPair = readonly [name: string, value: string];

/** Writes flag and length at `offset`; returns the offset behind them. */
export function writeFrameHeader(target: Buffer, offset: number, bodyBytes: number): number {
  target[offset] = 0;
  return target.writeUInt32BE(bodyBytes, offset + 1);
}

/** The frame that ends a response: an HTTP/1 header block in a body. */
export function trailersFrame(status: WireStatus, trailers: readonly MetadataPair[]): Buffer {
  let block = `grpc-status: ${status.code}\r\n`;
  if (status.message !== '') block += `grpc-message: ${percentEncode(status.message)}\r\n`;
  if (status.details !== undefined) {
    block += `grpc-status-details-bin: ${Buffer.from(status.details).toString('base64').replace(/=+$/, '')}\r\n`;
  }
  for (const [name, value] of trailers) block += `${name}: ${value}\r\n`;
  const frame = Buffer.allocUnsafe(FRAME_HEADER_BYTES + block.length);
  frame[0] = FLAG_TRAILERS;
  frame.writeUInt32BE(block.length, 1);
  frame.write(block, FRAME_HEADER_BYTES, 'latin1');
  return frame;
}

/** Sum of the lengths of the pieces of one message. */
export function byteLength(pieces: readonly Uint8Array[]): number {
  let bytes = 0;
  for (const piece of pieces) bytes += piece.length;
  return bytes;
}

/** Copies pieces one after the other; returns the offset behind them. */
export function writePieces(target: Buffer, offset: number, pieces: readonly Uint8Array[]): number {
  let at = offset;
  for (const piece of pieces) {
    target.set(piece, at);
    at += piece.length;
  }
  return at;
}

/**
 * Takes the one message out of a request body.
 * @throws StarlingError METHOD_NOT_FOUND when there is none or more than one (as gRPC prescribes: UNIMPLEMENTED),
 *   MALFORMED when the framing is broken, PAYLOAD_TOO_LARGE; WireError INTERNAL when it is compressed
 */
export function singleMessage(body: Buffer, messageBytesMax: number): Buffer {
  if (body.length === 0) {
    throw new StarlingError('METHOD_NOT_FOUND', 'This method takes exactly one message; there was none.');
  }
  if (body.length < FRAME_HEADER_BYTES) throw new StarlingError('MALFORMED', 'The frame has no full header.');
  const flag = body[0] ?? 0;
  // gRPC prescribes INTERNAL for a compressed message whose encoding was not named (a named one is refused earlier).
  if (flag === FLAG_COMPRESSED) throw new WireError(13, 'A compressed message without an encoding.', []);
  if (flag !== 0) throw new StarlingError('MALFORMED', `A request has no frame with the flag ${flag}.`);
  const bytes = body.readUInt32BE(1);
  if (bytes > messageBytesMax) throw tooLarge(messageBytesMax);
  const end = FRAME_HEADER_BYTES + bytes;
  if (body.length < end) throw new StarlingError('MALFORMED', 'The frame is shorter than its header says.');
  if (body.length > end) {
    throw new StarlingError('METHOD_NOT_FOUND', 'This method takes exactly one message; there were more.');
  }
  return body.subarray(FRAME_HEADER_BYTES, end);
}

/** The refusal of a message that is too large. */
export function tooLarge(messageBytesMax: number): StarlingError {
  return new StarlingError('PAYLOAD_TOO_LARGE', `At most ${messageBytesMax} bytes.`, {
    metadata: { bytesMax: String(messageBytesMax) },
  });
}

/**
 * Decodes a body in text mode: base64, of which segments may each be padded, as clients that encode frame by frame send.
 * @throws StarlingError MALFORMED
 */
export function decodeText(body: Buffer): Buffer {
  const text = body.toString('latin1');
  if (text.length % 4 !== 0 || !/^[A-Za-z0-9+/=]*$/.test(text)) {
    throw new StarlingError('MALFORMED', 'The body is not base64.');
  }
  const segments = text.match(/[^=]+={0,2}/g) ?? [];
  return Buffer.concat(segments.map((segment) => Buffer.from(segment, 'base64')));
}
