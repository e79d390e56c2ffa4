// The command line. Owns: which commands there are, their help, how failures are reported, exit codes. Does not own: what
// commands do (commands/).

import { Command, CommanderError } from 'commander';
import { VERSION } from '../node/internal.ts';
import { addClusterCommands } from './commands/cluster.ts';
import { addContextCommands } from './commands/context.ts';
import { addDevCommand } from './commands/dev.ts';
import { addNodeCommands } from './commands/node.ts';
import { addNodeCommand } from './commands/node-run.ts';
import { addSchemaCommands } from './commands/schema.ts';
import { addShardCommands } from './commands/shard.ts';
import { addShowCommands } from './commands/show.ts';
import { addTokenCommands } from './commands/token.ts';
import { addTransferCommands } from './commands/transfer.ts';
import { CliError, EXIT_CODES, exitCodeHelp } from './exit.ts';
import type { Io } from './io.ts';

const HELP = `
Which server: --address and --token, else --data, else --context, else the context in use (starling context list), else
the node that runs on .starling/data of the working directory, for which no flag is needed.

Exit codes:
${exitCodeHelp()}`;

/** Runs one command line. Answers the exit code; never throws, never ends the process. */
export async function run(args: readonly string[], io: Io): Promise<number> {
  const program = createProgram(io);
  try {
    await program.parseAsync([...args], { from: 'user' });
    return EXIT_CODES.ok.code;
  } catch (error) {
    return report(error, io);
  }
}

function createProgram(io: Io): Command {
  const program = new Command('starling')
    .description('Starling: instant messaging made of virtual actors.')
    .version(VERSION, '-V, --version', 'print the version')
    .addHelpText('after', HELP)
    .showSuggestionAfterError()
    .showHelpAfterError('(--help shows what is possible)')
    // Flags belong to the command that they stand behind: `node` has some, and so have the commands below it.
    .enablePositionalOptions()
    .exitOverride()
    .configureOutput({ writeOut: io.out, writeErr: io.err });
  addDevCommand(program, io);
  addNodeCommands(addNodeCommand(program, io), io);
  addClusterCommands(program, io);
  addShardCommands(program, io);
  addSchemaCommands(program, io);
  addTokenCommands(program, io);
  addShowCommands(program, io);
  addTransferCommands(program, io);
  addContextCommands(program, io);
  inheritSettings(program, program);
  return program;
}

/** Commands made by `command()` have copied the settings; those below groups are made before, so they are told again. */
function inheritSettings(from: Command, command: Command): void {
  for (const child of command.commands) {
    child.copyInheritedSettings(from);
    inheritSettings(from, child);
  }
}

/** Prints a failure and answers its exit code. */
export function report(error: unknown, io: Pick<Io, 'err'>): number {
  if (error instanceof CommanderError) {
    // Help and version end this way too; their text is printed already.
    const isHelp = error.exitCode === 0 || error.code === 'commander.help';
    return isHelp ? EXIT_CODES.ok.code : EXIT_CODES.usage.code;
  }
  if (error instanceof CliError) {
    io.err(`error: ${error.message}\n`);
    if (error.hint !== '') io.err(`${error.hint}\n`);
    return EXIT_CODES[error.exit].code;
  }
  if (error instanceof Error && error.name === 'ConfigError') {
    for (const line of error.message.split('\n')) io.err(`error: ${line}\n`);
    io.err('All settings: docs/operating/configuration.md\n');
    return EXIT_CODES.usage.code;
  }
  if (error instanceof Error && error.name === 'StartError') {
    io.err(`error: ${error.message}\n`);
    const { hint } = error as Error & { hint?: unknown };
    if (typeof hint === 'string' && hint !== '') io.err(`${hint}\n`);
    return EXIT_CODES.failed.code;
  }
  if (error instanceof Error && error.name === 'AbortError') {
    io.err('error: Interrupted.\n');
    return EXIT_CODES.interrupted.code;
  }
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  io.err(`error: unexpected: ${text}\n`);
  return EXIT_CODES.failed.code;
}
