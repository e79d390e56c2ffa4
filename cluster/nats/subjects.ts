// Every subject of the driver; no other place of the repository knows one. A name becomes one token of a subject:
// characters that a token must not hold are written as `=HEX=`.

/** Connections of a node: small questions and the board; calls; fan-outs and other mass. */
export type LaneName = 'calls' | 'bulk';

const SAFE = /[^A-Za-z0-9_-]/gu;

export function tokenOf(name: string): string {
  return name.replace(SAFE, (char) => `=${(char.codePointAt(0) ?? 0).toString(16)}=`);
}

export function nameOf(token: string): string {
  return token.replace(/=([0-9a-f]+)=/g, (_, hex: string) => String.fromCodePoint(Number.parseInt(hex, 16)));
}

/** Subjects of one lane of one process. */
export class LaneSubjects {
  readonly #prefix: string;
  readonly #own: string;

  constructor(cluster: string, lane: LaneName, process: string) {
    this.#prefix = `starling.${tokenOf(cluster)}.${lane}`;
    this.#own = tokenOf(process);
  }

  /** Where a node is asked for a link. */
  hello(node: string): string {
    return `${this.#prefix}.hello.${tokenOf(node)}`;
  }

  /** All that is addressed to this process. */
  get mine(): string {
    return `${this.#prefix}.to.${this.#own}.>`;
  }

  /** Frames of requests to a process, on a link of this one. */
  requests(process: string, link: number): string {
    return `${this.#prefix}.to.${tokenOf(process)}.requests.${this.#own}.${link}`;
  }

  /** Frames of answers to a process, on a link of its. */
  replies(process: string, link: number): string {
    return `${this.#prefix}.to.${tokenOf(process)}.replies.${link}`;
  }

  /** Where the server reports that nobody listens: what a frame of requests names as its reply subject. */
  lostRequests(link: number): string {
    return `${this.#prefix}.to.${this.#own}.lost-requests.${link}`;
  }

  lostReplies(process: string, link: number): string {
    return `${this.#prefix}.to.${this.#own}.lost-replies.${tokenOf(process)}.${link}`;
  }

  /** What a message that came to `mine` is. */
  parse(subject: string): Addressed | undefined {
    const [what, first = '', second = ''] = subject.slice(this.mine.length - 1).split('.');
    switch (what) {
      case 'requests':
        return { what, process: nameOf(first), link: Number(second) };
      case 'replies':
        return { what, link: Number(first) };
      case 'lost-requests':
        return { what, link: Number(first), frame: Number(second) };
      case 'lost-replies':
        return { what, process: nameOf(first), link: Number(second) };
      default:
        return undefined;
    }
  }
}

export type Addressed =
  | { readonly what: 'requests'; readonly process: string; readonly link: number }
  | { readonly what: 'replies'; readonly link: number }
  | { readonly what: 'lost-requests'; readonly link: number; readonly frame: number }
  | { readonly what: 'lost-replies'; readonly process: string; readonly link: number };

/** Subjects of direct questions and of commands. */
export function probeSubjects(
  cluster: string,
  node: string,
): { readonly ask: string; readonly nudge: string; readonly command: string } {
  const prefix = `starling.${tokenOf(cluster)}.control`;
  const own = tokenOf(node);
  return {
    ask: `${prefix}.ask.${own}`,
    nudge: `${prefix}.nudge.${own}`,
    command: `${prefix}.command.${own}`,
  };
}

/** Names of the board. The bucket has the form of a NATS key-value bucket, so that its tools can show it. */
export class BoardSubjects {
  readonly bucket: string;
  readonly stream: string;
  /** All keys. */
  readonly keys: string;
  /** Where the server repeats every change, the expiry of keys included. */
  readonly changes: string;
  readonly #keyPrefix: string;

  constructor(cluster: string) {
    this.bucket = `starling-${tokenOf(cluster)}`;
    this.stream = `KV_${this.bucket}`;
    this.#keyPrefix = `$KV.${this.bucket}.`;
    this.keys = `${this.#keyPrefix}>`;
    this.changes = `starling.${tokenOf(cluster)}.board.>`;
  }

  keySubject(key: string): string {
    return this.#keyPrefix + key.split('.').map(tokenOf).join('.');
  }

  keyOf(subject: string): string {
    return subject.slice(this.#keyPrefix.length).split('.').map(nameOf).join('.');
  }

  /** Subjects that hold every key with a prefix, and maybe further ones. */
  filters(prefix: string): readonly string[] {
    const whole = prefix.slice(0, prefix.lastIndexOf('.') + 1);
    const begin = this.#keyPrefix + whole.split('.').map(tokenOf).join('.');
    return [`${begin}>`];
  }

  get streamApi(): { readonly info: string; readonly create: string; readonly update: string } {
    const api = '$JS.API.STREAM';
    return {
      info: `${api}.INFO.${this.stream}`,
      create: `${api}.CREATE.${this.stream}`,
      update: `${api}.UPDATE.${this.stream}`,
    };
  }

  get read(): string {
    return `$JS.API.DIRECT.GET.${this.stream}`;
  }
}
