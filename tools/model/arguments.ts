// The command line of the model.

import { parseArgs } from 'node:util';
import type { Case } from './case.ts';

export const USAGE = `usage: make model ARGS="[--quick] [--only NAME[,NAME]] [--trace NAME] [--json FILE] [--page]"
  --quick        the smaller bounds and all mutants: about a minute on two cores
  --only NAME    these cases alone, separated by commas
  --trace NAME   this case alone, and its counter-example as lines of who does what
  --json FILE    also writes the results, traces included, as JSON
  --page         also brings the tables and traces of docs/model.md up to date
  --help         this text
`;

export interface ModelOptions {
  readonly quick: boolean;
  /** Names of the cases asked for; empty for all. */
  readonly only: readonly string[];
  readonly trace: string | undefined;
  readonly json: string | undefined;
  readonly page: boolean;
  readonly help: boolean;
}

/** Reads the command line; a text says what is wrong with it. */
export function parseModelArguments(args: readonly string[], cases: readonly Case[]): ModelOptions | string {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        quick: { type: 'boolean', default: false },
        only: { type: 'string' },
        trace: { type: 'string' },
        json: { type: 'string' },
        page: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    });
    const only = [...(values.only?.split(',') ?? []), ...(values.trace === undefined ? [] : [values.trace])];
    const unknown = only.filter((name) => !cases.some((one) => one.name === name));
    if (unknown.length > 0) {
      return `no case is called ${unknown.join(', ')}; there are ${cases.map(({ name }) => name).join(', ')}`;
    }
    const { quick, trace, json, page, help } = values;
    return { quick, only, trace, json, page, help };
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** The cases that a command line asks for. A name asks for its case also in the quick run. */
export function selectCases(cases: readonly Case[], { quick, only }: ModelOptions): readonly Case[] {
  if (only.length > 0) return cases.filter(({ name }) => only.includes(name));
  return quick ? cases.filter((one) => one.quick) : cases;
}
