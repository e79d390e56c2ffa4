// What the commands about the schema print.

import { pairs } from './format.ts';
import { joined, next } from './views.ts';

/** What there is of a keyspace. */
export interface SchemaFound {
  /** Version found; 0 = none. */
  readonly found: number;
  /** Version that this release needs. */
  readonly wanted: number;
  readonly stripes: number | undefined;
  /** Copies for each data centre; undefined without keyspace. */
  readonly dataCenters: Readonly<Record<string, number>> | undefined;
}

/** A step of the schema. */
export interface SchemaStep {
  readonly version: number;
  readonly title: string;
  readonly statements: readonly string[];
}

/** How a keyspace stands to this release. */
export type SchemaState = 'current' | 'missing' | 'too_old' | 'too_new';

export function schemaState({ found, wanted, stripes, dataCenters }: SchemaFound): SchemaState {
  if (dataCenters === undefined) return 'missing';
  if (found > wanted) return 'too_new';
  return found < wanted || stripes === undefined ? 'too_old' : 'current';
}

const PROBLEMS: Readonly<Record<Exclude<SchemaState, 'current'>, readonly [text: string, help: string]>> = {
  missing: ['the keyspace is not there', 'Make it: starling schema apply --replication DATA_CENTER=COPIES'],
  too_old: [
    'this release needs a later schema',
    'Bring it up before nodes of this release start: starling schema apply',
  ],
  too_new: ['a later release has changed it', 'Nodes of this release do not start on it: use the later one'],
};

/** What is wrong, with what to do; undefined where nothing is. */
export function schemaProblem(status: SchemaFound): readonly [text: string, help: string] | undefined {
  const state = schemaState(status);
  return state === 'current' ? undefined : PROBLEMS[state];
}

/** The keyspace. */
export function schemaStatusView(keyspace: string, status: SchemaFound): string {
  const problem = schemaProblem(status);
  const { found, wanted, stripes, dataCenters } = status;
  return joined([
    problem === undefined ? '' : `! ${problem[0]}\n  ${problem[1]}`,
    pairs([
      ['keyspace', keyspace],
      ['schema', dataCenters === undefined ? 'none' : `version ${found}, this release needs ${wanted}`],
      ['stripes', stripes === undefined ? 'none' : `${stripes}`],
      ['copies', dataCenters === undefined ? 'none' : copiesText(dataCenters)],
    ]),
  ]);
}

export function copiesText(dataCenters: Readonly<Record<string, number>>): string {
  return Object.entries(dataCenters)
    .map(([name, copies]) => `${name}=${copies}`)
    .join(', ');
}

/** The statements that would be run, in a form that cqlsh takes. */
export function schemaPlanView(keyspace: string, steps: readonly SchemaStep[], self: string): string {
  if (steps.length === 0) return `${keyspace} is up to date: nothing is to be done.\n`;
  return joined([
    ...steps.map(({ version, title, statements }) =>
      [`-- ${version}: ${title}`, ...statements.map((statement) => `${outdented(statement)};`)].join('\n'),
    ),
    // As a comment, so that the whole can be read as CQL.
    `-- ${next(`${self} schema apply`)}`,
  ]);
}

/** Without the indentation that statements have in the source. */
function outdented(statement: string): string {
  return statement
    .split('\n')
    .map((line, index) => (index === 0 ? line.trim() : `  ${line.trim()}`))
    .join('\n');
}
