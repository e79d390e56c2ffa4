// Where a page's operations go: to an engine of its own, or to that of the page that leads.

import type { StarlingOptions } from './api.ts';
import type { Backend, BackendEvent } from './backend.ts';
import type { Calls } from './calls.ts';
import { Engine } from './engine.ts';
import type { IdMaker } from './ids.ts';
import { invoke, operationsOf } from './local-backend.ts';
import { memoryStore } from './memory.ts';
import type { Environment } from './ports.ts';
import { type Leading, sharedBackend } from './sharing.ts';

export interface OpenBackendOptions {
  readonly env: Environment;
  readonly client: StarlingOptions;
  readonly calls: Calls;
  readonly ids: IdMaker;
  /** The user the token seems to name. */
  readonly userHint: string;
  readonly tell: (event: BackendEvent) => void;
}

/** The backend of a page; shared where the environment can and the application does not refuse. */
export async function openBackend(options: OpenBackendOptions): Promise<Backend> {
  const { env, client, calls, ids, userHint, tell } = options;
  // Two pages that name different devices are different clients, also in one browser.
  const device = client.deviceId === undefined ? '' : `|${client.deviceId}`;
  const name = `starling|${calls.baseAddress}|${userHint}${device}`;
  const lead = (toAll: (event: BackendEvent) => void): Promise<Leading> => startEngine(options, name, toAll);
  if (env.sharing !== undefined && client.shareConnection !== false) {
    return sharedBackend({ sharing: env.sharing, name, page: ids.next(), lead, tell });
  }
  const own = await lead(tell);
  return { call: (called, ...args) => invoke(own.operations, called, args), close: () => own.close() };
}

async function startEngine(
  options: OpenBackendOptions,
  storeName: string,
  tell: (event: BackendEvent) => void,
): Promise<Leading> {
  const { env, client, calls, ids, userHint } = options;
  const engine = await Engine.start({
    env,
    calls,
    store: client.store ?? memoryStore(),
    storeName,
    userHint,
    deviceId: client.deviceId,
    deviceName: client.deviceName ?? '',
    newDeviceId: () => ids.next(),
    emit: (event, value) => tell({ kind: 'event', event, value }),
    onIdentity: (userId, deviceId) => tell({ kind: 'identity', userId, deviceId }),
  });
  for (const message of engine.writer.outbox.all()) ids.above(message.clientMessageId);
  return {
    operations: operationsOf(engine, calls),
    snapshot: () => engine.snapshot,
    close: () => engine.close(),
  };
}
