// `token issue`.

import { type Command, Option } from 'commander';
import { TokenService } from '../../../proto/gen/starling/server/v1/server_pb.ts';
import type { Scope } from '../../../runtime/service.ts';
import { openAuthority } from '../../node/internal.ts';
import { CliError } from '../exit.ts';
import { moment } from '../format.ts';
import type { Io } from '../io.ts';
import { parseId, parseTtl, parseUserId } from '../parse.ts';
import { type ServerFlags, withTarget } from '../shared.ts';
import { connect, DATA_DEFAULT, keyPath } from '../target.ts';

interface IssueFlags extends ServerFlags {
  readonly user: string;
  readonly device?: string;
  readonly ttl: number;
  readonly scope: Scope;
}

/** Adds the command. */
export function addTokenCommands(program: Command, io: Io): void {
  const token = program.command('token').description('tokens that people and programs sign in with');
  withTarget(
    token.command('issue').description('issue a token: by the key in a data directory, else by the server'),
  )
    .addOption(
      new Option('--user <id>', 'user, or the name of a program')
        .argParser(parseUserId)
        .makeOptionMandatory(),
    )
    .addOption(new Option('--device <id>', 'restrict it to one device').argParser(parseId))
    .addOption(new Option('--ttl <duration>', 'life, 60s to 30d').argParser(parseTtl).default(86_400, '24h'))
    .addOption(
      new Option(
        '--scope <scope>',
        'user: the client API as that user; backend: the server API; admin: everything',
      )
        .choices(['user', 'backend', 'admin'])
        .default('user'),
    )
    .action(async (flags: IssueFlags) => {
      const issued = (await issueLocally(flags, io)) ?? (await issueByServer(flags, io));
      if (flags.output === 'json') {
        const { user, device = '', scope } = flags;
        const json = {
          token: issued.token,
          user_id: user,
          device_id: device,
          scope,
          expire_time_ms: issued.expiresAtMs,
        };
        io.out(`${JSON.stringify(json, undefined, 2)}\n`);
        return;
      }
      // The token alone on standard output, so that "$(starling token issue …)" is it.
      io.out(`${issued.token}\n`);
      if (io.outTty) io.err(`scope ${flags.scope}, ends ${moment(issued.expiresAtMs, io.now())}\n`);
    });
}

interface Issued {
  readonly token: string;
  readonly expiresAtMs: number;
}

/** With the key of the data directory, unless a server was named. */
async function issueLocally(flags: IssueFlags, io: Io): Promise<Issued | undefined> {
  const { STARLING_ADDRESS, STARLING_CONTEXT, STARLING_DATA } = io.environment;
  const named = flags.address ?? flags.context ?? STARLING_ADDRESS ?? STARLING_CONTEXT;
  if (named !== undefined && flags.data === undefined) return undefined;
  const authority = await openAuthority(keyPath(flags.data ?? STARLING_DATA ?? DATA_DEFAULT, io));
  return authority?.issue({
    tenant: 'main',
    userId: flags.user,
    scope: flags.scope,
    ttlSeconds: flags.ttl,
    ...(flags.device === undefined ? {} : { deviceId: flags.device }),
  });
}

async function issueByServer(flags: IssueFlags, io: Io): Promise<Issued> {
  const client = await connect(flags, io);
  if (flags.scope !== 'user') {
    throw new CliError('usage', `A server issues tokens of scope user only, not ${flags.scope}.`, {
      hint: 'Run this where the signing key is, with --data.',
    });
  }
  const request = { userId: flags.user, deviceId: flags.device ?? '', ttlSeconds: flags.ttl };
  const { token, expireTimeMs } = await client.call(TokenService.method.issueToken, request);
  return { token, expiresAtMs: Number(expireTimeMs) };
}
