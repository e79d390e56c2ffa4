// Traces. The only place that knows OpenTelemetry; everything else of the runtime sees `Telemetry`. Owns: which spans there
// are, their names and attributes, how context becomes a `traceparent` and back. Does not own: sampling, processors and
// exporters (the node program's SDK), and metrics (runtime/metrics.ts are plain numbers).
//
// Invariants:
// O1  No span is begun for work whose caller's context is absent or not sampled: then nothing is allocated.
// O2  A span that was begun is ended, whatever becomes of the work.

import {
  type Attributes,
  type Link,
  ROOT_CONTEXT,
  type Span,
  type SpanContext,
  SpanKind,
  SpanStatusCode,
  TraceFlags,
  type Tracer,
  trace,
} from '@opentelemetry/api';

/** What a span is of. `client`: asks another node; `server`: answers one; `internal`: a turn asked for on this node. */
export type SpanRole = 'client' | 'server' | 'internal';

export interface SpanStart {
  /** `kind.method`, or the method of a service. */
  readonly name: string;
  readonly role: SpanRole;
  /** W3C `traceparent` of the caller. */
  readonly parent: string;
  readonly attributes?: Readonly<Record<string, string | number>>;
  /** `traceparent` of further causes: the calls of a batch. */
  readonly links?: readonly string[];
}

/** A span under way. */
export interface OpenSpan {
  /** What callees are told. */
  readonly traceparent: string;
  set(name: string, value: string | number): void;
  /** `code`: of the error that ended it; absent = it went well. Harmless when ended. */
  end(code?: string): void;
}

export interface Telemetry {
  /** Begins a span, or not (O1). */
  start(span: SpanStart): OpenSpan | undefined;
  /** Begins the trace of a request that came from outside; the sampler decides. `parent`: what the client sent. */
  startRoot(name: string, parent: string | undefined): OpenSpan;
}

const ROLES = {
  client: SpanKind.CLIENT,
  server: SpanKind.SERVER,
  internal: SpanKind.INTERNAL,
} as const satisfies Record<SpanRole, SpanKind>;

// version "00", 16 bytes of trace, 8 of span, 1 of flags; all zero is not valid (W3C Trace Context, section 3.2).
const TRACEPARENT = /^00-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})$/;

/** Reads a `traceparent`; undefined where it is none. */
export function parseTraceparent(text: string): SpanContext | undefined {
  const match = TRACEPARENT.exec(text);
  if (match === null) return undefined;
  const [, traceId = '', spanId = '', flags = ''] = match;
  return { traceId, spanId, traceFlags: Number.parseInt(flags, 16), isRemote: true };
}

/** Writes a `traceparent`. */
export function formatTraceparent({ traceId, spanId, traceFlags }: SpanContext): string {
  return `00-${traceId}-${spanId}-${(traceFlags & 0xff).toString(16).padStart(2, '0')}`;
}

/** Whether a `traceparent` asks for spans. Looks at the last character only: bit 0 of the flags. */
export function isSampled(traceparent: string | undefined): traceparent is string {
  if (traceparent === undefined || traceparent.length !== 55) return false;
  const digit = Number.parseInt(traceparent.charAt(54), 16);
  return (digit & TraceFlags.SAMPLED) !== 0;
}

class RunningSpan implements OpenSpan {
  readonly #span: Span;
  readonly traceparent: string;
  #ended = false;

  constructor(span: Span) {
    this.#span = span;
    this.traceparent = formatTraceparent(span.spanContext());
  }

  set(name: string, value: string | number): void {
    this.#span.setAttribute(name, value);
  }

  end(code?: string): void {
    if (this.#ended) return;
    this.#ended = true;
    if (code !== undefined) {
      this.#span.setAttribute('starling.error', code);
      this.#span.setStatus({ code: SpanStatusCode.ERROR, message: code });
    }
    this.#span.end();
  }
}

/** Telemetry by the OpenTelemetry API. `tracer`: default that of the global provider, which does nothing unless set. */
export function openTelemetry(tracer: Tracer = trace.getTracer('starling')): Telemetry {
  return {
    start({ name, role, parent, attributes, links }) {
      if (!isSampled(parent)) return undefined;
      const from = parseTraceparent(parent);
      if (from === undefined) return undefined;
      const options = {
        kind: ROLES[role],
        ...(attributes === undefined ? {} : { attributes: attributes as Attributes }),
        ...(links === undefined ? {} : { links: linksOf(links) }),
      };
      return new RunningSpan(tracer.startSpan(name, options, trace.setSpanContext(ROOT_CONTEXT, from)));
    },
    startRoot(name, parent) {
      const from = parent === undefined ? undefined : parseTraceparent(parent);
      const context = from === undefined ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, from);
      return new RunningSpan(tracer.startSpan(name, { kind: SpanKind.SERVER }, context));
    },
  };
}

function linksOf(traceparents: readonly string[]): Link[] {
  return traceparents.flatMap((text) => {
    const context = parseTraceparent(text);
    return context === undefined ? [] : [{ context }];
  });
}
