// Small files that others read while we write. Owns: atomic replacement, `node.json`. Does not own: the store's files.

import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Where a running node can be reached: the content of `node.json` and of a ready file. */
export interface NodeAddress {
  /** Base address of gRPC-web and the web page. */
  readonly http: string;
  /** `host:port` of native gRPC. */
  readonly grpc: string;
  /** Process id. */
  readonly pid: number;
  /** The processes that serve, where that one only watches over them; in `node.json` alone, as they come and go. */
  readonly workers?: readonly { readonly node: string; readonly pid: number }[];
}

/** Name of the file in the data directory that tells where the node that runs on it is. */
export const NODE_FILE = 'node.json';

/** Replaces a file in one step: a reader sees the old content or the new, never a part. */
export async function writeAtomic(path: string, content: string, mode = 0o644): Promise<void> {
  const beside = `${path}.${process.pid}.tmp`;
  try {
    await writeFile(beside, content, { mode, flush: true });
    await rename(beside, path);
  } catch (error) {
    await rm(beside, { force: true });
    throw error;
  }
}

/** Says in the data directory where the node is. */
export async function announce(directory: string, address: NodeAddress): Promise<void> {
  await mkdir(directory, { recursive: true });
  await writeAtomic(join(directory, NODE_FILE), `${JSON.stringify(address)}\n`);
}

/** Takes the announcement back. */
export async function withdraw(directory: string): Promise<void> {
  await rm(join(directory, NODE_FILE), { force: true });
}

/** Reads an announcement; undefined where there is none, or none that can be understood. */
export async function readAnnouncement(directory: string): Promise<NodeAddress | undefined> {
  let value: unknown;
  try {
    value = JSON.parse(await readFile(join(directory, NODE_FILE), 'utf8'));
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null) return undefined;
  const { http, grpc, pid, workers } = value as Record<string, unknown>;
  if (typeof http !== 'string' || typeof grpc !== 'string' || typeof pid !== 'number') return undefined;
  return { http, grpc, pid, ...(Array.isArray(workers) ? { workers: workers.filter(isWorker) } : {}) };
}

function isWorker(value: unknown): value is { readonly node: string; readonly pid: number } {
  if (typeof value !== 'object' || value === null) return false;
  const { node, pid } = value as Record<string, unknown>;
  return typeof node === 'string' && typeof pid === 'number';
}

/** True while a process with this id exists. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
