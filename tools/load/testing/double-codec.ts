// How the double answers one method.

import {
  create,
  type DescMethodUnary,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from '@bufbuild/protobuf';
import { pathOf } from '../api.ts';

/** Encoded request and user in, encoded answer out. */
export type Handler = (message: Uint8Array, userId: string) => Promise<Uint8Array>;

/** A refusal with its gRPC status. */
export class Refusal extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** A handler for one method, with its codec. */
export function handle<M extends DescMethodUnary>(
  method: M,
  answer: (
    request: MessageShape<M['input']>,
    userId: string,
  ) => MessageInitShape<M['output']> | Promise<MessageInitShape<M['output']>>,
): readonly [string, Handler] {
  return [
    pathOf(method),
    async (bytes, userId) => {
      const request = fromBinary(method.input, bytes) as MessageShape<M['input']>;
      return toBinary(method.output, create(method.output, await answer(request, userId)));
    },
  ];
}
