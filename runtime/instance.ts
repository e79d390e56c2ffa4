// An activation's object, as the runtime sees it, and its methods in one table.

import type { ActorType } from './actor-type.ts';
import type { Durable, Lifecycle } from './definition.ts';
import { invariant } from './errors.ts';

/** A handler as the runtime calls it. */
export type AnyHandler = (request: unknown, ...rest: unknown[]) => unknown;

/** An activation's object, as the runtime sees it. */
export interface Instance {
  /** By `localName`. Called with `owner` as `this`. */
  readonly handlers: Readonly<Record<string, AnyHandler>>;
  readonly owner: unknown;
  readonly durable: Durable<unknown> | undefined;
  readonly lifecycle: Lifecycle;
  /** What `turn.state` shows. */
  readonly state: unknown;
}

/** All methods in one table. Checks what the compiler can't: which ones the contract marks NO_SIDE_EFFECTS. */
export function methodsOf(
  type: ActorType,
  handlers: object,
  reads: object | undefined,
): Readonly<Record<string, AnyHandler>> {
  const all: Record<string, AnyHandler> = Object.create(null);
  const add = (from: object, readOnly: boolean): void => {
    for (const [name, handler] of Object.entries(from)) {
      const method = type.methods[name];
      invariant(method !== undefined, `${type.kind}: the contract has a method ${name}`);
      invariant(
        method.readOnly === readOnly,
        `${type.kind}.${name} is among ${method.readOnly ? 'reads' : 'handlers'}: that is how the contract marks it`,
      );
      all[name] = handler as AnyHandler;
    }
  };
  add(handlers, false);
  add(reads ?? {}, true);
  for (const name of Object.keys(type.methods))
    invariant(all[name] !== undefined, `${type.kind}.${name} has a handler`);
  return all;
}
