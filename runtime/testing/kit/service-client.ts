// Calls a bound service as the edge does, without a wire: for tests of what lies between clients and actors.

import { type DescService, fromBinary, type Message, toBinary } from '@bufbuild/protobuf';
import { toMessage } from '../../actor-type.ts';
import {
  type ActorClient,
  actorType,
  type CallContext,
  type EncodedMessage,
  type Principal,
  type ServiceBinding,
  StarlingError,
} from '../../index.ts';

/** Who calls. */
export interface ServiceCaller {
  readonly userId: string;
  /** Default `main`. */
  readonly tenant?: string;
  /** Default `user`. */
  readonly scope?: Principal['scope'];
  readonly deviceId?: string;
}

type UnaryCall = (request: Message, context: CallContext) => Promise<Message | EncodedMessage>;

/**
 * A typed client of the unary methods of a service; requests and replies are encoded and decoded as on a wire.
 * @example await serviceClient(services, RedPacketService, { userId: 'alice' }).grab({ packetId })
 * @throws StarlingError METHOD_NOT_FOUND where it is not bound, PERMISSION_DENIED where the scope is not let in
 */
export function serviceClient<C extends DescService>(
  bindings: readonly ServiceBinding[],
  service: C,
  caller: ServiceCaller,
): ActorClient<C> {
  const { userId, tenant = 'main', scope = 'user', deviceId } = caller;
  const principal: Principal = { tenant, userId, deviceId, scope, expiresAtMs: Number.MAX_SAFE_INTEGER };
  const context: CallContext = {
    principal,
    signal: new AbortController().signal,
    timeoutMs: undefined,
    header: () => undefined,
  };
  // Only for its maker of clients: nothing is registered under this name.
  const { bind } = actorType({ kind: 'service', contract: service, rank: 0 });
  return bind(async (method, request) => {
    const binding = bindings.find((one) => one.service.typeName === service.typeName);
    const handler = binding?.handlers[method.localName] as UnaryCall | undefined;
    if (binding === undefined || handler === undefined)
      throw new StarlingError('METHOD_NOT_FOUND', `${service.typeName}/${method.localName}`);
    if (binding.allow !== 'public' && !binding.allow.includes(scope))
      throw new StarlingError('PERMISSION_DENIED', `scope ${scope}`);
    const sent = fromBinary(method.input, toBinary(method.input, toMessage(method.input, request)));
    const answer = await handler(sent, context);
    const bytes = 'encoded' in answer ? Buffer.concat(answer.encoded) : toBinary(method.output, answer);
    return fromBinary(method.output, bytes);
  }) as ActorClient<C>;
}
