// The runtime's numbers in the form that OpenTelemetry's exporters take. Read when somebody asks: counting itself is free of
// it. Owns names, units and attributes of the metrics, which the operator's page lists.

import { ValueType } from '@opentelemetry/api';
import { resourceFromAttributes } from '@opentelemetry/resources';
import {
  AggregationTemporality,
  type CollectionResult,
  DataPointType,
  type MetricData,
  type MetricProducer,
} from '@opentelemetry/sdk-metrics';
import type { Histogram, MailboxDepth, RuntimeMetrics } from '../../../runtime/index.ts';

type HrTime = [seconds: number, nanoseconds: number];
type Attributes = Readonly<Record<string, string>>;
type Point<T> = readonly [value: T, attributes?: Attributes | undefined];

/** What one node shows. */
export interface Measured {
  readonly node: string;
  readonly version: string;
  readonly metrics: RuntimeMetrics;
  readonly depths: () => readonly MailboxDepth[];
  /** Open client streams. */
  readonly streams: () => number;
  /** Of clients of this node with actors elsewhere (`out`), and of actors of this node with clients elsewhere (`in`). */
  readonly relayed: () => { readonly out: number; readonly in: number };
  /** Milliseconds since 1970-01-01 UTC. */
  readonly now: () => number;
}

/** Every metric, with the sentence that explains it. */
export const METRICS = {
  'starling.turn.duration': ['ms', 'Time that one turn of an actor kept the thread.'],
  'starling.turn.failed': ['{turn}', 'Turns that ended with an error, expected ones too.'],
  'starling.call.refused': ['{call}', 'Calls that were refused before their turn, by code.'],
  'starling.call.retried': ['{call}', 'Calls that were tried again because their shard was moving.'],
  'starling.call.remote.duration': ['ms', 'Time until another node answered a call.'],
  'starling.fence.reads': ['{read}', 'Reads of the fence of this node.'],
  'starling.fanout.envelopes': [
    '{envelope}',
    'Envelopes with a part of a fan-out that went to another node.',
  ],
  'starling.fanout.receivers': ['{actor}', 'Receivers in those envelopes.'],
  'starling.gate.wait': ['ms', 'Time that an output waited until what it shows was durable.'],
  'starling.gate.waiting': ['{output}', 'Outputs that wait now.'],
  'starling.commit.duration': ['ms', 'Time of one commit with the fence read after it.'],
  'starling.commit.size': ['By', 'Bytes of rows and state of one commit.'],
  'starling.commit.rows': ['{row}', 'Rows that were committed.'],
  'starling.activation.started': ['{activation}', 'Activations that were made.'],
  'starling.activation.ended': ['{activation}', 'Activations that ended, by cause.'],
  'starling.activations': ['{activation}', 'Activations in memory, by kind and state.'],
  'starling.mailbox.waiting': ['{call}', 'Calls that wait for a turn, of all actors of a kind.'],
  'starling.mailbox.longest': ['{call}', 'Calls that wait for the actor with the longest queue.'],
  'starling.mailbox.age': ['ms', 'Time that the oldest of them has waited.'],
  'starling.streams': ['{stream}', 'Client streams that are open.'],
  'starling.streams.relayed': [
    '{stream}',
    'Client streams between this node and others: `out` = its clients, `in` = its actors.',
  ],
} as const satisfies Record<string, readonly [unit: string, help: string]>;

type Name = keyof typeof METRICS;

/** Produces all metrics of a node. */
export class NodeMetricProducer implements MetricProducer {
  readonly #measured: Measured;
  readonly #started: HrTime;

  constructor(measured: Measured) {
    this.#measured = measured;
    this.#started = hrTime(measured.now());
  }

  collect(): Promise<CollectionResult> {
    const { node, version } = this.#measured;
    const resource = resourceFromAttributes({
      'service.name': 'starling',
      'service.version': version,
      'service.instance.id': node,
    });
    const scope = { name: 'starling', version };
    const metrics = [...this.#counters(), ...this.#gauges(), ...this.#histograms()];
    return Promise.resolve({
      resourceMetrics: { resource, scopeMetrics: [{ scope, metrics }] },
      errors: [],
    });
  }

  #counters(): MetricData[] {
    const { metrics } = this.#measured;
    const byKindAndCause = [...metrics.ended].map(([name, value]): Point<number> => {
      const at = name.indexOf('.');
      return [value, { kind: name.slice(0, at), cause: name.slice(at + 1) }];
    });
    return [
      this.#sum(
        'starling.turn.failed',
        metrics.turns.map(({ kind, method, failed }) => [failed, { kind, method }]),
      ),
      this.#sum(
        'starling.call.refused',
        [...metrics.refusals].map(([code, value]) => [value, { code }]),
      ),
      this.#sum('starling.call.retried', [[metrics.retries]]),
      this.#sum('starling.fence.reads', [[metrics.fenceReads]]),
      this.#sum('starling.fanout.envelopes', [[metrics.fanOutEnvelopes]]),
      this.#sum('starling.fanout.receivers', [[metrics.fanOutReceivers]]),
      this.#sum('starling.commit.rows', [[metrics.commitRows]]),
      this.#sum(
        'starling.activation.started',
        [...metrics.activated].map(([kind, value]) => [value, { kind }]),
      ),
      this.#sum('starling.activation.ended', byKindAndCause),
    ];
  }

  #gauges(): MetricData[] {
    const relayed = this.#measured.relayed();
    const depths = this.#measured.depths();
    const perKind = (read: (depth: MailboxDepth) => number): Point<number>[] =>
      depths.map((depth) => [read(depth), { kind: depth.kind }]);
    return [
      this.#gauge(
        'starling.activations',
        depths.flatMap(({ kind, activating, active }): Point<number>[] => [
          [activating, { kind, state: 'activating' }],
          [active, { kind, state: 'active' }],
        ]),
      ),
      this.#gauge(
        'starling.mailbox.waiting',
        perKind(({ waiting }) => waiting),
      ),
      this.#gauge(
        'starling.mailbox.longest',
        perKind(({ waitingMost }) => waitingMost),
      ),
      this.#gauge(
        'starling.mailbox.age',
        perKind(({ oldestMs }) => oldestMs),
      ),
      this.#gauge(
        'starling.gate.waiting',
        perKind(({ gated }) => gated),
      ),
      this.#gauge('starling.streams', [[this.#measured.streams()]]),
      this.#gauge('starling.streams.relayed', [
        [relayed.out, { direction: 'out' }],
        [relayed.in, { direction: 'in' }],
      ]),
    ];
  }

  #histograms(): MetricData[] {
    const { metrics } = this.#measured;
    return [
      this.#histogram(
        'starling.turn.duration',
        metrics.turns.map(({ kind, method, duration }) => [duration, { kind, method }]),
      ),
      this.#histogram('starling.call.remote.duration', [[metrics.remoteCalls]]),
      this.#histogram('starling.gate.wait', [[metrics.gateWait]]),
      this.#histogram('starling.commit.duration', [[metrics.commits]]),
      this.#histogram('starling.commit.size', [[metrics.commitBytes]]),
    ];
  }

  #sum(name: Name, points: readonly Point<number>[]): MetricData {
    return {
      ...this.#common(name),
      dataPointType: DataPointType.SUM,
      isMonotonic: true,
      dataPoints: points.map((point) => this.#point(point)),
    };
  }

  #gauge(name: Name, points: readonly Point<number>[]): MetricData {
    return {
      ...this.#common(name),
      dataPointType: DataPointType.GAUGE,
      dataPoints: points.map((point) => this.#point(point)),
    };
  }

  #histogram(name: Name, points: readonly Point<Histogram>[]): MetricData {
    return {
      ...this.#common(name),
      dataPointType: DataPointType.HISTOGRAM,
      dataPoints: points.map(([{ bounds, counts, sum, count }, attributes]) => ({
        ...this.#point([
          { buckets: { boundaries: [...bounds], counts: [...counts] }, sum, count },
          attributes,
        ]),
      })),
    };
  }

  #common(name: Name) {
    const [unit, description] = METRICS[name];
    return {
      descriptor: { name, unit, description, valueType: ValueType.DOUBLE },
      aggregationTemporality: AggregationTemporality.CUMULATIVE,
    };
  }

  #point<T>([value, attributes = {}]: Point<T>) {
    return { startTime: this.#started, endTime: hrTime(this.#measured.now()), attributes, value };
  }
}

function hrTime(ms: number): HrTime {
  const seconds = Math.floor(ms / 1000);
  return [seconds, Math.round((ms - seconds * 1000) * 1e6)];
}
