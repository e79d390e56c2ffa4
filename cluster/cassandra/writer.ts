// Group commit of many actors. Owns: which writes share a request, its size, splitting what the server refuses. Does not
// own: what is written (layout.ts), attempts of one request (session.ts).
//
// Invariants:
// G1  A request writes one partition: it is one mutation at the server, lands as a whole or not at all on each replica, and a
//     refusal for lack of replicas means that nothing of it was written.
// G2  One request of a partition is under way at a time, and few in all unless they are full; what arrives meanwhile goes with
//     the next. So a lone write waits for nothing, and under load requests grow by themselves.
// G3  A refused request is halved until the one write that is refused stands alone: it fails, the others do not.
// G4  The size of requests stays below the smallest one that was refused for its size.
// G5  A unit that spans partitions is known as done when all its parts are, as not done only when all were refused.

import { StarlingError } from '../../runtime/errors.ts';
import type { Failure } from './failures.ts';
import {
  batchBytesMin,
  batchBytesStart,
  batchOpsMax,
  eagerRequestsEach,
  partitionRequestsMax,
  queueBytesMax,
  queueWritesMax,
  writeRequestsMax,
} from './limits.ts';
import type { Partition } from './partition.ts';
import type { Bound } from './session.ts';

/** One statement of a unit. The database library takes it as it is: nothing is copied once more on the way. */
export interface Op extends Bound {
  readonly params: unknown[];
  readonly partition: Partition;
  /** About what the server counts for it. */
  readonly bytes: number;
}

/** Sends writes of one partition; answers what is wrong, or undefined. */
export type Send = (ops: Op[], partition: Partition) => Promise<Failure | undefined>;

/** What a unit writes in one partition, or a share of it. */
interface Part {
  readonly unit: Unit;
  readonly ops: readonly Op[];
  readonly bytes: number;
}

/** Writes that are answered together. Mostly there is one part: then the unit is it. */
class Unit implements Part {
  readonly unit = this;
  readonly ops: readonly Op[];
  readonly bytes: number;
  readonly settle: (failure: Failure | undefined) => void;
  left = 0;
  done = false;
  refusal: Failure | undefined;
  unknown: Failure | undefined;

  constructor(ops: readonly Op[], bytes: number, settle: (failure: Failure | undefined) => void) {
    this.ops = ops;
    this.bytes = bytes;
    this.settle = settle;
  }
}

interface Lane {
  readonly partition: Partition;
  readonly parts: Part[];
  /** Of all parts that wait. */
  bytes: number;
  underWay: number;
  /** Which list it waits in. */
  state: 'idle' | 'ready' | 'full';
}

export class Writer {
  readonly #send: Send;
  readonly #nodes: () => number;
  readonly #lanes = new Map<string, Lane>();
  readonly #ready: Lane[] = [];
  readonly #full: Lane[] = [];
  #batchBytes = batchBytesStart;
  #requests = 0;
  #writes = 0;
  #bytes = 0;
  #planned = false;

  /** `nodes`: how many share the requests now. */
  constructor(send: Send, nodes: () => number = () => 1) {
    this.#send = send;
    this.#nodes = nodes;
  }

  /** Bytes up to which writes share a request now (G4). */
  get batchBytes(): number {
    return this.#batchBytes;
  }

  /**
   * Writes all of it; `settle` hears what is wrong, or undefined. A callback: this runs for every commit.
   * @throws StarlingError OVERLOADED if too much waits already; `settle` is not called then
   */
  write(ops: readonly Op[], settle: (failure: Failure | undefined) => void): void {
    let bytes = 0;
    for (const op of ops) bytes += op.bytes;
    if (this.#writes + ops.length > queueWritesMax || this.#bytes + bytes > queueBytesMax) {
      throw new StarlingError('OVERLOADED', 'Too many writes wait for the store.');
    }
    this.#writes += ops.length;
    this.#bytes += bytes;
    const unit = new Unit(ops, bytes, settle);
    const [first] = ops;
    if (first !== undefined && bytes <= this.#batchBytes && isOnePart(ops)) {
      this.#enqueue(first.partition, unit);
    } else {
      for (const [partition, own] of byPartition(ops)) {
        for (const part of partsOf(unit, own, this.#batchBytes)) this.#enqueue(partition, part);
      }
    }
    this.#plan();
  }

  #enqueue(partition: Partition, part: Part): void {
    let lane = this.#lanes.get(partition.id);
    if (lane === undefined) {
      lane = { partition, parts: [], bytes: 0, underWay: 0, state: 'idle' };
      this.#lanes.set(partition.id, lane);
    }
    part.unit.left += 1;
    lane.parts.push(part);
    lane.bytes += part.bytes;
    this.#offer(lane);
  }

  #offer(lane: Lane): void {
    if (lane.parts.length === 0 || lane.underWay >= partitionRequestsMax) return;
    if (lane.state !== 'full' && lane.bytes >= this.#batchBytes) {
      lane.state = 'full';
      this.#full.push(lane);
    } else if (lane.state === 'idle') {
      lane.state = 'ready';
      this.#ready.push(lane);
    }
  }

  /** After what else this turn of the event loop hands over. */
  #plan(): void {
    if (this.#planned) return;
    this.#planned = true;
    setImmediate(() => {
      this.#planned = false;
      this.#dispatch();
    });
  }

  #dispatch(): void {
    for (let lane = this.#next(); lane !== undefined; lane = this.#next()) {
      const parts = takeParts(lane, this.#batchBytes);
      this.#requests += 1;
      lane.underWay += 1;
      this.#deliver(lane, parts)
        .catch((error: unknown) => this.#settleAll(parts, brokenBy(error)))
        .finally(() => {
          this.#requests -= 1;
          lane.underWay -= 1;
          if (lane.parts.length > 0) this.#offer(lane);
          else if (lane.underWay === 0 && lane.state === 'idle') this.#lanes.delete(lane.partition.id);
          this.#plan();
        });
    }
  }

  /** G2: what would not fill its request waits for more while enough are under way. */
  #next(): Lane | undefined {
    if (this.#requests >= writeRequestsMax) return undefined;
    const eager = this.#requests < this.#nodes() * eagerRequestsEach;
    const lane = taken(this.#full, 'full') ?? (eager ? taken(this.#ready, 'ready') : undefined);
    if (lane !== undefined) lane.state = 'idle';
    return lane;
  }

  async #deliver(lane: Lane, parts: readonly Part[]): Promise<void> {
    const ops: Op[] = [];
    for (const part of parts) for (const op of part.ops) ops.push(op);
    const failure = await this.#send(ops, lane.partition);
    if (failure?.fate !== 'refused') return this.#settleAll(parts, failure);
    if (ops.length === 1) return this.#settleAll(parts, failure);
    if (failure.code === 'PAYLOAD_TOO_LARGE') this.#shrink(parts);
    // G3.
    const [first, second] = halves(parts);
    await this.#deliver(lane, first);
    await this.#deliver(lane, second);
  }

  #shrink(parts: readonly Part[]): void {
    const refused = parts.reduce((sum, { bytes }) => sum + bytes, 0);
    this.#batchBytes = Math.max(batchBytesMin, Math.min(this.#batchBytes, Math.floor(refused * 0.75)));
  }

  #settleAll(parts: readonly Part[], failure: Failure | undefined): void {
    for (const { unit } of parts) this.#settle(unit, failure);
  }

  #settle(unit: Unit, failure: Failure | undefined): void {
    unit.left -= 1;
    if (failure === undefined) unit.done = true;
    else if (failure.fate === 'unknown') unit.unknown ??= failure;
    else unit.refusal ??= failure;
    if (unit.left > 0) return;
    this.#writes -= unit.ops.length;
    this.#bytes -= unit.bytes;
    unit.settle(verdict(unit));
  }
}

/** The first that still waits there: one that grew full has moved on. */
function taken(lanes: Lane[], state: Lane['state']): Lane | undefined {
  for (let lane = lanes.shift(); lane !== undefined; lane = lanes.shift())
    if (lane.state === state) return lane;
  return undefined;
}

/** G5. */
function verdict({ done, refusal, unknown }: Unit): Failure | undefined {
  if (unknown !== undefined || refusal === undefined || !done) return unknown ?? refusal;
  const detail = `A part is written, another is not: ${refusal.detail}`;
  return { fate: 'unknown', repeat: false, code: 'OUTCOME_UNKNOWN', detail };
}

/** A defect of ours: nothing is known of the request. */
function brokenBy(error: unknown): Failure {
  return { fate: 'unknown', repeat: false, code: 'OUTCOME_UNKNOWN', detail: String(error) };
}

function isOnePart(ops: readonly Op[]): boolean {
  if (ops.length > batchOpsMax) return false;
  const id = ops[0]?.partition.id;
  for (const op of ops) if (op.partition.id !== id) return false;
  return true;
}

function byPartition(ops: readonly Op[]): Iterable<readonly [Partition, readonly Op[]]> {
  const found = new Map<string, [Partition, Op[]]>();
  for (const op of ops) {
    const known = found.get(op.partition.id);
    if (known === undefined) found.set(op.partition.id, [op.partition, [op]]);
    else known[1].push(op);
  }
  return found.values();
}

/** One part where it fits, so that it lands as a whole. */
function partsOf(unit: Unit, ops: readonly Op[], bytesMax: number): Part[] {
  const parts: Part[] = [];
  let own: Op[] = [];
  let bytes = 0;
  for (const op of ops) {
    if (own.length > 0 && (bytes + op.bytes > bytesMax || own.length >= batchOpsMax)) {
      parts.push({ unit, ops: own, bytes });
      own = [];
      bytes = 0;
    }
    own.push(op);
    bytes += op.bytes;
  }
  parts.push({ unit, ops: own, bytes });
  return parts;
}

/** Takes from the front what one request may hold; at least one part. */
function takeParts(lane: Lane, bytesMax: number): readonly Part[] {
  let count = 0;
  let bytes = 0;
  let ops = 0;
  for (const part of lane.parts) {
    if (count > 0 && (bytes + part.bytes > bytesMax || ops + part.ops.length > batchOpsMax)) break;
    count += 1;
    bytes += part.bytes;
    ops += part.ops.length;
  }
  lane.bytes -= bytes;
  return lane.parts.splice(0, count);
}

/** Two halves; of a part alone, its statements. Each half of it counts for the unit. */
function halves(parts: readonly Part[]): readonly [readonly Part[], readonly Part[]] {
  const [only] = parts;
  if (parts.length > 1 || only === undefined) {
    const middle = parts.length >> 1;
    return [parts.slice(0, middle), parts.slice(middle)];
  }
  only.unit.left += 1;
  const middle = only.ops.length >> 1;
  const half = (ops: readonly Op[]): Part[] => [
    { unit: only.unit, ops, bytes: ops.reduce((sum, op) => sum + op.bytes, 0) },
  ];
  return [half(only.ops.slice(0, middle)), half(only.ops.slice(middle))];
}
