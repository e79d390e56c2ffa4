// `context set|list|use|remove`.

import type { Command } from 'commander';
import {
  type Contexts,
  contextsPath,
  readContexts,
  removeContext,
  setContext,
  useContext,
} from '../contexts.ts';
import { table } from '../format.ts';
import type { Io } from '../io.ts';
import { parseAddress, parseId } from '../parse.ts';
import { type OutputFlags, print, withOutput } from '../shared.ts';

/** Adds the commands. */
export function addContextCommands(program: Command, io: Io): void {
  const context = program.command('context').description('named servers');
  const path = contextsPath(io.environment);
  const show = (flags: OutputFlags, contexts: Contexts): void =>
    print(io, flags, {
      text: () => contextTable(contexts, io.self),
      json: () => ({
        current: contexts.current,
        contexts: Object.entries(contexts.byName).map(([name, { address, token }]) => ({
          name,
          address,
          has_token: token !== '',
        })),
      }),
    });
  withOutput(context.command('list').description('list the contexts')).action(async (flags: OutputFlags) =>
    show(flags, await readContexts(path)),
  );
  withOutput(context.command('set').description('add or change a context; the first one is put in use'))
    .argument('<name>', 'name', parseId)
    .requiredOption('--address <url>', 'base address of the server', parseAddress)
    .option('--token <token>', 'token of scope admin, kept in a file that only you can read', '')
    .action(async (name: string, flags: OutputFlags & { address: string; token: string }) =>
      show(flags, await setContext(path, name, { address: flags.address, token: flags.token })),
    );
  withOutput(
    context
      .command('use')
      .description('put a context in use; - puts none in use, so that the local node is found'),
  )
    .argument('<name>', 'name, or -')
    .action(async (name: string, flags: OutputFlags) =>
      show(flags, await useContext(path, name === '-' ? '' : name)),
    );
  withOutput(context.command('remove').description('forget a context'))
    .argument('<name>', 'name')
    .action(async (name: string, flags: OutputFlags) => show(flags, await removeContext(path, name)));
}

function contextTable(contexts: Contexts, self: string): string {
  const rows = Object.entries(contexts.byName).map(([name, { address, token }]) => [
    contexts.current === name ? '*' : '',
    name,
    address,
    token === '' ? 'none' : 'kept',
  ]);
  if (rows.length === 0)
    return `No contexts. Add one: ${self} context set NAME --address URL --token TOKEN\n`;
  return `${table([{ title: '' }, { title: 'name' }, { title: 'address' }, { title: 'token' }], rows)}\n`;
}
