// How links and direct questions are written (proto starling/actor/v1/link.proto).

import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import {
  LinkHelloSchema,
  LinkWelcomeSchema,
  ProbeNudgeSchema,
  ProbeReplySchema,
  ProbeRequestSchema,
  ProbeState,
} from '../../proto/gen/starling/actor/v1/link_pb.ts';
import type { ProbeAnswer } from '../membership/index.ts';

export interface Hello {
  readonly process: string;
  readonly link: number;
  readonly windowBytes: number;
  readonly version: number;
}

export interface Welcome {
  readonly process: string;
  readonly windowBytes: number;
  /** Empty = the link is open. */
  readonly refusal: string;
}

export function encodeHello(hello: Hello): Uint8Array {
  return toBinary(LinkHelloSchema, create(LinkHelloSchema, { ...hello }));
}

/** Undefined for what no node has sent. */
export function decodeHello(bytes: Uint8Array): Hello | undefined {
  const hello = parsed(() => fromBinary(LinkHelloSchema, bytes));
  return hello === undefined || hello.process === '' ? undefined : hello;
}

export function encodeWelcome(welcome: Welcome): Uint8Array {
  return toBinary(LinkWelcomeSchema, create(LinkWelcomeSchema, { ...welcome }));
}

export function decodeWelcome(bytes: Uint8Array): Welcome {
  const welcome = parsed(() => fromBinary(LinkWelcomeSchema, bytes));
  if (welcome === undefined || (welcome.process === '' && welcome.refusal === ''))
    return { process: '', windowBytes: 0, refusal: 'Its answer can not be read.' };
  return welcome;
}

const STATES: Readonly<Record<ProbeAnswer, ProbeState>> = {
  well: ProbeState.WELL,
  unwell: ProbeState.UNWELL,
  replaced: ProbeState.REPLACED,
};

export function encodeAsk(incarnation: string): Uint8Array {
  return toBinary(ProbeRequestSchema, create(ProbeRequestSchema, { incarnation }));
}

/** The incarnation asked for; undefined for what no node has sent. */
export function decodeAsk(bytes: Uint8Array): string | undefined {
  return parsed(() => fromBinary(ProbeRequestSchema, bytes))?.incarnation;
}

export function encodeAnswer(answer: ProbeAnswer): Uint8Array {
  return toBinary(ProbeReplySchema, create(ProbeReplySchema, { state: STATES[answer] }));
}

export function decodeAnswer(bytes: Uint8Array): ProbeAnswer | undefined {
  const state = parsed(() => fromBinary(ProbeReplySchema, bytes))?.state;
  return (['well', 'unwell', 'replaced'] as const).find((answer) => STATES[answer] === state);
}

export function encodeNudge(shards: readonly number[]): Uint8Array {
  return toBinary(ProbeNudgeSchema, create(ProbeNudgeSchema, { shards: [...shards] }));
}

export function decodeNudge(bytes: Uint8Array): readonly number[] {
  return parsed(() => fromBinary(ProbeNudgeSchema, bytes))?.shards ?? [];
}

function parsed<T>(parse: () => T): T | undefined {
  try {
    return parse();
  } catch {
    return undefined;
  }
}
