// What several replicas say together. Owns: the merged answer and what each of them lacks. Does not own: asking them.
//
// Invariants:
// G1  The merged answer ends where the first of the replicas stopped telling: beyond it a newer cell could be missing.

import { contains, type Mutation, type Slice, type SliceAnswer } from './partition.ts';
import { type CellKey, compareKeys, covers, type RangeDelete, type Version, wins } from './version.ts';

/** What a reader gets of a slice. */
export interface Page {
  /** Live cells, in the direction of reading. */
  readonly keys: readonly CellKey[];
  readonly versions: readonly Version[];
  /** Where the next page starts, itself left out; undefined: nothing follows. */
  readonly next: CellKey | undefined;
}

/** Whether two replicas gave the same answer, which is what equal digests show. */
export function agree(a: SliceAnswer, b: SliceAnswer): boolean {
  if (a.keys.length !== b.keys.length || a.more !== b.more || a.ranges.length !== b.ranges.length)
    return false;
  for (let at = 0; at < a.keys.length; at += 1) {
    if (a.keys[at] !== b.keys[at]) return false;
    const x = a.versions[at];
    const y = b.versions[at];
    if (x !== y && (x === undefined || y === undefined || wins(x, y) || wins(y, x))) return false;
  }
  return a.ranges.every((range) =>
    b.ranges.some((other) => contains(other, range) && contains(range, other)),
  );
}

/** The page of an answer that needs no merging. */
export function pageOf(answer: SliceAnswer): Page {
  const next = answer.more ? answer.keys.at(-1) : undefined;
  if (answer.versions.every(({ live }) => live)) {
    return { keys: answer.keys, versions: answer.versions, next };
  }
  const keys: CellKey[] = [];
  const versions: Version[] = [];
  for (const [at, version] of answer.versions.entries()) {
    const key = answer.keys[at];
    if (!version.live || key === undefined) continue;
    keys.push(key);
    versions.push(version);
  }
  return { keys, versions, next };
}

/** Merges answers cell by cell; `missing` is, for each answer in order, what its replica lacks. */
export function mergeAnswers(
  slice: Slice,
  answers: readonly SliceAnswer[],
): { readonly page: Page; readonly missing: readonly (Mutation | undefined)[] } {
  const step = slice.descending === true ? -1 : 1;
  const bound = boundOf(answers, step);
  const ranges = mergeRanges(answers);
  const cells = new Map<CellKey, Version>();
  for (const { keys, versions } of answers) {
    for (const [at, version] of versions.entries()) {
      const key = keys[at];
      if (key === undefined || (bound !== undefined && compareKeys(key, bound) * step > 0)) continue;
      if (ranges.some((range) => covers(range, key, version.ts))) continue;
      const old = cells.get(key);
      if (old === undefined || wins(version, old)) cells.set(key, version);
    }
  }
  const keys = [...cells.keys()].sort((a, b) => compareKeys(a, b) * step);
  const merged: SliceAnswer = {
    keys,
    versions: keys.flatMap((key) => cells.get(key) ?? []),
    ranges,
    more: false,
  };
  return {
    page: { ...pageOf(merged), next: bound },
    missing: answers.map((answer) => missingOf(slice.partition, answer, cells, ranges)),
  };
}

/** G1. */
function boundOf(answers: readonly SliceAnswer[], step: 1 | -1): CellKey | undefined {
  let bound: CellKey | undefined;
  for (const { more, keys } of answers) {
    const last = more ? keys.at(-1) : undefined;
    if (last !== undefined && (bound === undefined || compareKeys(last, bound) * step < 0)) bound = last;
  }
  return bound;
}

function mergeRanges(answers: readonly SliceAnswer[]): RangeDelete[] {
  const merged: RangeDelete[] = [];
  for (const { ranges } of answers) {
    for (const range of ranges) if (!merged.some((old) => contains(old, range))) merged.push(range);
  }
  return merged;
}

function missingOf(
  partition: string,
  answer: SliceAnswer,
  merged: ReadonlyMap<CellKey, Version>,
  ranges: readonly RangeDelete[],
): Mutation | undefined {
  const had = new Map(answer.keys.map((key, at) => [key, answer.versions[at]]));
  const cells = [...merged].filter(([key, version]) => {
    const own = had.get(key);
    return own === undefined || wins(version, own);
  });
  const lacking = ranges.filter((range) => !answer.ranges.some((own) => contains(own, range)));
  return cells.length + lacking.length === 0 ? undefined : { partition, cells, ranges: lacking };
}
