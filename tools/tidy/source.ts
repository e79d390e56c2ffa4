// One file of the repository as the rules see it. Owns: telling code from comments, strings and regular expressions
// without a parser.
//
// Invariants:
// 1. `code`, `comments` and `text` have the same length and the same line breaks, so a position in one is one in all.
// 2. Where the scanner is in doubt it takes text for code, so that a rule may err by reporting, not by silence.

/** A file of the repository. */
export interface SourceFile {
  /** Path from the root, with forward slashes. */
  readonly path: string;
  /** The content as it is. */
  readonly text: string;
  /** The content with the insides of comments, strings and regular expressions blanked out. */
  readonly code: string;
  /** The content with all but comments blanked out. */
  readonly comments: string;
}

/** A place where a rule is broken. */
export interface Violation {
  readonly path: string;
  /** Counted from 1. */
  readonly line: number;
  readonly message: string;
}

/** Reads a text as a file of the repository. TypeScript is scanned; anything else is text alone. */
export function sourceFile(path: string, text: string): SourceFile {
  if (!isTypeScript(path)) return { path, text, code: '', comments: '' };
  const scanner = new Scanner(text);
  scanner.scan();
  return { path, text, code: scanner.code, comments: scanner.comments };
}

/** True for what the compiler reads. */
export function isTypeScript(path: string): boolean {
  return /\.tsx?$/.test(path);
}

/** True for tests and for what only tests use. */
export function isTest(path: string): boolean {
  return /\.(test|bench|fuzz)\.tsx?$/.test(path) || path.split('/').includes('testing');
}

/** True for code that protoc-gen-es wrote. */
export function isGenerated(path: string): boolean {
  return path.split('/').includes('gen');
}

/** The line, from 1, of a position. */
export function lineAt(text: string, position: number): number {
  let line = 1;
  for (let at = text.indexOf('\n'); at !== -1 && at < position; at = text.indexOf('\n', at + 1)) line += 1;
  return line;
}

/** Every match of a global pattern in the code, as a violation. */
export function matches(
  file: SourceFile,
  pattern: RegExp,
  message: string | ((match: RegExpExecArray) => string | undefined),
  within: 'code' | 'comments' | 'text' = 'code',
): Violation[] {
  return [...file[within].matchAll(pattern)].flatMap((match) => {
    const said = typeof message === 'string' ? message : message(match);
    // A pattern may begin with the line break before the thing it is about.
    const start = match.index + (/^\s*/.exec(match[0])?.[0].length ?? 0);
    return said === undefined ? [] : [{ path: file.path, line: lineAt(file.text, start), message: said }];
  });
}

type Kind = 'code' | 'comment' | 'literal';

const REGEX_MAY_FOLLOW =
  /(?:^|[(,=:[!&|?{;+\-*%~^\n]|=>|\b(?:return|typeof|case|of|in|do|else|void|throw))\s*$/;

class Scanner {
  readonly #text: string;
  readonly #code: string[] = [];
  readonly #comments: string[] = [];
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  get code(): string {
    return this.#code.join('');
  }

  get comments(): string {
    return this.#comments.join('');
  }

  scan(): void {
    this.#scanCode(false);
  }

  /** Scans code to the end, or, in a template, to the brace that closes the expression. */
  #scanCode(inTemplate: boolean): void {
    let depth = 0;
    while (this.#at < this.#text.length) {
      const char = this.#text.charAt(this.#at);
      if (inTemplate && char === '}' && depth === 0) return;
      if (char === '{') depth += 1;
      if (char === '}') depth -= 1;
      this.#scanToken(char);
    }
  }

  #scanToken(char: string): void {
    const next = this.#text.charAt(this.#at + 1);
    if (char === '/' && next === '/') this.#take('comment', this.#indexOr('\n', this.#at));
    else if (char === '/' && next === '*') this.#take('comment', this.#indexOr('*/', this.#at + 2) + 2);
    else if (char === '"' || char === "'") this.#takeQuoted(char);
    else if (char === '`') this.#takeTemplate();
    else if (char === '/') this.#takeSlash();
    else this.#take('code', this.#at + 1);
  }

  /** A quote without its partner on the line is an apostrophe in the text of a page, not a string. */
  #takeQuoted(quote: string): void {
    const pattern = quote === '"' ? /"(?:[^"\\\n]|\\[\s\S])*"/y : /'(?:[^'\\\n]|\\[\s\S])*'/y;
    this.#takeLiteral(pattern);
  }

  #takeSlash(): void {
    const before = this.#code.slice(-12).join('');
    if (!REGEX_MAY_FOLLOW.test(before)) this.#take('code', this.#at + 1);
    else this.#takeLiteral(/\/(?:[^/\\\n[]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\/[a-z]*/y);
  }

  /** Keeps the first and the last character, so that a rule can see that something stood there. */
  #takeLiteral(pattern: RegExp): void {
    pattern.lastIndex = this.#at;
    const end = pattern.test(this.#text) ? pattern.lastIndex : undefined;
    this.#take('code', this.#at + 1);
    if (end === undefined) return;
    this.#take('literal', end - 1);
    this.#take('code', end);
  }

  #takeTemplate(): void {
    this.#take('code', this.#at + 1);
    while (this.#at < this.#text.length) {
      const char = this.#text.charAt(this.#at);
      if (char === '`') break;
      if (char === '\\') this.#take('literal', this.#at + 2);
      else if (char === '$' && this.#text.charAt(this.#at + 1) === '{') {
        this.#take('literal', this.#at + 1);
        this.#take('code', this.#at + 1);
        this.#scanCode(true);
        this.#take('code', this.#at + 1);
      } else this.#take('literal', this.#at + 1);
    }
    this.#take('code', this.#at + 1);
  }

  #take(kind: Kind, end: number): void {
    for (const char of this.#text.slice(this.#at, end).split('')) {
      const blank = char === '\n' ? '\n' : ' ';
      this.#code.push(kind === 'code' ? char : blank);
      this.#comments.push(kind === 'comment' ? char : blank);
    }
    this.#at = Math.min(Math.max(end, this.#at), this.#text.length);
  }

  #indexOr(what: string, from: number): number {
    const found = this.#text.indexOf(what, from);
    return found === -1 ? this.#text.length : found;
  }
}
