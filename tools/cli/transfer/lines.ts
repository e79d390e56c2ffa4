// Reads a file line by line. Owns: bounded lines, line numbers, strict UTF-8. Does not own: what is in a line.

import { createReadStream } from 'node:fs';
import { CliError } from '../exit.ts';
import { LINE_BYTES_MAX } from './record.ts';

/** One line that is not empty. */
export interface Line {
  /** From 1. */
  readonly number: number;
  readonly text: string;
  /** Bytes of the file up to and including this line. */
  readonly endOffset: number;
}

/** What is wrong with a line as such. */
export class LineError extends Error {
  override readonly name = 'LineError';
  readonly line: number;

  constructor(line: number, message: string) {
    super(message);
    this.line = line;
  }
}

const LINE_FEED = 10;

/**
 * Reads the lines of a file that are not empty.
 * @throws LineError for a line that is too long or is not UTF-8 (reading cannot go on), CliError where there is no file
 */
export async function* readLines(path: string): AsyncGenerator<Line, void, undefined> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let held: Buffer = Buffer.alloc(0);
  let number = 0;
  let offset = 0;
  const decode = (bytes: Buffer): string => {
    number++;
    if (bytes.length > LINE_BYTES_MAX) throw new LineError(number, `has more than ${LINE_BYTES_MAX} bytes`);
    try {
      return decoder.decode(bytes).trim();
    } catch {
      throw new LineError(number, 'is not valid UTF-8');
    }
  };
  for await (const chunk of chunks(path)) {
    held = held.length === 0 ? chunk : Buffer.concat([held, chunk]);
    let start = 0;
    for (let end = held.indexOf(LINE_FEED); end >= 0; end = held.indexOf(LINE_FEED, start)) {
      const text = decode(held.subarray(start, end));
      offset += end + 1 - start;
      start = end + 1;
      if (text !== '') yield { number, text, endOffset: offset };
    }
    held = held.subarray(start);
    if (held.length > LINE_BYTES_MAX) decode(held);
  }
  if (held.length === 0) return;
  const text = decode(held);
  if (text !== '') yield { number, text, endOffset: offset + held.length };
}

async function* chunks(path: string): AsyncGenerator<Buffer, void, undefined> {
  try {
    for await (const chunk of createReadStream(path, { highWaterMark: 256 * 1024 })) yield chunk as Buffer;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const why =
      code === 'ENOENT' ? 'there is no such file' : code === 'EISDIR' ? 'it is a directory' : undefined;
    throw new CliError('usage', `Cannot read ${path}: ${why ?? (error as Error).message}.`, { cause: error });
  }
}
