// What a supervisor and its workers say to each other. Owns: the words, and that what comes in has their shape. Does not own:
// what follows from them.

import type { NodeConfig } from '../settings.ts';

/** From a worker. */
export type FromWorker =
  /** Which process it is; nothing is claimed before this was noted. */
  | { readonly kind: 'begun'; readonly incarnation: string }
  /** Asks for a fence read. */
  | { readonly kind: 'life'; readonly id: number; readonly incarnation: string }
  /** It is a member of the cluster. */
  | { readonly kind: 'ready'; readonly http: string; readonly grpc: string; readonly hasPage: boolean }
  /** The others know that this process has ended. */
  | { readonly kind: 'told'; readonly incarnation: string }
  /** It can't start, for this reason. */
  | { readonly kind: 'failed'; readonly message: string; readonly hint: string };

/** To a worker. */
export type ToWorker =
  | {
      readonly kind: 'start';
      readonly config: NodeConfig;
      readonly host: string;
      /** Where the workers of the host listen for each other, by node. */
      readonly sockets: Readonly<Record<string, string>>;
    }
  | { readonly kind: 'noted' }
  /** Answers `life`; `unknown`: it could not be read. */
  | { readonly kind: 'life'; readonly id: number; readonly life: Life }
  /** Another worker has ended, and its fence is at a quorum. `tell`: the rest of the cluster does not know. */
  | { readonly kind: 'ended'; readonly incarnation: string; readonly tell: boolean }
  | { readonly kind: 'stop' };

export type Life = 'live' | 'fenced' | 'unknown';

type Fields = Readonly<Record<string, unknown>>;

/** Undefined for what is none of these. */
export function fromWorker(value: unknown): FromWorker | undefined {
  const { kind, incarnation, id, http, grpc, hasPage, message, hint } = fieldsOf(value);
  switch (kind) {
    case 'begun':
    case 'told':
      return typeof incarnation === 'string' ? { kind, incarnation } : undefined;
    case 'life':
      return typeof incarnation === 'string' && isId(id) ? { kind, id, incarnation } : undefined;
    case 'ready':
      if (typeof http !== 'string' || typeof grpc !== 'string') return undefined;
      return { kind, http, grpc, hasPage: hasPage === true };
    case 'failed':
      return typeof message === 'string' && typeof hint === 'string' ? { kind, message, hint } : undefined;
    default:
      return undefined;
  }
}

/** Undefined for what is none of these. */
export function toWorker(value: unknown): ToWorker | undefined {
  const { kind, config, host, sockets, id, life, incarnation, tell } = fieldsOf(value);
  switch (kind) {
    case 'start':
      if (typeof host !== 'string' || !isRecord(config) || !isTexts(sockets)) return undefined;
      // Made by the process that forked this one, of the same program.
      return { kind, host, config: config as NodeConfig, sockets };
    case 'noted':
    case 'stop':
      return { kind };
    case 'life':
      return isId(id) && isLife(life) ? { kind, id, life } : undefined;
    case 'ended':
      return typeof incarnation === 'string' ? { kind, incarnation, tell: tell === true } : undefined;
    default:
      return undefined;
  }
}

function fieldsOf(value: unknown): Fields {
  return isRecord(value) ? value : {};
}

function isRecord(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null;
}

function isTexts(value: unknown): value is Readonly<Record<string, string>> {
  return isRecord(value) && Object.values(value).every((each) => typeof each === 'string');
}

function isId(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value);
}

function isLife(value: unknown): value is Life {
  return value === 'live' || value === 'fenced' || value === 'unknown';
}
