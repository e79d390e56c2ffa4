// Which handler answers a path. Owns: the table of methods of one edge.

import type { DescMethod, DescService } from '@bufbuild/protobuf';
import { invariant } from '../../runtime/errors.ts';
import type { Scope, ServiceBinding } from '../../runtime/service.ts';

/** Who may call a method. */
export type Allow = readonly Scope[] | 'public';

/** A handler as the edge calls it: the types were checked when it was bound. */
export type AnyHandler = ServiceBinding['handlers'][string];

/** One method that is served. */
export interface Route {
  /** `/package.Service/Method`. */
  readonly path: string;
  readonly method: DescMethod;
  readonly kind: 'unary' | 'stream';
  readonly handler: AnyHandler;
  readonly allow: Allow;
}

export class Router {
  readonly #routes = new Map<string, Route>();
  /** Everything that is served, for health and reflection. */
  readonly services: readonly DescService[];

  constructor(bindings: readonly ServiceBinding[]) {
    this.services = bindings.map(({ service }) => service);
    for (const binding of bindings) this.#add(binding);
  }

  #add({ service, handlers, allow }: ServiceBinding): void {
    for (const method of service.methods) {
      const handler = handlers[method.localName];
      // Client streams have no handler type: they are answered like any method that is not there.
      const kind = kindOf(method);
      if (handler === undefined || kind === undefined) continue;
      const path = `/${service.typeName}/${method.name}`;
      invariant(!this.#routes.has(path), `The method ${path} is bound once.`);
      this.#routes.set(path, { path, method, kind, handler, allow });
    }
  }

  find(path: string): Route | undefined {
    return this.#routes.get(path);
  }

  routes(): Iterable<Route> {
    return this.#routes.values();
  }
}

function kindOf(method: DescMethod): Route['kind'] | undefined {
  if (method.methodKind === 'unary') return 'unary';
  return method.methodKind === 'server_streaming' ? 'stream' : undefined;
}
