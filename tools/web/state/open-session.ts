// The rim: makes a session out of the real client, the browser's storage and its address bar. Owns: which
// device and local database this window is, and keeping address and open chat the same.

import type { LocalStore } from '../../sdk/api.ts';
import { createClient } from '../../sdk/index.ts';
import { indexedDbStore } from '../../sdk/indexeddb.ts';
import { parseRoute, type Route, routeHash, type SignIn } from '../model/route.ts';
import { demoToken, demoUsers } from './demo.ts';
import { browserHost, browserLabel, takeDeviceId } from './device.ts';
import { ChatSession } from './session.ts';

/**
 * Signs in and opens the chat that the address names. Ends when the local view is read. Rejects with
 * SdkError.
 */
export async function openSession(signIn: SignIn): Promise<ChatSession> {
  const { userId, displayName } = signIn;
  const deviceId = signIn.device || (await takeDeviceId(browserHost(), userId));
  const tokens = [await demoToken(userId, displayName)];
  const client = createClient({
    token: async () => tokens.pop() ?? (await demoToken(userId, displayName)),
    deviceId,
    deviceName: signIn.device || browserLabel(navigator.userAgent),
    store: ofDevice(indexedDbStore(), deviceId),
  });
  const navigate = (route: Route, { replace = false } = {}): void => {
    const hash = routeHash(route);
    if (replace) history.replaceState(null, '', hash);
    else if (location.hash !== hash) history.pushState(null, '', hash);
    session.follow(route);
  };
  const session = new ChatSession({ client, me: userId, deviceId, storage: localStorage, navigate });
  await session.start();
  const follow = () => session.follow(parseRoute(location.hash));
  window.addEventListener('hashchange', follow);
  window.addEventListener('popstate', follow);
  document.addEventListener('visibilitychange', () => session.shareDraft());
  follow();
  void session.connect();
  void suggestPeople(session);
  return session;
}

/** The demo users are whom one may want to write to. */
async function suggestPeople(session: ChatSession): Promise<void> {
  try {
    session.people.learn(await demoUsers());
  } catch {
    // Without suggestions people are still found by their user id.
  }
}

/** Two windows of one user are two devices: each has its own database. */
function ofDevice(store: LocalStore, deviceId: string): LocalStore {
  const open = store.open.bind(store);
  return Object.assign(store, { open: (name: string) => open(`${name}/${deviceId}`) });
}
