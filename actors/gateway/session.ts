// SessionService and SyncService: a device's line to its user.

import { create } from '@bufbuild/protobuf';
import { ConnectionOpenRequestSchema } from '../../proto/gen/starling/actor/v1/connection_pb.ts';
import type { Cursor } from '../../proto/gen/starling/im/v1/cursor_pb.ts';
import {
  AckResponseSchema,
  KickDeviceResponseSchema,
  LimitsSchema,
  ListDevicesResponseSchema,
  NavigateResponseSchema,
  RefreshResponseSchema,
  SessionService,
} from '../../proto/gen/starling/im/v1/session_pb.ts';
import { type PullRequest, PullResponseSchema, SyncService } from '../../proto/gen/starling/im/v1/sync_pb.ts';
import {
  bindService,
  type CallContext,
  type EncodedMessage,
  invalidRequest,
  type ServiceBinding,
} from '../../runtime/index.ts';
import { clientLimits } from '../connection/index.ts';
import { connectionKey, userKey } from '../ids.ts';
import { ConnectionActor, UserActor } from '../types.ts';
import { type Gateway, within } from './context.ts';
import { withEncodedItems } from './encoded.ts';
import { addressFor, Rotation } from './rotation.ts';
import { pageSize, principalOf, requireBytes, requireDevice } from './validate.ts';

const DEVICE_NAME_BYTES_MAX = 128;
const PULL_DEFAULT = 200;
/** What a long poll's call may take beyond its wait. */
const POLL_SLACK_MS = 5000;

export function sessionService(gateway: Gateway): ServiceBinding {
  const { runtime, limits } = gateway;
  return bindService(SessionService, ['user'], {
    navigate: (_request, context) => {
      const { tenant, userId } = principalOf(context);
      const clients = create(LimitsSchema, clientLimits(limits));
      const address = addressFor(gateway, userKey(tenant, userId));
      return create(NavigateResponseSchema, { address, limits: clients, userId });
    },
    open: (request, stream, context) => {
      const principal = principalOf(context);
      requireDevice(principal, request.deviceId);
      requireBytes('device_name', request.deviceName, 0, DEVICE_NAME_BYTES_MAX);
      const key = connectionKey(principal.tenant, principal.userId, request.deviceId);
      const expireTimeMs = BigInt(principal.expiresAtMs);
      const asked = create(ConnectionOpenRequestSchema, { request, expireTimeMs });
      const rotation = new Rotation(gateway, userKey(principal.tenant, principal.userId), stream);
      runtime.open(ConnectionActor, key, 'open', asked, stream, { relayed: () => rotation.relayed() });
    },
    ack: async ({ deviceId, cursor }, context) => {
      const principal = principalOf(context);
      requireDevice(principal, deviceId);
      if (cursor === undefined) throw invalidRequest('cursor', 'required');
      const { tenant, userId } = principal;
      await Promise.all([
        runtime
          .client(ConnectionActor, connectionKey(tenant, userId, deviceId))
          .ack({ cursor }, within(context)),
        runtime.client(UserActor, userKey(tenant, userId)).acked({ deviceId, cursor }, within(context)),
      ]);
      return create(AckResponseSchema);
    },
    refresh: async ({ deviceId }, context) => {
      const principal = principalOf(context);
      requireDevice(principal, deviceId);
      const expireTimeMs = BigInt(principal.expiresAtMs);
      const key = connectionKey(principal.tenant, principal.userId, deviceId);
      await runtime.client(ConnectionActor, key).refresh({ expireTimeMs }, within(context));
      return create(RefreshResponseSchema, { expireTimeMs });
    },
    listDevices: async (_request, context) => {
      const { tenant, userId } = principalOf(context);
      const described = await runtime
        .client(UserActor, userKey(tenant, userId))
        .describe({ withDevices: true }, within(context));
      return create(ListDevicesResponseSchema, { devices: described.devices });
    },
    kickDevice: async ({ deviceId }, context) => {
      const { tenant, userId } = principalOf(context);
      await runtime.client(UserActor, userKey(tenant, userId)).kickDevice({ deviceId }, within(context));
      return create(KickDeviceResponseSchema);
    },
  });
}

export function syncService(gateway: Gateway): ServiceBinding {
  return bindService(SyncService, ['user'], { pull: (request, context) => pull(gateway, request, context) });
}

async function pull(gateway: Gateway, request: PullRequest, context: CallContext): Promise<EncodedMessage> {
  const { runtime, limits } = gateway;
  const principal = principalOf(context);
  const { tenant, userId } = principal;
  if (request.deviceId !== '') requireDevice(principal, request.deviceId);
  const user = runtime.client(UserActor, userKey(tenant, userId));
  const deliveriesMax = pageSize(request.pageSize, PULL_DEFAULT, limits.pullDeliveriesMax);
  const asked = { deliveriesMax, bytesMax: limits.pullBytesMax, ...cursorPart(request.cursor) };
  let answer = await user.pull(asked, within(context));
  const waitMs = Math.min(request.waitMs, limits.pullWaitMsMax);
  if (answer.deliveries.length === 0 && answer.fullSync === undefined && waitMs > 0) {
    const news = { userSeq: answer.headUserSeq, waitMs };
    const { timeoutMs = Number.POSITIVE_INFINITY, ...options } = within(context);
    const pollMs = Math.min(waitMs + POLL_SLACK_MS, timeoutMs);
    await user.awaitNews(news, { ...options, timeoutMs: pollMs, signal: context.signal });
    answer = await user.pull(asked, within(context));
  }
  const { nextCursor, headUserSeq, fullSync } = answer;
  if (request.deviceId !== '' && nextCursor !== undefined) {
    const connection = runtime.client(ConnectionActor, connectionKey(tenant, userId, request.deviceId));
    // Only tells the stream, if there is one, that pushing may go on; a heartbeat would tell it too.
    connection.pulled({ userSeq: nextCursor.userSeq }).catch(() => {});
  }
  const rest = create(PullResponseSchema, { headUserSeq });
  if (nextCursor !== undefined) rest.nextCursor = nextCursor;
  if (fullSync !== undefined) rest.fullSync = fullSync;
  return withEncodedItems(
    PullResponseSchema.field.deliveries.number,
    answer.deliveries,
    PullResponseSchema,
    rest,
  );
}

function cursorPart(cursor: Cursor | undefined): { cursor?: Cursor } {
  return cursor === undefined ? {} : { cursor };
}
