// Figures for people and for programs. Owns: a table on the terminal and a JSON file under `out/`.

import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Directory of results. */
export const OUT = fileURLToPath(new URL('../../out/', import.meta.url));

/** One figure. */
export interface Figure {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  /** What bounds it, measured in the same run. */
  readonly limit?: number;
  /** value / limit. */
  readonly ratio?: number;
}

/** Writes `out/<name>`. Returns the path. */
export async function writeFigures(name: string, figures: readonly Figure[]): Promise<string> {
  await mkdir(OUT, { recursive: true });
  const path = join(OUT, name);
  await writeFile(path, `${JSON.stringify(figures, undefined, 2)}\n`);
  return path;
}

/** Rows in columns; the first column to the left, the others to the right. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows
    .map((row) =>
      row
        .map((cell, column) =>
          column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0),
        )
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** A number as people read it: at most three figures after the point, thousands apart. */
export function readable(value: number): string {
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 3;
  return value.toLocaleString('en-US', { maximumFractionDigits: digits });
}
