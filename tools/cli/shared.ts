// What all commands have in common. Owns: the flags that choose a server and a form of output, printing of results.

import { type DescMessage, type MessageShape, toJson } from '@bufbuild/protobuf';
import { type Command, Option } from 'commander';
import type { Io } from './io.ts';
import { parseAddress } from './parse.ts';
import type { TargetFlags } from './target.ts';

/** `-o`. */
export interface OutputFlags {
  readonly output: 'table' | 'json';
}

/** Adds `-o, --output`. */
export function withOutput(command: Command): Command {
  const forms = new Option('-o, --output <form>', 'form of the result')
    .choices(['table', 'json'])
    .default('table');
  return command.addOption(forms);
}

/** Adds the flags that choose a server, and `-o`. */
export function withTarget(command: Command): Command {
  return withOutput(command)
    .addOption(new Option('--address <url>', 'base address of the server').argParser(parseAddress))
    .option('--token <token>', 'token of scope admin')
    .option('--context <name>', 'named server: starling context list')
    .option('--data <dir>', 'data directory of a node on this machine');
}

/** Flags of a command that talks to a server. */
export type ServerFlags = TargetFlags & OutputFlags;

/** Prints a result: as text for people, or as JSON with all fields. */
export function print(
  io: Io,
  flags: OutputFlags,
  result: { readonly text: () => string; readonly json: () => unknown },
): void {
  io.out(flags.output === 'json' ? `${JSON.stringify(result.json(), undefined, 2)}\n` : result.text());
}

/** A protobuf message as JSON, with the names of the contract and all fields. */
export function messageJson<D extends DescMessage>(schema: D, message: MessageShape<D>): unknown {
  return toJson(schema, message, { useProtoFieldName: true, alwaysEmitImplicit: true });
}
