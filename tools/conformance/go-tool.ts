// Programs of others that come as Go modules: built once, kept under the user's cache directory.

import { spawn } from 'node:child_process';
import { access, mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';

export interface GoTool {
  /** Import path of the program. */
  readonly module: string;
  /** Exact version, `v1.2.3`. */
  readonly version: string;
  /** Name of the program. Default: the last part of `module`. */
  readonly name?: string;
}

/** Runs a program with our own output; resolves with its exit code, 1 where a signal ended it. */
export function run(
  command: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv = process.env,
): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ['ignore', 'inherit', 'inherit'], env });
    child.once('error', reject);
    child.once('exit', (code) => resolve(code ?? 1));
  });
}

/**
 * The path of the built program; builds it where this version is not there yet. It becomes visible by one rename, so that
 * several may build it at once.
 * @throws Error when Go is missing or the build fails
 */
export async function goTool({
  module,
  version,
  name = module.slice(module.lastIndexOf('/') + 1),
}: GoTool): Promise<string> {
  const { XDG_CACHE_HOME: cache = join(homedir(), '.cache') } = process.env;
  const directory = join(cache, 'starling', 'bin', `${name}-${version}`);
  const program = join(directory, name);
  const there = await access(program).then(
    () => true,
    () => false,
  );
  if (there) return program;
  await mkdir(directory, { recursive: true });
  const scratch = await mkdtemp(join(directory, '.build-'));
  try {
    console.log(`building ${name} ${version} (once)`);
    const code = await run('go', ['install', `${module}@${version}`], { ...process.env, GOBIN: scratch });
    if (code !== 0) throw new Error(`go install ${module}@${version} failed with exit code ${code}.`);
    await rename(join(scratch, name), program);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
  return program;
}
