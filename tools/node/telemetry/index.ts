// What a node shows of itself: a page of metrics for Prometheus, metrics and traces by OTLP. Owns: which exporters run, by
// the configuration. Does not own: what is counted (runtime/metrics.ts) and which spans there are (runtime/telemetry).
//
// Invariant: T1  Nothing of this is on the way of a call: a collector that is slow or gone costs dropped spans, no more.

import { metrics as api } from '@opentelemetry/api';
import { OTLPMetricExporter } from '@opentelemetry/exporter-metrics-otlp-http';
import { PrometheusExporter } from '@opentelemetry/exporter-prometheus';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { MeterProvider, type MetricReader, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics';
import {
  BatchSpanProcessor,
  ParentBasedSampler,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from '@opentelemetry/sdk-trace';
import { openTelemetry, type Telemetry } from '../../../runtime/index.ts';
import type { NodeConfig } from '../settings.ts';
import { type Measured, NodeMetricProducer } from './producer.ts';

export { METRICS } from './producer.ts';

/** Traces, from the start of a node on. */
export interface Traces {
  /** For the runtime and the edge; undefined = nothing is traced. */
  readonly telemetry: Telemetry | undefined;
  close(): Promise<void>;
}

/** Metrics, once there is a node to measure. */
export interface Metrics {
  /** Where Prometheus reads, e.g. `http://127.0.0.1:9464/metrics`; undefined = nowhere. */
  readonly page: string | undefined;
  close(): Promise<void>;
}

type TraceConfig = Pick<NodeConfig, 'node.name' | 'telemetry.otlp_endpoint' | 'telemetry.traces_per_million'>;
type MetricConfig = Pick<
  NodeConfig,
  | 'node.name'
  | 'telemetry.otlp_endpoint'
  | 'telemetry.otlp_interval_ms'
  | 'telemetry.metrics_host'
  | 'telemetry.metrics_port'
>;

function resourceOf(node: string, version: string) {
  return resourceFromAttributes({
    'service.name': 'starling',
    'service.version': version,
    'service.instance.id': node,
  });
}

/** Starts the export of traces, where a collector is configured. */
export function startTraces(config: TraceConfig, version: string): Traces {
  const endpoint = config['telemetry.otlp_endpoint'];
  const perMillion = config['telemetry.traces_per_million'];
  if (endpoint === '') return { telemetry: undefined, close: () => Promise.resolve() };
  const provider = new TracerProvider({
    resource: resourceOf(config['node.name'], version),
    // Who is traced by its caller stays traced, so that no trace is cut in two.
    sampler: new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(perMillion / 1_000_000) }),
    spanProcessors: [
      new BatchSpanProcessor({ exporter: new OTLPTraceExporter({ url: `${endpoint}/v1/traces` }) }),
    ],
  });
  return {
    telemetry: openTelemetry(provider.getTracer('starling', version)),
    close: () => provider.shutdown(),
  };
}

/** Starts the page for Prometheus and the export of metrics, as configured. Rejects where the page's port is taken. */
export async function startMetrics(config: MetricConfig, measured: Measured): Promise<Metrics> {
  const producer = new NodeMetricProducer(measured);
  const readers: MetricReader[] = [];
  const endpoint = config['telemetry.otlp_endpoint'];
  if (endpoint !== '') {
    readers.push(
      new PeriodicExportingMetricReader({
        exporter: new OTLPMetricExporter({ url: `${endpoint}/v1/metrics` }),
        exportIntervalMillis: config['telemetry.otlp_interval_ms'],
        exportTimeoutMillis: Math.min(10_000, config['telemetry.otlp_interval_ms']),
        metricProducers: [producer],
      }),
    );
  }
  const port = config['telemetry.metrics_port'];
  const host = config['telemetry.metrics_host'];
  const prometheus =
    port === 0
      ? undefined
      : new PrometheusExporter({ host, port, preventServerStart: true, metricProducers: [producer] });
  if (prometheus !== undefined) readers.push(prometheus);
  if (readers.length === 0) return { page: undefined, close: () => Promise.resolve() };
  const provider = new MeterProvider({ resource: resourceOf(measured.node, measured.version), readers });
  // Metrics that actors of other teams count by the API come out here too.
  api.setGlobalMeterProvider(provider);
  await prometheus?.startServer();
  return {
    page: prometheus === undefined ? undefined : `http://${host}:${port}/metrics`,
    close: async () => {
      api.disable();
      await provider.shutdown();
    },
  };
}
