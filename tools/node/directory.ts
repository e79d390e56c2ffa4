// Calls of a node to its own services, without a wire. Owns: finding the handler and standing in for a caller.

import { create } from '@bufbuild/protobuf';
import { DirectoryService, UpsertUsersRequestSchema } from '../../proto/gen/starling/server/v1/server_pb.ts';
import { invariant } from '../../runtime/errors.ts';
import type { CallContext, ServiceBinding, ServiceHandlers } from '../../runtime/service.ts';
import type { DemoUser } from './demo.ts';

const CALL_MS_MAX = 10_000;

/** Makes users known, as a call of server.v1 would. */
export async function upsertUsers(
  services: readonly ServiceBinding[],
  users: readonly DemoUser[],
): Promise<void> {
  const binding = services.find(({ service }) => service.typeName === DirectoryService.typeName);
  invariant(binding !== undefined, 'the directory service is served');
  const handlers = binding.handlers as unknown as ServiceHandlers<typeof DirectoryService>;
  const untilMs = performance.now() + CALL_MS_MAX;
  const context: CallContext = {
    principal: {
      tenant: 'main',
      userId: 'node',
      deviceId: undefined,
      scope: 'admin',
      expiresAtMs: Number.MAX_SAFE_INTEGER,
    },
    signal: AbortSignal.timeout(CALL_MS_MAX),
    get timeoutMs() {
      return Math.max(0, untilMs - performance.now());
    },
    header: () => undefined,
  };
  const request = users.map(({ userId, displayName }) => ({ userId, displayName }));
  await handlers.upsertUsers(create(UpsertUsersRequestSchema, { users: request }), context);
}
