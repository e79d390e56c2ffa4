// Log lines of a node. Owns: their form, JSON or for people. Does not own: where they go (a `write` is given).

/** Severity, ascending. */
export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

/** One line of the log. */
export interface LogEntry {
  readonly level: LogLevel;
  /** A short constant sentence; what varies goes into `fields`. */
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

export interface LogOptions {
  readonly level: LogLevel;
  readonly format: 'json' | 'pretty';
  /** Milliseconds since 1970-01-01 UTC. */
  readonly now: () => number;
  readonly write: (line: string) => void;
  /** Fields of every JSON line, e.g. the node's name. */
  readonly fields?: Readonly<Record<string, unknown>>;
}

/** Takes entries. */
export type Logger = (entry: LogEntry) => void;

const RANK: Readonly<Record<LogLevel, number>> = { debug: 0, info: 1, warn: 2, error: 3 };
/** A field longer than this is cut, so that one value cannot flood the log. Characters. */
const FIELD_CHARS_MAX = 4_096;

/** Makes a logger. */
export function createLogger(options: LogOptions): Logger {
  const form = options.format === 'json' ? jsonLine : prettyLine;
  return (entry) => {
    if (RANK[entry.level] < RANK[options.level]) return;
    options.write(`${form(entry, options.now(), options.fields ?? {})}\n`);
  };
}

function jsonLine(entry: LogEntry, now: number, common: Readonly<Record<string, unknown>>): string {
  const line: Record<string, unknown> = {
    time: new Date(now).toISOString(),
    level: entry.level,
    message: entry.message,
    ...common,
  };
  for (const [name, value] of Object.entries(entry.fields)) {
    line[name in line ? `field_${name}` : name] = plain(value);
  }
  return JSON.stringify(line);
}

function prettyLine(entry: LogEntry, now: number): string {
  const fields = Object.entries(entry.fields).map(([name, value]) => {
    const shown = plain(value);
    return `${name}=${typeof shown === 'string' && /^[\w.:/@-]+$/.test(shown) ? shown : JSON.stringify(shown)}`;
  });
  const time = new Date(now).toISOString().slice(11, 23);
  return [time, entry.level.toUpperCase().padEnd(5), entry.message, ...fields].join(' ');
}

/** Makes a value safe for JSON: errors keep name, message, stack and cause; big integers become text. */
function plain(value: unknown): unknown {
  if (value instanceof Error) {
    const cause = value.cause === undefined ? {} : { cause: plain(value.cause) };
    return { name: value.name, message: value.message, stack: value.stack, ...cause };
  }
  if (typeof value === 'bigint') return value.toString();
  if (typeof value === 'string') {
    return value.length <= FIELD_CHARS_MAX ? value : `${value.slice(0, FIELD_CHARS_MAX)}…`;
  }
  if (typeof value !== 'object' || value === null) return value;
  try {
    return JSON.parse(
      JSON.stringify(value, (_, inner: unknown) => (typeof inner === 'bigint' ? `${inner}` : inner)),
    );
  } catch {
    return String(value);
  }
}
