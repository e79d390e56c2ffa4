// Starts and ends the edge: puts router, dispatcher, transports and ports together.

import type { StarlingError } from '../../runtime/errors.ts';
import { Cors } from './cors.ts';
import { Dispatcher } from './dispatcher.ts';
import { healthService } from './health.ts';
import { createHttp1 } from './http1.ts';
import { createHttp2 } from './http2.ts';
import { DEFAULT_EDGE_LIMITS } from './limits.ts';
import { type Listener, listenWeb } from './listener.ts';
import { type Native, startNative } from './native.ts';
import type { Edge, EdgeOptions } from './options.ts';
import { REFLECTION_SERVICES, ReflectionIndex, reflectionRoutes } from './reflection.ts';
import { Router } from './router.ts';
import { StaticFiles } from './static.ts';
import { statusOf, type WireStatus } from './status.ts';

/**
 * Opens both ports and serves.
 * @throws Error when a port is taken, the certificate can't be used or the static files can't be read
 */
export function startEdge(options: EdgeOptions): Promise<Edge> {
  return startEdgeWith(options, statusOf);
}

/** The same with another wire form of errors. */
export async function startEdgeWith(
  options: EdgeOptions,
  describe: (error: StarlingError) => WireStatus,
): Promise<Edge> {
  const limits = { ...DEFAULT_EDGE_LIMITS, ...options.limits };
  const log = options.log ?? (() => undefined);
  const { clock, health } = options;
  const state = { draining: false };
  const draining = () => state.draining;
  const healthBinding = healthService({
    services: options.services.map(({ service }) => service.typeName),
    health,
    draining,
    clock,
    stepMs: limits.healthStepMs,
  });
  const router = new Router([...options.services, healthBinding]);
  const dispatcher = new Dispatcher({
    router,
    authenticator: options.authenticator,
    clock,
    limits,
    log,
    describe,
    trace: options.trace,
  });
  const files =
    options.staticDir === undefined
      ? undefined
      : await StaticFiles.read(options.staticDir, limits.staticBytesMax);
  const plain = {
    cors: new Cors(options.allowedOrigins),
    health,
    files,
    extra: options.extraRoutes,
    draining,
  };
  const http1 = createHttp1(dispatcher, plain);
  const http2 = createHttp2(dispatcher, plain);
  const web = await listenWeb(options, dispatcher, { http1, http2 });
  const index = new ReflectionIndex([...router.services, ...REFLECTION_SERVICES]);
  const bidi = reflectionRoutes(index, dispatcher);
  let native: Native;
  try {
    native = await startNative(options, dispatcher, { routes: router.routes(), bidi });
  } catch (thrown) {
    await web.close();
    throw thrown;
  }
  const release = () => {
    native.shutdown();
    http1.close();
    http2.close();
  };
  return new RunningEdge({ dispatcher, web, native: native.listener, state, release });
}

interface Parts {
  readonly dispatcher: Dispatcher;
  readonly web: Listener;
  readonly native: Listener;
  readonly state: { draining: boolean };
  release(): void;
}

class RunningEdge implements Edge {
  readonly #parts: Parts;
  #ended: Promise<void> | undefined = undefined;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  get httpAddress(): string {
    return this.#parts.web.address;
  }

  get grpcAddress(): string {
    return this.#parts.native.address;
  }

  get streams(): number {
    return this.#parts.dispatcher.streams;
  }

  drain(graceMs: number): Promise<void> {
    this.#ended ??= this.#end(graceMs);
    return this.#ended;
  }

  close(): Promise<void> {
    return this.drain(0);
  }

  async #end(graceMs: number): Promise<void> {
    const { dispatcher, web, native, state, release } = this.#parts;
    state.draining = true;
    web.stop();
    native.stop();
    await dispatcher.drain(graceMs);
    // One turn of the loop, in which the last frames reach the sockets.
    await new Promise<void>((resolve) => setImmediate(resolve));
    release();
    await Promise.all([web.close(), native.close()]);
  }
}
