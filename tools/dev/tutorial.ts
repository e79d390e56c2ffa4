// The pages for authors of actors as programs: their code blocks. Owns: what a fence says about its block. A fence names
// the language and then a file (with a dot in its name) or a role (`run`, `serve`, `call`); one without either shows
// something that is not to be executed.

export interface Block {
  readonly language: string;
  /** A file, a role, or empty. */
  readonly name: string;
  readonly text: string;
}

const FENCE = /^```(\w+)(?: (\S+))?\n([\s\S]*?)^```$/gm;

/** The blocks of a page, in order. */
export function blocksOf(page: string): Block[] {
  return [...page.matchAll(FENCE)].map(([, language = '', name = '', text = '']) => ({
    language,
    name,
    text,
  }));
}

/** True where the block is the content of a file. */
export function isFile({ name }: Block): boolean {
  return name.includes('.');
}

/** A command of a `call` block, and what it prints. */
export interface Call {
  readonly command: string;
  readonly answer: unknown;
}

/** The commands of a `call` block: each is one line, followed by its answer as JSON in a comment. */
export function callsOf({ text }: Block): Call[] {
  return [...text.matchAll(/^([^#\n].*)\n# (.*)$/gm)].map(([, command = '', answer = '']) => ({
    command,
    answer: JSON.parse(answer) as unknown,
  }));
}
