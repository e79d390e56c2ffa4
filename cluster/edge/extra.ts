// Requests that are no calls and that the program answers itself, on every transport (E1). Owns: the shape of such a
// request, the bound of its body. Does not own: what is answered.

import type { Readable } from 'node:stream';
import type { PlainRequest, PlainResponse } from './web-request.ts';

/** A request that is no call of a service. */
export interface ExtraRequest extends PlainRequest {
  /** Address of the caller's end of the connection. */
  readonly remoteAddress: string;
  /** Reads the body, at most 64 KiB. Rejects where it is longer or breaks off. */
  body(): Promise<Buffer>;
}

/** Answers a request, or says by undefined that it is not its own: then it is a page or 404. */
export type ExtraRoutes = (request: ExtraRequest) => Promise<PlainResponse> | undefined;

const BODY_BYTES_MAX = 64 * 1024;

/** Reads a whole body (E3). */
export async function readBody(source: Readable): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of source) {
    bytes += (chunk as Buffer).length;
    if (bytes > BODY_BYTES_MAX) throw new RangeError(`A body of more than ${BODY_BYTES_MAX} bytes.`);
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks);
}

/** What is sent where the answer failed: nothing of the reason (E4). */
export const EXTRA_FAILED: PlainResponse = {
  status: 500,
  headers: ['content-type', 'text/plain; charset=utf-8', 'cache-control', 'no-store'],
  body: 'Something went wrong inside.\n',
};
