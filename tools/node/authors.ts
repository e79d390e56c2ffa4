// Actors and services that a node runs beside the product's: of a program that starts the node, or of a module that a
// setting names. Owns: loading the module, and what is checked before anything of it runs. Does not own: what they do.

import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { ActorDefinition, Runtime, ServiceBinding } from '../../runtime/index.ts';
import { StartError } from './errors.ts';

/** What an author adds to a node. */
export interface Authored {
  /** Kinds beside the product's. Default none. */
  readonly actors?: readonly ActorDefinition[];
  /** Makes services that are served on the same ports, with the same authentication. Default none. */
  readonly services?: (runtime: Runtime) => readonly ServiceBinding[];
}

const EXPORTS_HINT =
  'It exports `actors`, an array of what defineActor and its like return, and may export `services`, a function of ' +
  'the runtime that returns an array of bindService.';

/**
 * Loads the module at a path, relative to the working directory.
 * @throws StartError
 */
export async function loadAuthored(path: string): Promise<Authored> {
  const url = pathToFileURL(resolve(path)).href;
  let loaded: Readonly<Record<string, unknown>>;
  try {
    loaded = await import(url);
  } catch (error) {
    throw notLoaded(path, url, error);
  }
  const { actors, services } = loaded;
  if (actors === undefined && services === undefined)
    throw new StartError(`${path} exports neither actors nor services.`, EXPORTS_HINT, undefined);
  if (actors !== undefined && !(Array.isArray(actors) && actors.every(isDefinition)))
    throw new StartError(`The export actors of ${path} is no array of actors.`, EXPORTS_HINT, undefined);
  if (services !== undefined && typeof services !== 'function')
    throw new StartError(`The export services of ${path} is no function.`, EXPORTS_HINT, undefined);
  return loaded as Authored;
}

function notLoaded(path: string, url: string, error: unknown): StartError {
  const { code, message, url: missing } = error as { code?: string; message?: string; url?: string };
  if (code === 'ERR_MODULE_NOT_FOUND' && missing === url)
    return new StartError(`There is no module ${path}.`, 'Give a path from the working directory.', error);
  const hint = 'Run it alone to see where: node PATH.';
  return new StartError(`${path} can not be loaded: ${message ?? String(error)}`, hint, error);
}

function isDefinition(value: unknown): value is ActorDefinition {
  if (typeof value !== 'object' || value === null) return false;
  const { type, create, awaits } = value as Partial<ActorDefinition>;
  return typeof type?.kind === 'string' && typeof create === 'function' && Array.isArray(awaits);
}

/**
 * All kinds of a node.
 * @throws StartError where a kind is there twice or awaits one of a rank that is not higher
 */
export function allActors(
  own: readonly ActorDefinition[],
  added: readonly ActorDefinition[],
): ActorDefinition[] {
  const product = new Set(own.map(({ type }) => type.kind));
  const seen = new Set(product);
  for (const { type, awaits } of added) {
    const { kind, rank } = type;
    if (seen.has(kind)) {
      const who = product.has(kind) ? 'of the product' : 'that is there already';
      throw new StartError(`The kind ${kind} is one ${who}.`, 'Kinds are named once: rename it.', undefined);
    }
    seen.add(kind);
    const low = awaits.find((target) => target.rank <= rank);
    if (low === undefined) continue;
    throw new StartError(
      `The kind ${kind} (rank ${rank}) awaits ${low.kind} (rank ${low.rank}): a turn awaits higher ranks only.`,
      `Give ${low.kind} a higher rank, or ask it without waiting (turn.ask, tell).`,
      undefined,
    );
  }
  return [...own, ...added];
}

/**
 * All services of a node.
 * @throws StartError where one is there twice, or `make` returns something else
 */
export function allServices(
  own: readonly ServiceBinding[],
  added: readonly ServiceBinding[],
): ServiceBinding[] {
  const seen = new Set(own.map(({ service }) => service.typeName));
  for (const binding of Array.isArray(added) ? added : [undefined]) {
    const name = binding?.service?.typeName;
    if (name === undefined || binding?.handlers === undefined)
      throw new StartError('services returns something that is no bound service.', EXPORTS_HINT, undefined);
    if (seen.has(name))
      throw new StartError(`The service ${name} is there already.`, 'Bind each service once.', undefined);
    seen.add(name);
  }
  return [...own, ...added];
}
