// The kinds that a node knows. Owns what is checked when a kind is registered, and what is looked up per kind.

import { create, type DescMethod, type Message } from '@bufbuild/protobuf';
import type { ActorDefinition, ActorType } from './definition.ts';
import { invariant, StarlingError } from './errors.ts';

const NO_SIDE_EFFECTS = 1;

interface Entry {
  readonly definition: ActorDefinition;
  readonly readOnly: ReadonlySet<string>;
}

export class Registry {
  readonly #entries = new Map<string, Entry>();

  /**
   * @throws StarlingError CALL_CYCLE if the kind awaits one that is not of a higher rank (rule 18)
   */
  add(definition: ActorDefinition): void {
    const { type, awaits } = definition;
    invariant(!this.#entries.has(type.kind), `kind ${type.kind} is registered once`);
    for (const target of awaits) {
      if (target.rank > type.rank) continue;
      const path = `${type.kind} (rank ${type.rank}) -> ${target.kind} (rank ${target.rank})`;
      throw new StarlingError('CALL_CYCLE', `${path}: a turn awaits higher ranks only.`);
    }
    const methods: readonly DescMethod[] = type.contract.methods;
    const readOnly = methods.filter((method) => method.idempotency === NO_SIDE_EFFECTS);
    this.#entries.set(type.kind, {
      definition,
      readOnly: new Set(readOnly.map((method) => method.localName)),
    });
  }

  get(kind: string): ActorDefinition | undefined {
    return this.#entries.get(kind)?.definition;
  }

  /** The definition of a kind that must be there. */
  require(kind: string): ActorDefinition {
    const definition = this.get(kind);
    invariant(definition !== undefined, `kind ${kind} is registered`);
    return definition;
  }

  isReadOnly(kind: string, method: string): boolean {
    return this.#entries.get(kind)?.readOnly.has(method) === true;
  }
}

/** The descriptor of a method of a contract. */
export function methodOf(type: ActorType, method: string): DescMethod {
  const descriptor = type.contract.method[method];
  invariant(descriptor !== undefined, `${type.kind} has a method ${method}`);
  return descriptor;
}

/** The reply of a method with nothing in it. */
export function emptyReply(type: ActorType, method: string): Message {
  return create(methodOf(type, method).output);
}
