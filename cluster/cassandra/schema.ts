// The schema's versions. Owns: what is there, what is missing, bringing it up, and refusing what this release can't use.
// Does not own: the tables (migrations.ts).
//
// Invariants:
// V1  The version is written after the statements of its step, all of which may run twice: a step that was cut off is run
//     again, and a version that is written is complete.
// V2  The number of stripes is written once and never changed (P2 of partition.ts).

import { StarlingError } from '../../runtime/errors.ts';
import { stripesDefault, stripesMax } from './limits.ts';
import { foundationOf, type Migration, migrationsOf } from './migrations.ts';

/** Runs one statement with quorum, and returns its rows. */
export type Run = (
  query: string,
  params?: readonly unknown[],
) => Promise<readonly { readonly [name: string]: unknown }[]>;

/** What is there. */
export interface SchemaStatus {
  /** Version found; 0 without keyspace. */
  readonly found: number;
  /** Version that this release needs. */
  readonly wanted: number;
  /** Undefined where the keyspace was never set up. */
  readonly stripes: number | undefined;
  /** Data centres and their copies, as the keyspace has them; undefined without keyspace. */
  readonly dataCenters: Readonly<Record<string, number>> | undefined;
}

export interface SchemaOptions {
  readonly keyspace: string;
  /** Copies for each data centre; used when the keyspace is made. */
  readonly dataCenters: Readonly<Record<string, number>>;
  /** Used when the keyspace is made; default 64. More for more data: a stripe is a share of all actors. */
  readonly stripes?: number;
}

/** Version of the schema that this release needs. */
export const schemaVersion = 1;

const nameRule = /^[a-z][a-z0-9_]{0,47}$/;

/** @throws StarlingError INVALID_REQUEST */
export function checkKeyspace(keyspace: string): string {
  if (!nameRule.test(keyspace)) {
    throw new StarlingError('INVALID_REQUEST', `keyspace: "${keyspace}" must be 1 to 48 of a-z, 0-9 and _`);
  }
  return keyspace;
}

/** What there is of a keyspace. Changes nothing. */
export async function schemaStatus(run: Run, keyspace: string): Promise<SchemaStatus> {
  checkKeyspace(keyspace);
  const base = { found: 0, wanted: schemaVersion, stripes: undefined };
  const [space] = await run('SELECT replication FROM system_schema.keyspaces WHERE keyspace_name = ?', [
    keyspace,
  ]);
  if (space === undefined) return { ...base, dataCenters: undefined };
  const dataCenters = copiesOf(space['replication']);
  const tables = 'SELECT table_name FROM system_schema.tables WHERE keyspace_name = ? AND table_name = ?';
  const [table] = await run(tables, [keyspace, 'facts']);
  if (table === undefined) return { ...base, dataCenters };
  const facts = new Map<string, string>();
  for (const row of await run(`SELECT name, value FROM ${keyspace}.facts`)) {
    facts.set(String(row['name']), String(row['value']));
  }
  const stripes = facts.get('stripes');
  return {
    found: Number(facts.get('schema_version') ?? 0),
    wanted: schemaVersion,
    stripes: stripes === undefined ? undefined : Number(stripes),
    dataCenters,
  };
}

/** The steps that `applySchema` would run. Changes nothing. */
export async function planSchema(run: Run, options: SchemaOptions): Promise<readonly Migration[]> {
  const { found, stripes } = await schemaStatus(run, options.keyspace);
  const missing = migrationsOf(options.keyspace).filter(({ version }) => version > found);
  if (stripes !== undefined) return missing;
  const title = `keyspace with ${stripesFor(options)} stripes`;
  return [{ version: 0, title, statements: foundationOf(options.keyspace, options.dataCenters) }, ...missing];
}

/**
 * Brings the schema to this release's version; returns the steps that were run. One at a time: the server takes changes of a
 * schema from two sides badly.
 * @throws StarlingError VERSION_TOO_NEW where a later release has been there
 */
export async function applySchema(run: Run, options: SchemaOptions): Promise<readonly Migration[]> {
  const { keyspace } = options;
  const steps = await planSchema(run, options);
  const before = await schemaStatus(run, keyspace);
  refuseNewer(before, keyspace);
  const facts = `INSERT INTO ${keyspace}.facts (name, value) VALUES (?, ?) IF NOT EXISTS`;
  for (const step of steps) {
    for (const statement of step.statements) await run(statement);
    if (step.version === 0) {
      await run(facts, ['stripes', String(stripesFor(options))]);
      continue;
    }
    await run(facts, ['schema_version', '0']);
    const raise = `UPDATE ${keyspace}.facts SET value = ? WHERE name = ? IF value = ?`;
    await run(raise, [String(step.version), 'schema_version', String(step.version - 1)]);
  }
  return steps;
}

/**
 * The number of stripes of a keyspace that this release can use.
 * @throws StarlingError STORAGE_FAILED, VERSION_TOO_NEW, each with what to do
 */
export function usableStripes(status: SchemaStatus, keyspace: string, home: string): number {
  refuseNewer(status, keyspace);
  if (status.dataCenters === undefined) {
    throw refusal('KEYSPACE_MISSING', `Keyspace ${keyspace} does not exist. Make it: starling schema apply.`);
  }
  if (status.stripes === undefined || status.found < status.wanted) {
    const detail = `Keyspace ${keyspace} has schema version ${status.found}, this release needs ${status.wanted}.`;
    throw refusal('SCHEMA_TOO_OLD', `${detail} Bring it up: starling schema apply.`);
  }
  if (status.dataCenters[home] === undefined) {
    const known = Object.keys(status.dataCenters).join(', ');
    throw refusal('DATA_CENTER_UNKNOWN', `Keyspace ${keyspace} has copies in ${known}, none in ${home}.`);
  }
  return status.stripes;
}

function refuseNewer(status: SchemaStatus, keyspace: string): void {
  if (status.found <= status.wanted) return;
  const detail = `Keyspace ${keyspace} has schema version ${status.found}, this release knows ${status.wanted}.`;
  throw new StarlingError('VERSION_TOO_NEW', `${detail} Use the later release.`, {
    metadata: { reason: 'SCHEMA_TOO_NEW' },
  });
}

/** A refusal to start. */
export function refusal(reason: string, detail: string, cause?: unknown): StarlingError {
  return new StarlingError('STORAGE_FAILED', detail, { metadata: { reason }, cause });
}

function stripesFor({ stripes = stripesDefault }: SchemaOptions): number {
  if (!Number.isInteger(stripes) || stripes < 1 || stripes > stripesMax) {
    throw new StarlingError('INVALID_REQUEST', `stripes: must be 1 to ${stripesMax}`);
  }
  return stripes;
}

function copiesOf(replication: unknown): Record<string, number> {
  const entries = replication instanceof Map ? [...replication] : Object.entries(replication as object);
  const copies = entries.filter(([name]) => name !== 'class').map(([name, count]) => [name, Number(count)]);
  return Object.fromEntries(copies) as Record<string, number>;
}
