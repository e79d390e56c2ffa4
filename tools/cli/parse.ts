// Parses what people type after flags. Owns: durations, integers, choices, ids. Does not own: the flags.

import { InvalidArgumentError } from 'commander';

const UNIT_SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3_600, d: 86_400 };

/** `90s`, `30m`, `24h`, `7d`, or several: `1h30m`. Answers seconds. */
export function parseDuration(text: string): number {
  const parts = [...text.matchAll(/(\d{1,9})([smhd])/gy)];
  const seconds = parts.reduce(
    (sum, [, amount, unit]) => sum + Number(amount) * (UNIT_SECONDS[unit ?? ''] ?? 0),
    0,
  );
  if (parts.length === 0 || parts.map(([part]) => part).join('') !== text) {
    throw new InvalidArgumentError('Give a duration such as 90s, 30m, 24h or 7d.');
  }
  return seconds;
}

/** A life time of a token, 60 s to 30 days, as the server accepts it. */
export function parseTtl(text: string): number {
  const seconds = parseDuration(text);
  if (seconds < 60 || seconds > 2_592_000) throw new InvalidArgumentError('Must be from 60s to 30d.');
  return seconds;
}

/** An integer within bounds. */
export function parseInteger(bounds: {
  readonly min: number;
  readonly max: number;
}): (text: string) => number {
  return (text) => {
    const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
    if (!(value >= bounds.min && value <= bounds.max)) {
      throw new InvalidArgumentError(`Must be an integer from ${bounds.min} to ${bounds.max}.`);
    }
    return value;
  };
}

/** A base address: http or https, no path. */
export function parseAddress(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol) || url.pathname !== '/' || url.search !== '') {
    throw new InvalidArgumentError('Give a base address such as http://127.0.0.1:7700.');
  }
  return url.origin;
}

/** A user id, as the API defines it. */
export function parseUserId(text: string): string {
  if (!/^[A-Za-z0-9_.@-]{1,64}$/.test(text)) {
    throw new InvalidArgumentError('A user id has 1 to 64 characters of [A-Za-z0-9_.@-].');
  }
  return text;
}

/** A conversation id: a direct conversation is named by its two users, e.g. `d_alice~bob`. */
export function parseConversationId(text: string): string {
  if (!/^[A-Za-z0-9_.@~-]{1,160}$/.test(text)) {
    throw new InvalidArgumentError('A conversation id has 1 to 160 characters of [A-Za-z0-9_.@~-].');
  }
  return text;
}

/** An id of a device or context. */
export function parseId(text: string): string {
  if (!/^[A-Za-z0-9_-]{1,64}$/.test(text)) {
    throw new InvalidArgumentError('An id has 1 to 64 characters of [A-Za-z0-9_-].');
  }
  return text;
}

/** Collects `KEY=VALUE` of a flag that may be repeated. */
export function collectSetting(
  text: string,
  before: Readonly<Record<string, string>>,
): Record<string, string> {
  const cut = text.indexOf('=');
  if (cut < 1) throw new InvalidArgumentError('Give KEY=VALUE, e.g. log.level=debug.');
  return { ...before, [text.slice(0, cut)]: text.slice(cut + 1) };
}

/** A node by its name, or one process of it by its incarnation. */
export function parseNode(text: string): string {
  if (!/^[A-Za-z0-9_.-]{1,128}$/.test(text)) {
    throw new InvalidArgumentError('A node or incarnation has 1 to 128 characters of [A-Za-z0-9_.-].');
  }
  return text;
}

/** An actor as `kind/key`, e.g. `user/main/alice`. */
export function parseActor(text: string): { readonly kind: string; readonly key: string } {
  const [, kind, key] = /^([a-z0-9-]{1,32})\/(.+)$/.exec(text) ?? [];
  if (kind === undefined || key === undefined) {
    throw new InvalidArgumentError('Give KIND/KEY, e.g. user/main/alice.');
  }
  return { kind, key };
}

/** Copies for each data centre: `dc1=3` or `dc1=3,dc2=3`. */
export function parseReplication(text: string): Readonly<Record<string, number>> {
  const copies: Record<string, number> = {};
  for (const part of text.split(',')) {
    const [, name, number] = /^([A-Za-z0-9_-]{1,64})=([1-9]\d?)$/.exec(part.trim()) ?? [];
    if (name === undefined || number === undefined || Object.hasOwn(copies, name)) {
      throw new InvalidArgumentError('Give DATA_CENTER=COPIES, e.g. dc1=3 or dc1=3,dc2=3.');
    }
    copies[name] = Number(number);
  }
  return copies;
}
