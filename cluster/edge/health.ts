// grpc.health.v1. Owns: who watches, and when they are told. Does not own: what healthy means (`EdgeOptions.health`).

import { create, toBinary } from '@bufbuild/protobuf';
import {
  Health,
  HealthCheckResponseSchema,
  HealthListResponseSchema,
  HealthCheckResponse_ServingStatus as Status,
} from '../../proto/gen/grpc/health/v1/health_pb.ts';
import type { Clock } from '../../runtime/ports/clock.ts';
import { bindService, type ServerStream, type ServiceBinding } from '../../runtime/service.ts';
import type { EdgeHealth } from './options.ts';
import { WireError } from './status.ts';

export interface HealthOptions {
  /** Full names of the services served; each is as healthy as the process. */
  readonly services: readonly string[];
  readonly health: () => EdgeHealth;
  readonly draining: () => boolean;
  readonly clock: Clock;
  readonly stepMs: number;
}

interface Watcher {
  readonly stream: ServerStream;
  readonly service: string;
  told: Status;
}

/** The health service, open to everybody. */
export function healthService(options: HealthOptions): ServiceBinding {
  const names = new Set(['', ...options.services]);
  const watchers = new Set<Watcher>();
  let ticking = false;
  const statusOf = (service: string): Status => {
    if (!names.has(service)) return Status.SERVICE_UNKNOWN;
    return !options.draining() && options.health().ok ? Status.SERVING : Status.NOT_SERVING;
  };
  const tell = (watcher: Watcher, status: Status) => {
    watcher.told = status;
    watcher.stream.send(toBinary(HealthCheckResponseSchema, create(HealthCheckResponseSchema, { status })));
  };
  const step = () => {
    for (const watcher of watchers) {
      const status = statusOf(watcher.service);
      if (status !== watcher.told) tell(watcher, status);
    }
    ticking = watchers.size > 0;
    if (ticking) options.clock.after(options.stepMs, step);
  };
  return bindService(Health, 'public', {
    check: ({ service }) => {
      const status = statusOf(service);
      // The protocol prescribes NOT_FOUND here; no code of the product's table means "no such service".
      if (status === Status.SERVICE_UNKNOWN) throw new WireError(5, 'There is no such service.', []);
      return create(HealthCheckResponseSchema, { status });
    },
    list: () => {
      const entries = [...names].slice(0, 100).map((name) => {
        return [name, create(HealthCheckResponseSchema, { status: statusOf(name) })] as const;
      });
      return create(HealthListResponseSchema, { statuses: Object.fromEntries(entries) });
    },
    watch: ({ service }, stream) => {
      const watcher = { stream, service, told: Status.UNKNOWN };
      tell(watcher, statusOf(service));
      watchers.add(watcher);
      stream.onClose(() => watchers.delete(watcher));
      if (ticking) return;
      ticking = true;
      options.clock.after(options.stepMs, step);
    },
  });
}
