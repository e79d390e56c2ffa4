// Which stages of a table a command line asks for: all, or `--only a,b`.

import { parseArgs } from 'node:util';
import type { Stage } from './stage.ts';

/** The stages to run, in the order of the table. Throws an Error that names the known stages on a wrong name. */
export function selectStages(table: readonly Stage[], args: readonly string[]): readonly Stage[] {
  const { values } = parseArgs({ args: [...args], options: { only: { type: 'string' } } });
  if (values.only === undefined) return table;
  const wanted = values.only.split(',');
  const known = table.map((stage) => stage.name);
  const unknown = wanted.filter((name) => !known.includes(name));
  if (unknown.length > 0) {
    throw new Error(`no stage is called ${unknown.join(', ')}; there are ${known.join(', ')}`);
  }
  return table.filter((stage) => wanted.includes(stage.name));
}

/** The same for the command line of this process; ends it with 2 and one sentence where that is not understood. */
export function stagesOfCommandLine(table: readonly Stage[]): readonly Stage[] {
  try {
    return selectStages(table, process.argv.slice(2));
  } catch (error) {
    process.stderr.write(`error: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(2);
  }
}
