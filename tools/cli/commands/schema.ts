// `schema plan`, `schema apply`, `schema status`: these talk to Cassandra itself, with the settings of a node.

import { type Command, Option } from 'commander';
import { StarlingError } from '../../../runtime/errors.ts';
import { cassandraConnection, type NodeConfig } from '../../node/internal.ts';
import { CliError, type ExitName } from '../exit.ts';
import type { Io } from '../io.ts';
import { collectSetting, parseInteger, parseReplication } from '../parse.ts';
import {
  copiesText,
  type SchemaFound,
  type SchemaStep,
  schemaPlanView,
  schemaProblem,
  schemaState,
  schemaStatusView,
} from '../schema-view.ts';
import { readSettings } from '../serve.ts';
import { type OutputFlags, print, withOutput } from '../shared.ts';

interface SchemaFlags extends OutputFlags {
  readonly config?: string;
  readonly set: Readonly<Record<string, string>>;
  readonly cassandra?: string;
  readonly keyspace?: string;
}

interface ChangeFlags extends SchemaFlags {
  readonly replication?: Readonly<Record<string, number>>;
  readonly stripes?: number;
  readonly dryRun?: boolean;
}

/** What takes the place of contact points that are not set. */
const UNSET = 'unset';

/** Adds the commands. */
export function addSchemaCommands(program: Command, io: Io): void {
  const schema = program.command('schema').description('tables in Cassandra, for a cluster');
  withCassandra(
    schema.command('status').description('show the version found and the one that is needed'),
  ).action((flags: SchemaFlags) => status(flags, io));
  withChange(schema.command('plan').description('print the statements that apply would run')).action(
    (flags: ChangeFlags) => change({ ...flags, dryRun: true }, io),
  );
  withChange(
    schema
      .command('apply')
      .description('make or bring up the keyspace; safe to run again, one at a time for a keyspace'),
  )
    .option('--dry-run', 'as plan: change nothing')
    .action((flags: ChangeFlags) => change(flags, io));
}

function withCassandra(command: Command): Command {
  return withOutput(command)
    .option('--cassandra <points>', 'some nodes, separated by commas (cassandra.contact_points)')
    .option('--keyspace <name>', 'keyspace (cassandra.keyspace)')
    .option('--config <file>', 'JSON file of settings (docs/operating/configuration.md)')
    .option('--set <key=value>', 'any setting, e.g. cassandra.user=…; may be repeated', collectSetting, {});
}

function withChange(command: Command): Command {
  return withCassandra(command)
    .addOption(
      new Option(
        '--replication <dc=copies>',
        'copies in each data centre, e.g. dc1=3; for a new keyspace',
      ).argParser(parseReplication),
    )
    .addOption(
      new Option(
        '--stripes <n>',
        'shares of all actors, never changed later; more for more data; for a new keyspace (default: 64)',
      ).argParser(parseInteger({ min: 1, max: 65_536 })),
    );
}

type Door = Awaited<ReturnType<typeof openDoor>>;

/** Loads the driver only here: no other command needs it. */
async function openDoor(config: NodeConfig) {
  const { openSchema } = await import('../../../cluster/cassandra/index.ts');
  return openSchema(await cassandraConnection(config));
}

/** Does something to the schema. @throws CliError in place of what the driver refuses */
async function withDoor(
  flags: SchemaFlags,
  io: Io,
  use: (door: Door, keyspace: string) => Promise<void>,
): Promise<void> {
  const config = await readSettings(flags, io, {
    // NATS is not used here, so that nobody has to name it.
    defaults: { 'nats.servers': UNSET, 'cassandra.contact_points': UNSET },
    flags: { 'cassandra.contact_points': flags.cassandra, 'cassandra.keyspace': flags.keyspace },
  });
  if (['', UNSET].includes(config['cassandra.contact_points'])) {
    throw new CliError('usage', 'Where is Cassandra? Name some of its nodes.', {
      hint: 'With --cassandra 10.0.0.1:9042, --config FILE, or STARLING_CASSANDRA_CONTACT_POINTS.',
    });
  }
  let door: Door | undefined;
  try {
    door = await openDoor(config);
    await use(door, config['cassandra.keyspace']);
  } catch (error) {
    throw error instanceof StarlingError ? explained(error) : error;
  } finally {
    await door?.close();
  }
}

const EXITS: Readonly<Record<string, ExitName>> = {
  UNREACHABLE: 'unreachable',
  ACCOUNT_REFUSED: 'refused',
  DATA_CENTER_UNKNOWN: 'usage',
};

function explained(error: StarlingError): CliError {
  const { reason = '' } = error.metadata;
  const exit = error.code === 'INVALID_REQUEST' ? 'usage' : (EXITS[reason] ?? 'failed');
  return new CliError(exit, error.message, { cause: error });
}

async function status(flags: SchemaFlags, io: Io): Promise<void> {
  await withDoor(flags, io, async (door, keyspace) => {
    const found = await door.status(keyspace);
    print(io, flags, {
      text: () => schemaStatusView(keyspace, found),
      json: () => statusJson(keyspace, found),
    });
    const problem = schemaProblem(found);
    if (problem !== undefined) throw new CliError('failed', `${keyspace}: ${problem[0]}.`);
  });
}

function statusJson(keyspace: string, found: SchemaFound): object {
  return {
    keyspace,
    state: schemaState(found),
    found_version: found.found,
    wanted_version: found.wanted,
    stripes: found.stripes ?? 0,
    replication: found.dataCenters ?? {},
  };
}

async function change(flags: ChangeFlags, io: Io): Promise<void> {
  await withDoor(flags, io, async (door, keyspace) => {
    const before = await door.status(keyspace);
    if (schemaState(before) === 'too_new') {
      const problem = schemaProblem(before) ?? ['', ''];
      throw new CliError('failed', `${keyspace}: ${problem[0]}: version ${before.found}.`, {
        hint: `${problem[1]}.`,
      });
    }
    const { stripes, dryRun } = flags;
    const wanted = {
      keyspace,
      dataCenters: replicationFor(keyspace, before, flags),
      ...(stripes === undefined ? {} : { stripes }),
    };
    const steps = dryRun === true ? await door.plan(wanted) : await door.apply(wanted);
    print(io, flags, {
      text: () => (dryRun === true ? schemaPlanView(keyspace, steps, io.self) : appliedText(keyspace, steps)),
      json: () => ({ keyspace, dry_run: dryRun === true, steps }),
    });
  });
}

/** The copies of a new keyspace. Those of one that is there, and its stripes, are not changed from here. */
function replicationFor(
  keyspace: string,
  { dataCenters, stripes }: SchemaFound,
  flags: ChangeFlags,
): Readonly<Record<string, number>> {
  if (stripes !== undefined && flags.stripes !== undefined && flags.stripes !== stripes)
    throw new CliError('usage', `${keyspace} has ${stripes} stripes, and their number never changes.`);
  const { replication } = flags;
  if (dataCenters === undefined) {
    if (replication !== undefined) return replication;
    throw new CliError('usage', `${keyspace} is new: say how many copies each data centre keeps.`, {
      hint: 'With --replication dc1=3. One copy (dc1=1) is for trying it out: with it a disk that is lost is data that is lost.',
    });
  }
  const there = copiesText(dataCenters);
  if (replication !== undefined && !sameCopies(replication, dataCenters)) {
    throw new CliError('usage', `${keyspace} has the copies ${there}; they are not changed from here.`, {
      hint: 'Change them with ALTER KEYSPACE and a full repair, while nothing else changes: docs/operating/cluster.md.',
    });
  }
  return dataCenters;
}

function sameCopies(a: Readonly<Record<string, number>>, b: Readonly<Record<string, number>>): boolean {
  const names = [...new Set([...Object.keys(a), ...Object.keys(b)])];
  return names.every((name) => a[name] === b[name]);
}

function appliedText(keyspace: string, steps: readonly SchemaStep[]): string {
  if (steps.length === 0) return `${keyspace} is up to date: nothing was to be done.\n`;
  const done = steps.map(({ version, title }) => `  ✓ ${version}  ${title}\n`).join('');
  return `${done}${keyspace} is at version ${steps.at(-1)?.version ?? 0}.\n`;
}
