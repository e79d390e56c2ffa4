// How long a node needs from the start of its process until it serves, on an empty data directory.

import { create, toBinary } from '@bufbuild/protobuf';
import { NavigateRequestSchema, SessionService } from '../../../proto/gen/starling/im/v1/session_pb.ts';
import { pathOf } from '../api.ts';
import { CallFailure } from '../failure.ts';
import { freshNode } from '../node-process.ts';
import { RequestHead, UnarySocket } from '../wire.ts';
import type { Arm, ArmOptions, Measured } from './arm.ts';

/** The arm. */
export function startArm(): Arm {
  return { name: 'start', prefixes: ['start.'], run };
}

async function run({ execArgs }: ArmOptions): Promise<Measured[]> {
  const { node, dispose } = await freshNode('bench', execArgs);
  const socket = new UnarySocket(node.endpoint);
  try {
    const startedAt = performance.now();
    await node.start();
    const value = performance.now() - startedAt;
    // Ready means that it answers: a call without a token has to be refused for just that.
    const request = new RequestHead(node.endpoint, pathOf(SessionService.method.navigate), undefined).request(
      toBinary(NavigateRequestSchema, create(NavigateRequestSchema)),
    );
    const refusal = await socket.call(request).catch((error: unknown) => error);
    if (!(refusal instanceof CallFailure) || refusal.status !== 'UNAUTHENTICATED')
      throw new Error(`the node said that it is ready, and answered ${refusal}`);
    await node.stop();
    return [{ name: 'start.ready_ms', value, unit: 'ms' }];
  } finally {
    socket.close();
    await dispose();
  }
}
