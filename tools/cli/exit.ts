// Exit codes of the CLI. Owns: the closed table, and which failure has which. Does not own: the failures' texts.

/** Every exit code, with what it means; printed by `starling --help`. */
export const EXIT_CODES = {
  ok: { code: 0, text: 'done' },
  failed: { code: 1, text: 'failed, or a check did not hold' },
  usage: { code: 2, text: 'wrong use: flags, configuration, or a file that is not valid' },
  unreachable: { code: 3, text: 'cannot reach the server' },
  refused: { code: 4, text: 'the server refused: token, permission, or a request it does not accept' },
  missing: { code: 5, text: 'there is no such user, conversation, node or context' },
  busy: { code: 6, text: 'the server cannot do it now, or the outcome is unknown: run it again' },
  broken: { code: 70, text: 'the node stopped because its store failed' },
  fenced: { code: 75, text: 'the node ended because another one took over: start it again' },
  interrupted: { code: 130, text: 'interrupted' },
} as const satisfies Readonly<Record<string, { readonly code: number; readonly text: string }>>;

/** Name of an exit code. */
export type ExitName = keyof typeof EXIT_CODES;

/** A failure that the CLI reports in one line, with what to do next. */
export class CliError extends Error {
  override readonly name = 'CliError';
  readonly exit: ExitName;
  /** What to do next; empty = nothing to add. */
  readonly hint: string;

  constructor(
    exit: ExitName,
    message: string,
    options: { readonly hint?: string; readonly cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.exit = exit;
    this.hint = options.hint ?? '';
  }
}

/** The table as lines for `--help`. */
export function exitCodeHelp(): string {
  return Object.values(EXIT_CODES)
    .map(({ code, text }) => `  ${String(code).padStart(3)}  ${text}`)
    .join('\n');
}
