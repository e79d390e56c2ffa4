// A development node in a process and a directory of its own.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const CLI = fileURLToPath(new URL('../cli/main.ts', import.meta.url));

export interface DevNode {
  /** Base address of gRPC-web, `http://host:port`. */
  readonly http: string;
  /** `host:port` of native gRPC. */
  readonly grpc: string;
  stop(): Promise<void>;
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, 'exit');
  child.kill('SIGTERM');
  await exit;
}

/**
 * Starts a node on free ports; resolves when it serves.
 * @throws Error when it ends instead
 */
export async function startDevNode(): Promise<DevNode> {
  const directory = await mkdtemp(join(tmpdir(), 'starling-interop-'));
  const args = [CLI, 'dev', '--port', '0', '--grpc-port', '0', '--no-web', '-o', 'json'];
  const child = spawn(process.execPath, [...args, '--data', join(directory, 'data')], {
    cwd: directory,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const stop = async () => {
    await end(child);
    await rm(directory, { recursive: true, force: true });
  };
  const lines = createInterface({ input: child.stdout });
  const first = await Promise.race([
    once(lines, 'line').then(([line]) => String(line)),
    once(child, 'exit').then(() => undefined),
  ]);
  if (first === undefined) {
    await stop();
    throw new Error('The node ended before it was ready.');
  }
  const { http, grpc } = JSON.parse(first) as { http: string; grpc: string };
  return { http, grpc: grpc.replace(/^\w+:\/\//, ''), stop };
}

/** A token for a demo user, got as a page of the node gets it. */
export async function signIn(node: DevNode, userId: string): Promise<string> {
  const answer = await fetch(`${node.http}/demo/token`, {
    method: 'POST',
    body: JSON.stringify({ user_id: userId }),
  });
  if (!answer.ok) throw new Error(`Sign-in of ${userId} failed: ${answer.status} ${await answer.text()}`);
  const { token } = (await answer.json()) as { token: string };
  return token;
}
