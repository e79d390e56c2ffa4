// The kinds that a node knows. Owns what is checked when a kind is registered.

import type { ActorDefinition } from './definition.ts';
import { invariant, StarlingError } from './errors.ts';

export class Registry {
  readonly #definitions = new Map<string, ActorDefinition>();

  /**
   * @throws StarlingError CALL_CYCLE if the kind awaits one that is not of a higher rank (rule 18)
   */
  add(definition: ActorDefinition): void {
    const { type, awaits } = definition;
    invariant(!this.#definitions.has(type.kind), `kind ${type.kind} is registered once`);
    for (const target of awaits) {
      if (target.rank > type.rank) continue;
      const path = `${type.kind} (rank ${type.rank}) -> ${target.kind} (rank ${target.rank})`;
      throw new StarlingError('CALL_CYCLE', `${path}: a turn awaits higher ranks only.`);
    }
    this.#definitions.set(type.kind, definition);
  }

  kinds(): string[] {
    return [...this.#definitions.keys()].sort();
  }

  get(kind: string): ActorDefinition | undefined {
    return this.#definitions.get(kind);
  }

  /** The definition of a kind that must be there. */
  require(kind: string): ActorDefinition {
    const definition = this.get(kind);
    invariant(definition !== undefined, `kind ${kind} is registered`);
    return definition;
  }
}
