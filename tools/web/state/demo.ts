// Demo sign-in, as `starling dev` offers it. Owns: the two requests and reading their answers. A real
// application has a sign-in of its own and gets the token from its own back end.

import { SdkError } from '../../sdk/index.ts';

/** Somebody to sign in as. */
export interface DemoUser {
  readonly userId: string;
  readonly displayName: string;
}

/** A sign-in answer is small; waiting longer than this means that nobody answers. Milliseconds. */
const answerMsMax = 10_000;

/** The demo users. Throws SdkError. */
export async function demoUsers(): Promise<DemoUser[]> {
  const answer = await ask('/demo/users', {});
  const users = field(answer, 'users');
  if (!Array.isArray(users)) throw unreadable();
  return users.map((user: unknown) => {
    const userId = text(user, 'user_id');
    return { userId, displayName: text(user, 'display_name') || userId };
  });
}

/** A token for a demo user, who is made known if need be. Throws SdkError. */
export async function demoToken(userId: string, displayName: string): Promise<string> {
  const answer = await ask('/demo/token', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ user_id: userId, ...(displayName === '' ? {} : { display_name: displayName }) }),
  });
  const token = text(answer, 'token');
  if (token === '') throw unreadable();
  return token;
}

async function ask(path: string, init: RequestInit): Promise<unknown> {
  let response: Response;
  let body: unknown;
  try {
    response = await fetch(path, { ...init, signal: AbortSignal.timeout(answerMsMax) });
    body = await response.json().catch(() => undefined);
  } catch (cause) {
    throw new SdkError('network', 'The server cannot be reached.', { status: 'UNAVAILABLE', cause });
  }
  if (response.ok) return body;
  throw refusal(response.status, body);
}

/** A refusal carries its words as {error}. */
function refusal(status: number, body: unknown): SdkError {
  const message = text(body, 'error');
  if (message !== '') return new SdkError('token', message);
  if (status === 404)
    return new SdkError('token', 'This server has no demo sign-in: it is not a development server.');
  return new SdkError('token', `The server refused to sign in (HTTP ${status}).`);
}

function unreadable(): SdkError {
  return new SdkError('protocol', 'The answer of the server could not be read.');
}

function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}

function text(value: unknown, name: string): string {
  const found = field(value, name);
  return typeof found === 'string' ? found : '';
}
