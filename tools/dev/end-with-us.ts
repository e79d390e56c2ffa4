// Programs that this one started must not outlive it. Owns: killing them when this process is gone, however it went.

import { spawn } from 'node:child_process';

/**
 * Kills a process when this one is gone, SIGKILL included: then the pipe to a waiting shell is closed. That shell is in no
 * terminal's group, so that Ctrl-C does not end it before its time. The result undoes it.
 */
export function endWithUs(pid: number): () => void {
  if (pid === 0) return () => {};
  const watcher = spawn('sh', ['-c', 'read -r _; kill -9 "$0"', `${pid}`], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  watcher.once('error', () => {});
  watcher.unref();
  return () => watcher.kill('SIGKILL');
}
