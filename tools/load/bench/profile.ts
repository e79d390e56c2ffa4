// Where a server's processor time went. Owns: reading the profiles that Node.js wrote, functions by their own time.

import { readdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';

interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
  }[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

/** One function and its own time. */
export interface Hot {
  readonly where: string;
  readonly ms: number;
  /** Of all time but idle. */
  readonly share: number;
}

/** The functions of one profile by their own time, the longest first; idle time is left out. */
export function hottest(profile: CpuProfile): Hot[] {
  const places = new Map(profile.nodes.map(({ id, callFrame }) => [id, placeOf(callFrame)]));
  const own = new Map<string, number>();
  for (const [at, id] of profile.samples.entries()) {
    const place = places.get(id) ?? '(unknown)';
    own.set(place, (own.get(place) ?? 0) + (profile.timeDeltas[at] ?? 0) / 1_000);
  }
  own.delete('(idle)');
  const total = [...own.values()].reduce((sum, ms) => sum + ms, 0);
  return [...own]
    .map(([where, ms]) => ({ where, ms, share: ms / total }))
    .sort((one, other) => other.ms - one.ms);
}

/** The same time by file, the most first. */
export function byFile(hot: readonly Hot[]): Hot[] {
  const files = new Map<string, Hot>();
  for (const { where, ms, share } of hot) {
    // Only a function of a file ends with a line number; `(garbage collector)` stays as it is.
    const file = /(\S+):\d+$/.exec(where)?.[1] ?? where;
    const sum = files.get(file);
    files.set(file, { where: file, ms: ms + (sum?.ms ?? 0), share: share + (sum?.share ?? 0) });
  }
  return [...files.values()].sort((one, other) => other.ms - one.ms);
}

function placeOf(frame: CpuProfile['nodes'][number]['callFrame']): string {
  const { functionName, url, lineNumber } = frame;
  if (url === '') return functionName === '' ? '(anonymous)' : functionName;
  const file = url.startsWith('node:') ? url : url.split('/').slice(-3).join('/');
  return `${functionName === '' ? '(anonymous)' : functionName} ${file}:${lineNumber + 1}`;
}

/** The profiles in a directory, with the busiest functions of each, for people. */
export async function describeProfiles(directory: string, rows = 40): Promise<string> {
  const files = (await readdir(directory)).filter((name) => name.endsWith('.cpuprofile'));
  const parts = await Promise.all(
    files.map(async (name) => {
      const hot = hottest(JSON.parse(await readFile(join(directory, name), 'utf8')) as CpuProfile);
      const total = hot.reduce((sum, each) => sum + each.ms, 0);
      return [
        `${basename(name)}: ${total.toFixed(0)} ms busy`,
        ...lines(hot, rows),
        'by file:',
        ...lines(byFile(hot), rows / 2),
      ].join('\n');
    }),
  );
  return parts.join('\n\n');
}

function lines(hot: readonly Hot[], rows: number): string[] {
  return hot
    .slice(0, rows)
    .map(
      ({ where, ms, share }) =>
        `${(share * 100).toFixed(1).padStart(6)} % ${ms.toFixed(0).padStart(7)} ms  ${where}`,
    );
}
