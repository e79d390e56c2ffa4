// What the address says: who signs in (query) and which chat is open (fragment). Pure.

/** Who is to be signed in, and as what device. */
export interface SignIn {
  readonly userId: string;
  /** Empty = the name the directory has. */
  readonly displayName: string;
  /** Empty = one of this browser's own. */
  readonly device: string;
}

/** Which chat is open. */
export type Route =
  | { readonly kind: 'list' }
  | { readonly kind: 'conversation'; readonly conversationId: string }
  | { readonly kind: 'direct'; readonly userId: string };

/** Reads the query of the address; undefined: nobody is named, so the page asks. */
export function parseSignIn(search: string): SignIn | undefined {
  const query = new URLSearchParams(search);
  const userId = query.get('user')?.trim() ?? '';
  if (userId === '') return undefined;
  return {
    userId,
    displayName: query.get('name')?.trim() ?? '',
    device: (query.get('device') ?? '').replace(/[^A-Za-z0-9_-]/gu, '-').slice(0, 64),
  };
}

/** The query that signs somebody in. */
export function signInQuery(signIn: SignIn): string {
  const query = new URLSearchParams({ user: signIn.userId });
  if (signIn.displayName !== '') query.set('name', signIn.displayName);
  if (signIn.device !== '') query.set('device', signIn.device);
  return `?${query}`;
}

/** Reads the fragment of the address; anything unknown is the list. */
export function parseRoute(hash: string): Route {
  const [, kind, encoded] = /^#\/(c|u)\/(.+)$/u.exec(hash) ?? [];
  const value = decoded(encoded ?? '');
  if (value === '') return { kind: 'list' };
  return kind === 'c' ? { kind: 'conversation', conversationId: value } : { kind: 'direct', userId: value };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return '';
  }
}

/** The fragment that names a chat. */
export function routeHash(route: Route): string {
  switch (route.kind) {
    case 'list':
      return '#/';
    case 'conversation':
      return `#/c/${encodeURIComponent(route.conversationId)}`;
    case 'direct':
      return `#/u/${encodeURIComponent(route.userId)}`;
  }
}

/** User ids from a field in which people separate them as they like. */
export function parseUserIds(text: string): string[] {
  const ids = text.split(/[\s,;，；、]+/u).filter((id) => id !== '');
  return [...new Set(ids)];
}
