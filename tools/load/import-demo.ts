// `make import-demo`: a corpus is imported, the import is interrupted twice on its way, run to its end, and run once more;
// then it is exported and compared with the corpus, and the API is asked for repeats. A second node takes the same file in
// one go, for the time it takes. Exits 0 when everything is equal, 1 when not, 2 for bad arguments.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { ConversationService } from '../../proto/gen/starling/server/v1/server_pb.ts';
import { Caller } from './api.ts';
import { type Corpus, generateCorpus } from './index.ts';
import { freshNode, type NodeProcess, STARLING } from './node-process.ts';
import { type Figure, readable, table, writeFigures } from './report.ts';
import { UnaryPool } from './wire.ts';

/** What the API says about a system after an import. */
export interface Stored {
  readonly conversations: number;
  /** Rows of content. */
  readonly messages: number;
  /** Rows whose (sender, client id) stands in an earlier row of the same log. */
  readonly repeats: number;
  /** Rows that do not follow directly on the one before. */
  readonly gaps: number;
}

/** Reads every log through the server API. */
export async function readStored(backend: Caller): Promise<Stored> {
  const stored = { conversations: 0, messages: 0, repeats: 0, gaps: 0 };
  for (const conversationId of (await conversationSizes(backend)).keys()) {
    const sent = new Set<string>();
    let fromSeq = 1n;
    let expected = 1n;
    while (fromSeq !== 0n) {
      const page = await backend.until(ConversationService.method.listMessages, {
        conversationId,
        fromSeq,
        pageSize: 1_000,
      });
      for (const { conversationSeq, senderId, clientMessageId } of page.messages) {
        if (conversationSeq !== expected) stored.gaps += 1;
        expected = conversationSeq + 1n;
        if (clientMessageId === '') continue;
        stored.messages += 1;
        const name = `${senderId}/${clientMessageId}`;
        if (sent.has(name)) stored.repeats += 1;
        sent.add(name);
      }
      fromSeq = page.nextSeq;
    }
    stored.conversations += 1;
  }
  return stored;
}

/** Last entry of every log, by conversation. */
async function conversationSizes(backend: Caller): Promise<ReadonlyMap<string, number>> {
  const sizes = new Map<string, number>();
  let pageToken = '';
  do {
    const page = await backend.until(ConversationService.method.listConversations, {
      pageSize: 1_000,
      pageToken,
    });
    for (const { conversationId, lastSeq } of page.conversations) sizes.set(conversationId, Number(lastSeq));
    pageToken = page.nextPageToken;
  } while (pageToken !== '');
  return sizes;
}

/** The first difference between what was expected and what an export holds; undefined = they are equal. */
export function firstDifference(
  expected: readonly string[],
  exported: readonly string[],
): string | undefined {
  const lines = Math.max(expected.length, exported.length);
  for (let n = 0; n < lines; n += 1) {
    if (expected[n] === exported[n]) continue;
    const short = (line: string | undefined): string => line?.slice(0, 300) ?? 'nothing';
    return `line ${n + 1}: expected ${short(expected[n])}, exported ${short(exported[n])}`;
  }
  return undefined;
}

/** Exit code of the CLI when it was interrupted. */
const INTERRUPTED = 130;

function startImport(node: NodeProcess, file: string): ChildProcess {
  return spawn(process.execPath, [STARLING, 'import', file, '--data', node.data], {
    stdio: ['ignore', 'inherit', 'inherit'],
  });
}

// Starts the import and ends it once so many rows are there. Returns how many there were.
async function interruptedImport(
  node: NodeProcess,
  backend: Caller,
  file: string,
  how: { readonly atRows: number; readonly signal: 'SIGINT' | 'SIGKILL' },
): Promise<number> {
  const child = startImport(node, file);
  const gone = once(child, 'exit');
  let rows = 0;
  while (rows < how.atRows && child.exitCode === null) {
    rows = [...(await conversationSizes(backend)).values()].reduce((sum, size) => sum + size, 0);
    await sleep(20);
  }
  child.kill(how.signal);
  const [code] = await gone;
  // 0 is judged by how many rows there were: it had ended before.
  if (code !== null && code !== 0 && code !== INTERRUPTED)
    throw new Error(`the import ended with exit code ${code}`);
  return rows;
}

async function wholeImport(node: NodeProcess, file: string): Promise<number> {
  const startedAt = performance.now();
  const [code] = await once(startImport(node, file), 'exit');
  if (code !== 0) throw new Error(`the import ended with exit code ${code}`);
  return (performance.now() - startedAt) / 1_000;
}

async function exportLines(node: NodeProcess, out: string): Promise<{ lines: string[]; seconds: number }> {
  const startedAt = performance.now();
  const child = spawn(process.execPath, [STARLING, 'export', '--out', out, '--data', node.data], {
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  const [code] = await once(child, 'exit');
  if (code !== 0) throw new Error(`the export ended with exit code ${code}`);
  const seconds = (performance.now() - startedAt) / 1_000;
  return { lines: (await readFile(out, 'utf8')).split('\n').filter((line) => line !== ''), seconds };
}

interface Outcome {
  readonly figures: readonly Figure[];
  /** What does not hold; empty = all holds. */
  readonly faults: readonly string[];
}

async function interruptedRun(corpus: Corpus, file: string): Promise<Outcome> {
  const { node, dispose } = await freshNode('import');
  const pool = new UnaryPool(node.endpoint, 4);
  try {
    await node.start();
    const backend = new Caller(node.endpoint, await node.backendToken(), pool);
    console.log('import, interrupted (SIGINT), then killed, then to its end, then once more');
    const atInt = await interruptedImport(node, backend, file, {
      atRows: corpus.messages * 0.3,
      signal: 'SIGINT',
    });
    const atKill = await interruptedImport(node, backend, file, {
      atRows: corpus.messages * 0.6,
      signal: 'SIGKILL',
    });
    await wholeImport(node, file);
    const againSeconds = await wholeImport(node, file);
    const { lines } = await exportLines(node, `${file}.again`);
    const stored = await readStored(backend);
    const difference = firstDifference(corpus.normal, lines);
    const conversations = corpus.groups + corpus.directs;
    const faults = [
      ...(difference === undefined ? [] : [`the export differs: ${difference}`]),
      ...(stored.repeats === 0 ? [] : [`${stored.repeats} messages stand twice`]),
      ...(stored.gaps === 0 ? [] : [`${stored.gaps} gaps in logs`]),
      ...(stored.messages === corpus.messages
        ? []
        : [`${stored.messages} messages are stored, not ${corpus.messages}`]),
      ...(stored.conversations === conversations
        ? []
        : [`${stored.conversations} conversations, not ${conversations}`]),
      ...(atInt < corpus.messages && atKill < corpus.messages
        ? []
        : ['an import had ended before it was interrupted']),
    ];
    return {
      faults,
      figures: [
        { name: 'import.messages', value: stored.messages, unit: 'count' },
        { name: 'import.conversations', value: stored.conversations, unit: 'count' },
        { name: 'import.rows_when_interrupted', value: atInt, unit: 'count' },
        { name: 'import.rows_when_killed', value: atKill, unit: 'count' },
        { name: 'import.repeats', value: stored.repeats, unit: 'count' },
        { name: 'import.gaps', value: stored.gaps, unit: 'count' },
        { name: 'import.export_differs', value: difference === undefined ? 0 : 1, unit: 'count' },
        { name: 'import.again_s', value: againSeconds, unit: 's' },
      ],
    };
  } finally {
    pool.close();
    await dispose();
  }
}

// The same file without an interruption, for the time.
async function timedRun(corpus: Corpus, file: string): Promise<Outcome> {
  const { node, dispose } = await freshNode('import');
  try {
    await node.start();
    const seconds = await wholeImport(node, file);
    const exported = await exportLines(node, `${file}.whole`);
    const difference = firstDifference(corpus.normal, exported.lines);
    return {
      faults: difference === undefined ? [] : [`the export of an import in one go differs: ${difference}`],
      figures: [
        { name: 'import.whole_s', value: seconds, unit: 's' },
        { name: 'import.messages_per_s', value: corpus.messages / seconds, unit: '1/s' },
        { name: 'export.messages_per_s', value: corpus.messages / exported.seconds, unit: '1/s' },
      ],
    };
  } finally {
    await dispose();
  }
}

async function main(): Promise<number> {
  let seed: number;
  try {
    const { values } = parseArgs({ options: { seed: { type: 'string', default: '2026' } } });
    seed = Number(values.seed);
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : error}\nusage: import-demo [--seed N]`);
    return 2;
  }
  const directory = await mkdtemp(join(tmpdir(), 'starling-corpus-'));
  try {
    const corpus = generateCorpus({ seed });
    const file = join(directory, 'corpus.jsonl');
    await writeFile(file, `${corpus.shuffled.join('\n')}\n`);
    const megabytes = corpus.shuffled.reduce((sum, line) => sum + Buffer.byteLength(line), 0) / 1e6;
    console.log(
      `corpus: ${corpus.messages} messages, ${corpus.groups} groups, ${corpus.directs} direct, ${corpus.users} users, ${megabytes.toFixed(1)} MB, seed ${seed}`,
    );
    const runs = [await interruptedRun(corpus, file), await timedRun(corpus, file)];
    const figures = runs.flatMap((run) => run.figures);
    const path = await writeFigures('import-demo.json', figures);
    console.log(table(figures.map(({ name, value, unit }) => [name, readable(value), unit])));
    const faults = runs.flatMap((run) => run.faults);
    for (const fault of faults) console.log(`FAULT: ${fault}`);
    if (faults.length === 0) console.log(`imported, exported, equal, no repeats; figures in ${path}`);
    return faults.length === 0 ? 0 : 1;
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

if (import.meta.main) {
  process.exitCode = await main().catch((error: unknown) => {
    console.error(error);
    return 1;
  });
}
