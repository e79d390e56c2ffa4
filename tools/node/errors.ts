// Why a node does not start, in words for the person who starts it. Owns: the sentences and what to do. Does not own: exit codes.

import { StarlingError } from '../../runtime/errors.ts';
import { isAlive, type NodeAddress } from './files.ts';
import { KeyFileError } from './key-file.ts';
import type { NodeConfig } from './settings.ts';

/** The node cannot start. */
export class StartError extends Error {
  override readonly name = 'StartError';
  /** What to do about it. */
  readonly hint: string;

  constructor(message: string, hint: string, cause: unknown) {
    super(message, { cause });
    this.hint = hint;
  }
}

/** Makes a StartError of what a part threw; anything unexpected stays as it is. */
export function explainStart(error: unknown, config: NodeConfig, running: NodeAddress | undefined): unknown {
  const { code, port } = error as { code?: unknown; port?: unknown };
  if (code === 'EADDRINUSE') return portInUse(error, config, typeof port === 'number' ? port : undefined);
  if (code === 'EACCES' && typeof port === 'number') {
    const hint = 'Ports below 1024 need a privilege: choose a higher one with --port and --grpc-port.';
    return new StartError(`Port ${port} may not be used by this account.`, hint, error);
  }
  if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND') {
    const hint = 'Use an address of this machine: 127.0.0.1, or 0.0.0.0 for all.';
    return new StartError(`http.host "${config['http.host']}" is no address of this machine.`, hint, error);
  }
  if (error instanceof KeyFileError) return new StartError(error.message, '', error);
  if (error instanceof StarlingError && error.code === 'STORAGE_FAILED') {
    if (running !== undefined && isAlive(running.pid)) {
      const hint = `It is at ${running.http}. Stop it (kill ${running.pid}), or start this one with another --data.`;
      return new StartError(`A node runs on ${config.data} already: pid ${running.pid}.`, hint, error);
    }
    return new StartError(
      error.message,
      `See that the disk of ${config.data} works and that nobody else uses it.`,
      error,
    );
  }
  return error;
}

function portInUse(error: unknown, config: NodeConfig, port: number | undefined): StartError {
  const isGrpc = port !== undefined && port === config['grpc.port'];
  const flag = isGrpc ? '--grpc-port' : '--port';
  const shown = port ?? `${config['http.port']} or ${config['grpc.port']}`;
  const hint =
    `Choose another one with ${flag} (0 = any free one), or stop what uses it` +
    (port === undefined ? '.' : `: ss -ltnp 'sport = :${port}' shows it.`);
  return new StartError(`Port ${shown} is in use.`, hint, error);
}
