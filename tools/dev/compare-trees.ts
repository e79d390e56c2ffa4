// Compares two sets of files by name and content.

/** One sentence for each file that is missing, left over or different; empty where the sets are equal. */
export function compareTrees(
  committed: ReadonlyMap<string, string>,
  wanted: ReadonlyMap<string, string>,
): string[] {
  const names = [...new Set([...committed.keys(), ...wanted.keys()])].sort();
  return names.flatMap((name) => {
    const [have, want] = [committed.get(name), wanted.get(name)];
    if (have === want) return [];
    if (have === undefined) return [`${name} is missing`];
    return [want === undefined ? `${name} is left over` : `${name} differs`];
  });
}
