// Sign-in without a password, for `starling dev`. Owns: `POST /demo/token`, `GET /demo/users`, the six demo users.
// Invariant: D1  It answers only callers on this machine, unless the configuration says otherwise, and only to pages of the
// same origin: a page of another site that happens to be open in the same browser gets no token.

import type { ExtraRequest, ExtraRoutes, PlainResponse } from '../../cluster/edge/index.ts';
import { StarlingError } from '../../runtime/errors.ts';

/** A person to try the system with. */
export interface DemoUser {
  readonly userId: string;
  readonly displayName: string;
}

/** The people that a development node knows from the start. */
export const DEMO_USERS: readonly DemoUser[] = [
  { userId: 'alice', displayName: 'Alice' },
  { userId: 'bob', displayName: 'Bob' },
  { userId: 'chenchen', displayName: '陈晨' },
  { userId: 'diego', displayName: 'Diego' },
  { userId: 'emma', displayName: 'Emma' },
  { userId: 'fatima', displayName: 'فاطمة' },
];

export interface DemoOptions {
  readonly users: readonly DemoUser[];
  readonly allowRemote: boolean;
  /** Makes the user known and issues a token of scope `user`. */
  readonly signIn: (user: DemoUser) => Promise<string>;
}

/** The part of a request that matters here. */
export interface DemoRequest {
  readonly method: string;
  readonly path: string;
  /** Address of the caller's end of the connection. */
  readonly remoteAddress: string;
  /** `host` header. */
  readonly host: string;
  /** `origin` header; undefined where the caller is no page. */
  readonly origin: string | undefined;
  readonly body: string;
}

/** A JSON answer. */
export interface DemoAnswer {
  readonly status: number;
  readonly json: unknown;
}

const USER_ID = /^[A-Za-z0-9_.@-]{1,64}$/;

/** True for the paths that are answered here. */
export function isDemoPath(path: string): boolean {
  return path === '/demo/token' || path === '/demo/users';
}

/** Answers one request. */
export async function answerDemo(request: DemoRequest, options: DemoOptions): Promise<DemoAnswer> {
  if (!options.allowRemote && !isLoopback(request.remoteAddress)) {
    return refusal(403, 'The demo sign-in answers callers on this machine only (demo.allow_remote).');
  }
  if (request.origin !== undefined && !isSameOrigin(request.origin, request.host)) {
    return refusal(403, 'The demo sign-in answers pages of this very server only.');
  }
  if (!options.allowRemote && !isLoopbackHost(request.host)) {
    // A name that somebody else resolves to 127.0.0.1 must not open the door (DNS rebinding).
    return refusal(403, 'The demo sign-in answers at localhost and loopback addresses only.');
  }
  if (request.path === '/demo/users') {
    if (request.method !== 'GET') return refusal(405, 'Use GET.');
    const users = options.users.map(({ userId, displayName }) => ({
      user_id: userId,
      display_name: displayName,
    }));
    return { status: 200, json: { users } };
  }
  if (request.method !== 'POST') return refusal(405, 'Use POST.');
  const user = parseUser(request.body, options.users);
  if (user === undefined) {
    return refusal(
      400,
      'Send {"user_id": …, "display_name"?: …}: an id of 1 to 64 characters of [A-Za-z0-9_.@-].',
    );
  }
  return { status: 200, json: { token: await options.signIn(user), user_id: user.userId } };
}

function refusal(status: number, error: string): DemoAnswer {
  return { status, json: { error } };
}

function parseUser(body: string, known: readonly DemoUser[]): DemoUser | undefined {
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null) return undefined;
  const { user_id: userId, display_name: given } = value as Record<string, unknown>;
  if (typeof userId !== 'string' || !USER_ID.test(userId)) return undefined;
  if (given !== undefined && (typeof given !== 'string' || Buffer.byteLength(given) > 128)) return undefined;
  const found = known.find((user) => user.userId === userId);
  return { userId, displayName: given ?? found?.displayName ?? userId };
}

function isLoopback(address: string): boolean {
  return address === '::1' || /^(::ffff:)?127\./.test(address);
}

function isLoopbackHost(host: string): boolean {
  return /^(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d{1,5})?$/i.test(host);
}

function isSameOrigin(origin: string, host: string): boolean {
  return URL.canParse(origin) && new URL(origin).host === host.toLowerCase();
}

/** The same as a hook of the edge. */
export function demoRoutes(options: DemoOptions, onError: (error: unknown) => void): ExtraRoutes {
  return (request) => {
    const [path = ''] = request.url.split('?');
    if (!isDemoPath(path)) return undefined;
    return respond(request, path, options).catch((error: unknown) => {
      // The shard of that user is on its way to another node.
      if (error instanceof StarlingError && error.retryAfterMs !== undefined)
        return response(refusal(503, 'Not now: try again shortly.'));
      onError(error);
      return response(refusal(500, 'Something went wrong inside; the log says what.'));
    });
  };
}

async function respond(request: ExtraRequest, path: string, options: DemoOptions): Promise<PlainResponse> {
  let body: Buffer;
  try {
    body = await request.body();
  } catch {
    return response(refusal(413, 'The body is too long, or broke off.'));
  }
  const { method, remoteAddress } = request;
  const host = request.header('host') ?? '';
  const origin = request.header('origin');
  return response(
    await answerDemo({ method, path, remoteAddress, host, origin, body: body.toString('utf8') }, options),
  );
}

function response(answer: DemoAnswer): PlainResponse {
  return {
    status: answer.status,
    headers: ['content-type', 'application/json', 'cache-control', 'no-store'],
    body: JSON.stringify(answer.json),
  };
}
