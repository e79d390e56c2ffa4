// Which device this window is. Owns: device ids of a browser. Each window is a device of its own; a closed
// window's id is taken again by the next one, so that ids and local databases do not pile up. Invariant: no
// two windows of a browser have the same id at the same time, unless the address names it.

/** Ids that one browser takes at most for one user. */
const devicesMax = 16;

/** What is needed of the browser. */
export interface DeviceHost {
  /** Lasts as long as the browser's profile. */
  readonly profile: Pick<Storage, 'getItem' | 'setItem'>;
  /** Lasts as long as the window, over reloads. */
  readonly window: Pick<Storage, 'getItem' | 'setItem'>;
  /** Takes a lock until the window closes; false if another window has it. */
  readonly lock: (name: string) => Promise<boolean>;
  readonly random: () => string;
}

/** Gives this window its device id; the one it had before a reload, if it is free. */
export async function takeDeviceId(host: DeviceHost, userId: string): Promise<string> {
  const key = `starling.device/${userId}`;
  const own = host.window.getItem(key);
  const browser = browserName(host);
  const pool = Array.from({ length: devicesMax }, (_, at) => `${browser}-${at + 1}`);
  for (const id of own === null ? pool : [own, ...pool]) {
    if (await host.lock(`starling.device/${userId}/${id}`)) {
      host.window.setItem(key, id);
      return id;
    }
  }
  // More windows than devices: this one shares the last device, whose windows then share one connection.
  return pool.at(-1) ?? browser;
}

function browserName(host: DeviceHost): string {
  const key = 'starling.browser';
  const kept = host.profile.getItem(key);
  if (kept !== null && /^[A-Za-z0-9-]{1,40}$/u.test(kept)) return kept;
  const made = `web-${host.random()}`;
  host.profile.setItem(key, made);
  return made;
}

/** The real browser. Without locks (an insecure origin) each window makes an id of its own. */
export function browserHost(): DeviceHost {
  const random = () => crypto.getRandomValues(new Uint32Array(1))[0]?.toString(36) ?? '0';
  return {
    profile: 'locks' in navigator ? localStorage : sessionStorage,
    window: sessionStorage,
    lock: 'locks' in navigator ? holdLock : () => Promise.resolve(true),
    random,
  };
}

/** The lock is held by a promise that never ends: the browser frees it with the window. */
function holdLock(name: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    navigator.locks
      .request(name, { ifAvailable: true }, (lock) => {
        resolve(lock !== null);
        return lock === null ? undefined : new Promise<never>(() => {});
      })
      .catch(reject);
  });
}

/** What a device is called where nobody named it, e.g. "Chrome on Linux". */
export function browserLabel(userAgent: string): string {
  const browsers: [RegExp, string][] = [
    [/Edg\//u, 'Edge'],
    [/Firefox\//u, 'Firefox'],
    [/Chrome\//u, 'Chrome'],
    [/Safari\//u, 'Safari'],
  ];
  const systems: [RegExp, string][] = [
    [/Android/u, 'Android'],
    [/iPhone|iPad/u, 'iOS'],
    [/Windows/u, 'Windows'],
    [/Mac OS X/u, 'macOS'],
    [/Linux/u, 'Linux'],
  ];
  const named = (table: [RegExp, string][], otherwise: string) =>
    table.find(([pattern]) => pattern.test(userAgent))?.[1] ?? otherwise;
  return `${named(browsers, 'Browser')} on ${named(systems, 'an unknown system')}`;
}
