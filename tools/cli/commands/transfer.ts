// `import` and `export`.

import { randomBytes } from 'node:crypto';
import { open, rename, rm } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import { CliError } from '../exit.ts';
import { count, span } from '../format.ts';
import type { Io } from '../io.ts';
import { parseConversationId, parseInteger } from '../parse.ts';
import { Progress } from '../progress.ts';
import { type ServerFlags, withTarget } from '../shared.ts';
import { connect } from '../target.ts';
import { transferApi } from '../transfer/api.ts';
import { type ExportReport, runExport } from '../transfer/export.ts';
import { type ImportReport, runImport } from '../transfer/import.ts';
import { type Plan, type Problem, planImport } from '../transfer/plan.ts';
import { interrupted, type RetryOptions } from '../transfer/retry.ts';

interface ImportFlags extends ServerFlags {
  readonly dryRun?: boolean;
  readonly concurrency: number;
}

interface ExportFlags extends ServerFlags {
  readonly out?: string;
  readonly conversation?: string;
}

/** Adds both commands. */
export function addTransferCommands(program: Command, io: Io): void {
  withTarget(
    program
      .command('import')
      .description('import JSON Lines; safe to run again (docs/operating/import-format.md)'),
  )
    .argument('<file>', 'file of JSON Lines')
    .option('--dry-run', 'only validate the file; no server is needed')
    .option('--concurrency <n>', 'calls at a time', parseInteger({ min: 1, max: 64 }), 8)
    .action((file: string, flags: ImportFlags) => importFile(file, flags, io));
  withTarget(program.command('export').description('export as JSON Lines, in a fixed order'))
    .option('--out <file>', 'write to a file, which appears once it is whole; default: standard output')
    .option('--conversation <id>', 'only this conversation', parseConversationId)
    .action((flags: ExportFlags) => exportTo(flags, io));
}

async function importFile(file: string, flags: ImportFlags, io: Io): Promise<void> {
  const started = io.monotonic();
  const plan = await planImport(file);
  if (plan.problemCount > 0) {
    if (flags.output === 'json') printJson(io, { ...planJson(plan), problems: plan.problems });
    reportProblems(io, plan.problems, plan.problemCount, flags);
    throw new CliError(
      'usage',
      `${file}: ${count(plan.problemCount)} lines are not valid; nothing was imported.`,
    );
  }
  if (flags.dryRun === true) {
    if (flags.output === 'json') printJson(io, planJson(plan));
    else io.out(`${file} is valid: ${planText(plan)}.\n`);
    return;
  }
  const client = await connect(flags, io);
  const signal = io.interruption();
  const progress = new Progress({
    unit: 'messages',
    write: io.err,
    interactive: io.errTty,
    now: io.monotonic,
  });
  const onProgress = (report: ImportReport): void =>
    progress.update({
      done: report.messages_added + report.messages_repeated + report.refused,
      total: plan.messages,
      note: [
        report.messages_repeated > 0 ? `${count(report.messages_repeated)} were there` : '',
        report.refused > 0 ? `${count(report.refused)} refused` : '',
      ]
        .filter((part) => part !== '')
        .join(', '),
    });
  let report: ImportReport;
  try {
    const { concurrency } = flags;
    const api = transferApi(client);
    report = await runImport({ path: file, plan, api, concurrency, retry: retrying(signal), onProgress });
  } catch (error) {
    progress.end();
    throw signal.aborted ? interrupted('Run it again to continue: what was imported is recognised.') : error;
  }
  progress.end();
  finishImport(report, { file, elapsedMs: io.monotonic() - started }, flags, io);
}

function finishImport(
  report: ImportReport,
  what: { readonly file: string; readonly elapsedMs: number },
  flags: ImportFlags,
  io: Io,
): void {
  const { file, elapsedMs } = what;
  if (flags.output === 'json') printJson(io, { ...report, elapsed_ms: Math.round(elapsedMs) });
  else {
    const done = report.messages_added + report.messages_repeated;
    const rate = count(Math.round((done * 1_000) / Math.max(1, elapsedMs)));
    const repeated =
      report.messages_repeated === 0 ? '' : ` (${count(report.messages_repeated)} were there before)`;
    io.out(
      `Imported ${count(report.users)} users, ${count(report.groups_created + report.groups_repeated)} groups, ` +
        `${count(done)} messages${repeated} in ${span(elapsedMs)}, ${rate}/s.\n`,
    );
  }
  if (report.refused === 0) return;
  reportProblems(io, report.problems, report.refused, flags);
  throw new CliError(
    'refused',
    `${file}: the server refused ${count(report.refused)} lines; the others are imported.`,
    {
      hint: 'Mend these lines and run it again: what was imported is recognised.',
    },
  );
}

function reportProblems(io: Io, problems: readonly Problem[], all: number, flags: ServerFlags): void {
  if (flags.output === 'json') return;
  for (const { line, message } of problems) io.err(`line ${line}: ${message}\n`);
  if (all > problems.length) io.err(`… and ${count(all - problems.length)} more\n`);
}

function planJson(plan: Plan): object {
  return {
    users: plan.users.size,
    groups: plan.groups.size,
    conversations: plan.conversations,
    messages: plan.messages,
    bytes: plan.bytes,
    problem_count: plan.problemCount,
  };
}

function planText(plan: Plan): string {
  return `${count(plan.users.size)} users, ${count(plan.conversations)} conversations, ${count(plan.messages)} messages`;
}

function printJson(io: Io, value: object): void {
  io.out(`${JSON.stringify(value, undefined, 2)}\n`);
}

function retrying(signal: AbortSignal): RetryOptions {
  return {
    signal,
    random: () => randomBytes(4).readUInt32BE() / 2 ** 32,
    wait: async (delayMs) => void (await sleep(delayMs, undefined, { signal })),
  };
}

async function exportTo(flags: ExportFlags, io: Io): Promise<void> {
  const started = io.monotonic();
  const client = await connect(flags, io);
  const signal = io.interruption();
  const toFile = flags.out !== undefined;
  const progress = new Progress({
    unit: 'entries',
    write: toFile || !io.outTty ? io.err : () => undefined,
    interactive: io.errTty,
    now: io.monotonic,
  });
  const sink = flags.out === undefined ? standardOutput(io) : await fileSink(flags.out);
  let report: ExportReport;
  try {
    report = await runExport({
      api: transferApi(client),
      conversationId: flags.conversation,
      retry: retrying(signal),
      write: sink.write,
      onProgress: ({ entries_read: done, entries: total }) => progress.update({ done, total }),
    });
    await sink.end();
  } catch (error) {
    progress.end();
    await sink.abandon();
    throw signal.aborted ? interrupted('Nothing was written to the file.') : error;
  }
  progress.end();
  const elapsedMs = io.monotonic() - started;
  const { users, groups, messages } = report;
  // Lines may have gone to standard output, so the summary must not.
  const tell = toFile ? io.out : io.err;
  if (flags.output === 'json')
    tell(`${JSON.stringify({ users, groups, messages, elapsed_ms: Math.round(elapsedMs) })}\n`);
  else
    tell(
      `Exported ${count(users)} users, ${count(groups)} groups, ${count(messages)} messages in ${span(elapsedMs)}.\n`,
    );
}

interface Sink {
  readonly write: (line: string) => Promise<void> | void;
  readonly end: () => Promise<void>;
  readonly abandon: () => Promise<void>;
}

function standardOutput(io: Io): Sink {
  return {
    write: (line) => {
      io.out(`${line}\n`);
      return io.drained();
    },
    end: async () => undefined,
    abandon: async () => undefined,
  };
}

/** Bytes gathered before a write. */
const WRITE_BYTES = 256 * 1024;

/** A file that appears under its name once it is whole and on disk. */
async function fileSink(path: string): Promise<Sink> {
  const beside = `${path}.${process.pid}.part`;
  const fail = (error: unknown): never => {
    throw new CliError('failed', `Cannot write ${path}: ${(error as Error).message}`, { cause: error });
  };
  const handle = await open(beside, 'w').catch(fail);
  let held: string[] = [];
  let bytes = 0;
  const flush = async (): Promise<void> => {
    const text = held.join('');
    held = [];
    bytes = 0;
    await handle.appendFile(text).catch(fail);
  };
  return {
    write: (line) => {
      held.push(line, '\n');
      bytes += Buffer.byteLength(line) + 1;
      return bytes >= WRITE_BYTES ? flush() : undefined;
    },
    end: async () => {
      await flush();
      await handle.sync().catch(fail);
      await handle.close();
      await rename(beside, path).catch(fail);
    },
    abandon: async () => {
      await handle.close().catch(() => undefined);
      await rm(beside, { force: true });
    },
  };
}
