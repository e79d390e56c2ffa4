// What a node asks Cassandra, as a link sees it. Owns: telling requests of the native protocol (version 4) apart, and two kinds of
// them: a node's look at its own life, and its claim of a shard. Does not own: links.

/** Bytes before the body of a request: version, flags, stream, opcode, length. */
const headBytes = 9;

const version = 4;

/** Splits what one connection sends into requests and lets only some go on. */
export class RequestFilter {
  readonly #passes: (request: Buffer) => boolean;
  #rest: Buffer = Buffer.alloc(0);
  /** False until bytes are seen that begin a request: a filter may come to a connection in the middle of one. */
  #inStep = false;

  constructor(passes: (request: Buffer) => boolean) {
    this.#passes = passes;
  }

  /** Returns what goes on now; the beginning of a request is kept until its end has come. */
  take(bytes: Buffer): Buffer {
    if (!this.#inStep && bytes[0] !== version) return bytes;
    this.#inStep = true;
    let rest = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    const passing: Buffer[] = [];
    while (rest.length >= headBytes) {
      const size = headBytes + rest.readUInt32BE(5);
      if (rest.length < size) break;
      const request = rest.subarray(0, size);
      if (this.#passes(request)) passing.push(request);
      rest = rest.subarray(size);
    }
    this.#rest = rest;
    return Buffer.concat(passing);
  }
}

/** Whether a request asks whether this node lives: its incarnation is the one value bound. */
export function isLifeRead(request: Buffer, node: string): boolean {
  return new RegExp(`\\x00\\x01${incarnationOf(node)}`).test(request.toString('latin1'));
}

/** Whether there is a claim of a shard for this node: its epoch, its incarnation and the shard are bound side by side. */
export function isClaim(bytes: Buffer, node: string): boolean {
  const number = '\\x00\\x00\\x00\\x04[\\s\\S]{4}';
  return new RegExp(`${number}${incarnationOf(node)}${number}`).test(bytes.toString('latin1'));
}

/** An incarnation of a node as a bound value: four bytes of its length, then itself. */
function incarnationOf(node: string): string {
  const length = node.length + 1 + 16;
  return `\\x00\\x00\\x00\\x${length.toString(16).padStart(2, '0')}${node}\\.[0-9a-f]{16}`;
}
