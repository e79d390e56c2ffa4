// One open stream of a device, from its request to its end. Owns: how long it is stayed on, and that silence ends it. Does not
// own: what the frames mean, when the next one is opened.

import { fromBinary } from '@bufbuild/protobuf';
import { type OpenResponse, OpenResponseSchema } from '../../../proto/gen/starling/im/v1/session_pb.ts';
import { type Endpoint, WireStream } from '../wire.ts';

/** Until a Welcome says how often a frame comes, milliseconds. */
const welcomeMsMax = 5_000;

/** A stream is given up after so many missing heartbeats. */
const heartbeatsMissedMax = 2;

export interface Stay {
  readonly endpoint: Endpoint;
  readonly request: Buffer;
  /** Says whether to stay after this frame. */
  frame(frame: OpenResponse): 'stay' | 'leave';
  /** Leaves after so many milliseconds if `mayLeave` says so then. */
  readonly stayMs: number;
  mayLeave(): boolean;
  /** Called every second. */
  beat(): void;
  readonly signal: AbortSignal;
}

/** Resolves when the stream was left, has ended, or was lost: by its connection, or because nothing came any more. */
export async function stayOnStream(stay: Stay): Promise<'left' | 'lost'> {
  const { endpoint, request, signal } = stay;
  const { promise, resolve } = Promise.withResolvers<'left' | 'lost'>();
  const lost = (): void => resolve('lost');
  let silence = setTimeout(lost, welcomeMsMax);
  let silenceMs = welcomeMsMax;
  const stream = new WireStream(endpoint, request, {
    message: (bytes) => {
      const frame = fromBinary(OpenResponseSchema, bytes);
      if (frame.frame.case === 'welcome' && frame.frame.value.heartbeatMs > 0)
        silenceMs = frame.frame.value.heartbeatMs * heartbeatsMissedMax;
      clearTimeout(silence);
      silence = setTimeout(lost, silenceMs);
      if (stay.frame(frame) === 'leave') resolve('left');
    },
    end: (failure) => resolve(failure === undefined ? 'left' : 'lost'),
  });
  const enough = setTimeout(() => {
    if (stay.mayLeave()) resolve('left');
  }, stay.stayMs);
  const beat = setInterval(() => stay.beat(), 1_000);
  const stop = (): void => resolve('left');
  signal.addEventListener('abort', stop, { once: true });
  const end = await promise;
  for (const timer of [silence, enough]) clearTimeout(timer);
  clearInterval(beat);
  signal.removeEventListener('abort', stop);
  stream.close();
  return end;
}
