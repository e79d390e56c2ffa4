import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  AlwaysOffSampler,
  InMemorySpanExporter,
  ParentBasedSampler,
  type ReadableSpan,
  SimpleSpanProcessor,
  TracerProvider,
} from '@opentelemetry/sdk-trace';
import { createRuntime, type Runtime, remind, tell } from '../index.ts';
import {
  type ScriptType,
  SimClock,
  SimNetwork,
  SimOwnership,
  SimRandom,
  SimStore,
  scripted,
} from '../testing/index.ts';
import { formatTraceparent, isSampled, openTelemetry, parseTraceparent } from './index.ts';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const SAMPLED = `00-${TRACE}-b7ad6b7169203331-01`;
const UNSAMPLED = `00-${TRACE}-b7ad6b7169203331-00`;

describe('a traceparent', () => {
  it('is read and written as the W3C has it', () => {
    const context = parseTraceparent(SAMPLED);
    assert.ok(context !== undefined);
    assert.equal(context.traceId, TRACE);
    assert.equal(formatTraceparent(context), SAMPLED);
  });

  it('that breaks the form is none', () => {
    const zeros = `00-${'0'.repeat(32)}-b7ad6b7169203331-01`;
    for (const text of ['', 'x', SAMPLED.toUpperCase(), `${SAMPLED}-x`, zeros, SAMPLED.replace('00-', 'ff-')])
      assert.equal(parseTraceparent(text), undefined, text);
  });

  it('asks for spans by its last bit alone', () => {
    assert.equal(isSampled(SAMPLED), true);
    assert.equal(isSampled(SAMPLED.replace(/01$/, '03')), true);
    assert.equal(isSampled(UNSAMPLED), false);
    assert.equal(isSampled(UNSAMPLED.replace(/00$/, '02')), false);
    assert.equal(isSampled(undefined), false);
  });
});

const SHARDS = 4;

/** Two nodes that trace, over one store; the first serves even shards. */
function traced() {
  const exporter = new InMemorySpanExporter();
  const provider = new TracerProvider({
    sampler: new ParentBasedSampler({ root: new AlwaysOffSampler() }),
    spanProcessors: [new SimpleSpanProcessor({ exporter })],
  });
  const clock = new SimClock();
  const store = new SimStore({ type: 'immediate' });
  const names = ['n0', 'n1'];
  const network = new SimNetwork(names);
  const nodes = names.map((node, i) => {
    const ownership = new SimOwnership();
    for (let shard = 0; shard < SHARDS; shard++) if (shard % 2 !== i) ownership.lose(shard);
    return createRuntime({
      node,
      store,
      ownership,
      clock,
      random: new SimRandom(i + 1),
      shards: SHARDS,
      peers: { transport: network.transportOf(node), directory: network },
      telemetry: openTelemetry(provider.getTracer('test')),
    });
  });
  const [first, second] = nodes;
  assert.ok(first !== undefined && second !== undefined);
  const keyOn = (type: ScriptType, node: number): string => {
    for (let i = 0; ; i++) if (first.place(type, `k${i}`).shard % 2 === node) return `k${i}`;
  };
  return { exporter, clock, first, second, keyOn };
}

function names(spans: readonly ReadableSpan[]): string[] {
  return spans.map(({ name, kind }) => `${name} ${['internal', 'server', 'client'][kind]}`);
}

describe('a traced call', () => {
  /** `source` awaits `target`, tells `told`, and sets a reminder. */
  function actors() {
    const target = scripted({ kind: 'target', rank: 20 });
    const told = scripted({ kind: 'told', rank: 5 });
    const source: ReturnType<typeof scripted> = scripted({
      kind: 'source',
      run: async (text, turn) => {
        if (text === 'again') return 'reminded';
        await turn.client(target.type, text).run({ text });
        const again = remind(source.type, { name: 'again', atMs: turn.now() + 1000 }).run({ text: 'again' });
        turn.append(text, { tells: [tell(told.type, 't').run({ text })], reminders: [again] });
        return 'done';
      },
    });
    return { target, told, source };
  }

  async function run(traceparent: string | undefined) {
    const { target, told, source } = actors();
    const world = traced();
    const { first, second, keyOn, clock } = world;
    for (const node of [first, second]) node.register(target.definition, told.definition, source.definition);
    const key = keyOn(source.type, 0);
    const client = (runtime: Runtime) => runtime.client(source.type, key);
    await client(first).run({ text: keyOn(target.type, 1) }, { traceparent });
    await clock.advance(2000);
    return world.exporter.getFinishedSpans();
  }

  it('has a span for each turn, and two for a hop to another node; its context goes with tells and reminders', async () => {
    const spans = await run(SAMPLED);
    assert.deepEqual(
      new Set(names(spans)),
      new Set([
        'source.run internal',
        'target.run client',
        'target.run server',
        ...names(spans).filter((name) => name.startsWith('told.run')),
      ]),
    );
    assert.ok(spans.some(({ name }) => name === 'told.run'));
    assert.equal(spans.filter(({ name }) => name === 'source.run').length, 2, 'the call and the reminder');
    for (const span of spans) assert.equal(span.spanContext().traceId, TRACE);
    const client = spans.find(({ kind }) => kind === 2 && true);
    const server = spans.find(({ name, kind }) => name === 'target.run' && kind === 1);
    assert.equal(server?.parentSpanContext?.spanId, client?.spanContext().spanId);
    assert.equal(typeof server?.attributes['starling.queue_ms'], 'number');
  });

  it('has none where its caller is not traced', async () => {
    assert.deepEqual(await run(undefined), []);
    assert.deepEqual(await run(UNSAMPLED), []);
  });

  it('ends its span with the code of the error', async () => {
    const { type, definition } = scripted({
      run: (_text, turn) => {
        turn.client(type, 'other');
        return 'never';
      },
    });
    const { exporter, first, keyOn } = traced();
    first.register(definition);
    const call = first.client(type, keyOn(type, 0)).run({ text: '' }, { traceparent: SAMPLED });
    await assert.rejects(call);
    assert.deepEqual(
      exporter.getFinishedSpans().map(({ attributes }) => attributes['starling.error']),
      ['CALL_CYCLE'],
    );
  });
});
