// A node in this process, for the commands that run one. Owns: reading its settings, what is printed while it starts, the
// ready file, signals, how its end is reported. Does not own: the node (tools/node), which flags a command has.

import { readFile, rm } from 'node:fs/promises';
import type { createLogger, RunningNode, StartStep } from '../node/index.ts';
import { type NodeConfig, resolveConfig, VERSION, writeAtomic } from '../node/internal.ts';
import type { NodeEnd } from '../node/stop.ts';
import { CliError } from './exit.ts';
import { span } from './format.ts';
import type { Io } from './io.ts';
import type { OutputFlags } from './shared.ts';

export interface SettingsFlags {
  readonly config?: string;
  readonly set: Readonly<Record<string, string>>;
}

/** Settings from defaults, file, environment, `--set` and the flags that stand for a setting. @throws CliError, ConfigError */
export async function readSettings(
  flags: SettingsFlags,
  io: Io,
  from: {
    readonly defaults: Partial<NodeConfig>;
    /** By key; undefined = the flag was not given. */
    readonly flags: Readonly<Record<string, string | undefined>>;
  },
): Promise<NodeConfig> {
  const { STARLING_CONFIG } = io.environment;
  const path = flags.config ?? STARLING_CONFIG;
  const given = Object.entries(from.flags).filter(([, value]) => value !== undefined);
  const { config } = resolveConfig({
    defaults: from.defaults,
    environment: io.environment,
    flags: { ...flags.set, ...(Object.fromEntries(given) as Record<string, string>) },
    ...(path === undefined ? {} : { file: { name: path, value: await readJson(path) } }),
  });
  return config;
}

async function readJson(path: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(path, 'utf8'));
  } catch (error) {
    throw new CliError('usage', `Cannot read the configuration ${path}: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

/** Starts the node and prints its steps. `what`: e.g. `development node`. */
export async function startHere(
  config: NodeConfig,
  { output, what }: OutputFlags & { readonly what: string },
  io: Io,
): Promise<RunningNode> {
  const { createLogger, startNode } = await import('../node/index.ts');
  const log = createLogger(logOptions(config, io));
  const quiet = output === 'json';
  if (!quiet) io.out(`starling ${VERSION}, ${what}\n`);
  return startNode(config, { log, onStep: (step) => (quiet ? undefined : io.out(stepLine(step))) });
}

/** How these settings log. */
export function logOptions(config: NodeConfig, io: Io): Parameters<typeof createLogger>[0] {
  const format = config['log.format'] === 'auto' ? (io.errTty ? 'pretty' : 'json') : config['log.format'];
  const level = config['log.level'];
  const fields = { node: config['node.name'] };
  return { level, format, fields, now: io.now, write: io.err };
}

/** One line of what a start prints. */
export function stepLine({ name, detail, elapsedMs }: StartStep): string {
  return `  ✓ ${name.padEnd(15)} ${span(elapsedMs).padStart(6)}  ${detail}`.trimEnd().concat('\n');
}

/** Stays until the node has ended. @throws CliError where it did not end by request */
export async function serveUntilEnd(
  node: Pick<RunningNode, 'address' | 'ended' | 'stop'>,
  options: OutputFlags & { readonly readyFile?: string; readonly welcome: (readyMs: number) => string },
  io: Io,
): Promise<void> {
  const { readyFile, output } = options;
  const interruption = io.interruption();
  if (readyFile !== undefined) await writeAtomic(readyFile, `${JSON.stringify(node.address)}\n`);
  const readyMs = io.monotonic();
  if (output === 'json') io.out(`${JSON.stringify({ ...node.address, ready_ms: Math.round(readyMs) })}\n`);
  else io.out(options.welcome(readyMs));
  const stop = (): void => {
    if (io.errTty) io.err('\nstopping; once more to stop at once\n');
    void node.stop();
  };
  if (interruption.aborted) stop();
  else interruption.addEventListener('abort', stop, { once: true });
  const end = await node.ended.finally(async () => {
    if (readyFile !== undefined) await rm(readyFile, { force: true });
  });
  sayEnd(end);
}

/** @throws CliError where a node did not end by request */
export function sayEnd(end: NodeEnd): void {
  if (end === 'broken') {
    throw new CliError('broken', 'The store failed; what was acknowledged is kept.', {
      hint: 'Look at the log above and at the disk, then start again.',
    });
  }
  if (end === 'fenced') {
    throw new CliError(
      'fenced',
      'Another node has taken over what this one served; nothing acknowledged is lost.',
      {
        hint: 'Start it again: it joins as a new process. Whatever supervises nodes should do so by itself.',
      },
    );
  }
}
