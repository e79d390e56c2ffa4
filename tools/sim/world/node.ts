// One run of one node: the real runtime and actors in a simulated process. A restart is another one, with another
// incarnation.

import { type DescMessage, type Message, toBinary } from '@bufbuild/protobuf';
import { imActors, imServices } from '../../../actors/index.ts';
import type { ImLimits } from '../../../actors/limits.ts';
import type { ClusterMember } from '../../../cluster/membership/index.ts';
import type { ShardOwnership } from '../../../cluster/ownership/index.ts';
import {
  type ActorDefinition,
  type CallContext,
  createRuntime,
  type Directory,
  type EncodedMessage,
  type Principal,
  type Runtime,
  type RuntimeLimits,
  type ServerStream,
  type ServiceBinding,
  StarlingError,
  type Store,
  type Transport,
} from '../../../runtime/index.ts';
import type { Recorder } from '../check/recorder.ts';
import type { ReminderWatch } from '../check/reminders.ts';
import { type Ledger, makeLedger } from './ledger.ts';
import { observedOwnership, observedStore } from './observed-store.ts';
import type { SimProcess } from './process.ts';
import type { SiteRun } from './site.ts';
import type { Trace } from './trace.ts';

export interface NodeParts {
  readonly process: SimProcess;
  readonly address: string;
  readonly shards: number;
  readonly store: Store;
  readonly ownership: ShardOwnership;
  /** Where membership steers. */
  readonly member: ClusterMember | undefined;
  readonly transport: Transport;
  readonly directory: Directory;
  readonly recorder: Recorder;
  readonly reminders: ReminderWatch;
  readonly trace: Trace;
  readonly limits: Partial<RuntimeLimits>;
  readonly imLimits: Partial<ImLimits>;
  /** The runtime has stopped because of its fence: the process ends. */
  readonly onStopped: () => void;
  /** Called with the runtime once it runs. */
  readonly onBegun: (runtime: Runtime) => void;
}

/** So that some relayed streams move within a run. */
const RELAYED_MS = 3_000;

type AnyHandler = (request: Message, ...rest: unknown[]) => unknown;

export class NodeRun implements SiteRun {
  readonly process: SimProcess;
  readonly ownership: ShardOwnership;
  readonly member: ClusterMember | undefined;
  readonly runtime: Runtime;
  readonly ledger: Ledger;
  readonly #services: ServiceBinding[];
  readonly #parts: NodeParts;

  constructor(parts: NodeParts) {
    const { process, recorder, trace } = parts;
    const watching = { process, recorder, trace };
    this.#parts = parts;
    this.process = process;
    this.ownership = parts.ownership;
    this.member = parts.member;
    this.ledger = makeLedger({
      set: (id) => parts.reminders.set(process.name, id),
      runs: (id, dueMs) => parts.reminders.runs(process.name, id, dueMs),
    });
    this.runtime = createRuntime({
      node: parts.address,
      store: observedStore(parts.store, watching),
      ownership: observedOwnership(parts.ownership, watching),
      clock: process.clock,
      random: process.random,
      shards: parts.shards,
      peers: { transport: parts.transport, directory: parts.directory },
      limits: parts.limits,
      onLog: ({ level, message, fields }) => {
        trace.note(process.name, `${level}: ${message} ${JSON.stringify(fields)}`);
        if (message.startsWith('this node was fenced')) parts.onStopped();
      },
    });
    const kinds = [...imActors(parts.imLimits), this.ledger.definition];
    this.runtime.register(...kinds.map((kind) => this.#counted(kind)));
    const tokens = { issue: async () => ({ token: 'sim', expiresAtMs: 0 }) };
    const nodeInfo = () => ({ node: parts.address, version: '0', uptimeMs: 0, streams: 0, store: 'ok' });
    const addresses = { address: parts.address, addressOf: (node: string) => node };
    const limits = { relayedMsMax: RELAYED_MS, ...parts.imLimits };
    this.#services = imServices(this.runtime, { tokens, nodeInfo, ...addresses }, limits);
  }

  begin(): void {
    void this.runtime.start();
    this.#parts.onBegun(this.runtime);
  }

  #counted(definition: ActorDefinition): ActorDefinition {
    const { recorder, process } = this.#parts;
    const make: ActorDefinition['create'] = (self) => {
      if (definition.codec !== undefined) recorder.activated(process, `${self.kind}/${self.key}`);
      return definition.create(self);
    };
    return { ...definition, create: make };
  }

  /** Calls a unary method as the edge does. @throws StarlingError */
  async call(
    who: string,
    service: string,
    method: string,
    request: Message,
    output: DescMessage,
    timeoutMs: number | undefined,
    signal: AbortSignal,
  ): Promise<Uint8Array> {
    const handler = this.#handler(service, method);
    const answer = (await handler(request, contextOf(who, signal, timeoutMs))) as Message | EncodedMessage;
    return 'encoded' in answer ? Buffer.concat(answer.encoded) : toBinary(output, answer);
  }

  /** Opens a stream as the edge does. */
  open(who: string, request: Message, stream: ServerStream, signal: AbortSignal): void {
    try {
      this.#handler('starling.im.v1.SessionService', 'open')(
        request,
        stream,
        contextOf(who, signal, undefined),
      );
    } catch (error) {
      stream.end(
        error instanceof StarlingError ? error : new StarlingError('INTERNAL', undefined, { cause: error }),
      );
    }
  }

  #handler(service: string, method: string): AnyHandler {
    const binding = this.#services.find((one) => one.service.typeName === service);
    const handler = binding?.handlers[method];
    if (handler === undefined) throw new StarlingError('METHOD_NOT_FOUND', `${service}/${method}`);
    return handler as unknown as AnyHandler;
  }
}

/** `backend` and `admin` are callers of those scopes; everybody else is a user. */
function contextOf(who: string, signal: AbortSignal, timeoutMs: number | undefined): CallContext {
  const scope = who === 'backend' || who === 'admin' ? who : 'user';
  const principal: Principal = { tenant: 'main', userId: who, deviceId: undefined, scope, expiresAtMs: 4e12 };
  return { principal, signal, timeoutMs, header: () => undefined };
}
