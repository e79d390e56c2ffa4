// How values look on a terminal. Owns: width of text, tables, times, counts, durations. Does not own: what is shown.

/** Columns that a text takes on a terminal: wide characters (Chinese, emoji) take two, combining ones none. */
export function textWidth(text: string): number {
  let width = 0;
  for (const { segment } of new Intl.Segmenter('und', { granularity: 'grapheme' }).segment(text)) {
    width += clusterWidth(segment);
  }
  return width;
}

function clusterWidth(cluster: string): number {
  if (
    /\p{Extended_Pictographic}/u.test(cluster) &&
    (cluster.length > 1 || /\p{Emoji_Presentation}/u.test(cluster))
  ) {
    return 2;
  }
  const first = cluster.codePointAt(0) ?? 0;
  if (first < 32 || (first >= 0x7f && first < 0xa0)) return 0;
  return isWide(first) ? 2 : 1;
}

function isWide(code: number): boolean {
  return (
    (code >= 0x1100 && code <= 0x115f) ||
    (code >= 0x2e80 && code <= 0xa4cf && code !== 0x303f) ||
    (code >= 0xac00 && code <= 0xd7a3) ||
    (code >= 0xf900 && code <= 0xfaff) ||
    (code >= 0xfe30 && code <= 0xfe6f) ||
    (code >= 0xff00 && code <= 0xff60) ||
    (code >= 0xffe0 && code <= 0xffe6) ||
    (code >= 0x1f300 && code <= 0x1faff) ||
    (code >= 0x20000 && code <= 0x3fffd)
  );
}

/** Cuts a text to at most so many columns, with an ellipsis, and makes it one line without control characters. */
export function fit(text: string, columns: number): string {
  const line = text.replace(/[[\p{Cc}\p{Cf}]--\u200d]+/gv, ' ');
  if (textWidth(line) <= columns) return line;
  let kept = '';
  let width = 0;
  for (const { segment } of new Intl.Segmenter('und', { granularity: 'grapheme' }).segment(line)) {
    const next = clusterWidth(segment);
    if (width + next > columns - 1) break;
    kept += segment;
    width += next;
  }
  return `${kept}…`;
}

/** One column of a table. */
export interface Column {
  readonly title: string;
  /** Default: left. */
  readonly align?: 'left' | 'right';
}

/** An aligned table with a heading; cells are texts of one line. */
export function table(columns: readonly Column[], rows: readonly (readonly string[])[]): string {
  const lines = [columns.map((column) => column.title.toUpperCase()), ...rows];
  const widths = columns.map((_, index) => Math.max(...lines.map((line) => textWidth(line[index] ?? ''))));
  return lines
    .map((line) =>
      columns
        .map((column, index) => pad(line[index] ?? '', widths[index] ?? 0, column.align ?? 'left'))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** Names and values in two columns. */
export function pairs(entries: readonly (readonly [name: string, value: string])[]): string {
  const width = Math.max(0, ...entries.map(([name]) => textWidth(name)));
  return entries.map(([name, value]) => `${pad(name, width, 'left')}  ${value}`.trimEnd()).join('\n');
}

function pad(text: string, width: number, align: 'left' | 'right'): string {
  const space = ' '.repeat(Math.max(0, width - textWidth(text)));
  return align === 'left' ? text + space : space + text;
}

/** A number with thin groups of thousands: `12,345`. */
export function count(value: number | bigint): string {
  return value.toString().replace(/\B(?=(\d{3})+(?!\d))/g, ',');
}

/** A span of time in its two largest units: `3d 4h`, `2m 5s`, `1.2s`, `45ms`. */
export function span(milliseconds: number): string {
  const ms = Math.max(0, Math.round(milliseconds));
  if (ms < 1_000) return `${ms}ms`;
  if (ms < 10_000) return `${(Math.floor(ms / 100) / 10).toFixed(1)}s`;
  const seconds = Math.floor(ms / 1_000);
  const units = [
    ['d', Math.floor(seconds / 86_400)],
    ['h', Math.floor(seconds / 3_600) % 24],
    ['m', Math.floor(seconds / 60) % 60],
    ['s', seconds % 60],
  ] as const;
  const first = units.findIndex(([, amount]) => amount > 0);
  return units
    .slice(first, first + 2)
    .filter(([, amount], index) => index === 0 || amount > 0)
    .map(([unit, amount]) => `${amount}${unit}`)
    .join(' ');
}

/** A moment, both ways: `2026-11-22 16:14:11Z (3m 4s ago)`; `never` for 0. */
export function moment(timeMs: number | bigint, nowMs: number): string {
  const time = Number(timeMs);
  if (time === 0) return 'never';
  const absolute = `${new Date(time).toISOString().slice(0, 19).replace('T', ' ')}Z`;
  const age = nowMs - time;
  return age >= 0 ? `${absolute} (${span(age)} ago)` : `${absolute} (in ${span(-age)})`;
}
