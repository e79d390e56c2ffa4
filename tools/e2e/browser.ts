// A real Chromium. Each person has a context of their own, as if on a machine of their own.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type Browser, type BrowserContextOptions, chromium } from 'playwright-core';
import { outDir } from './paths.ts';

const ARGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** Longest wait for something to appear. Generous: it only bounds a failure. */
export const patienceMs = 30_000;

/** The browser of $CHROMIUM, else the system's. */
export function launchBrowser(): Promise<Browser> {
  const system = '/usr/bin/chromium';
  const { CHROMIUM } = process.env;
  const executablePath = CHROMIUM ?? (existsSync(system) ? system : fromPath('chromium'));
  return chromium.launch({ executablePath, args: ARGS });
}

function fromPath(name: string): string {
  const { PATH = '' } = process.env;
  const found = PATH.split(':')
    .map((directory) => join(directory, name))
    .find((file) => existsSync(file));
  if (found === undefined) throw new Error('No Chromium: install it or name it in CHROMIUM.');
  return found;
}

/** A desktop window. */
export const desktop: BrowserContextOptions = {
  viewport: { width: 1280, height: 800 },
  locale: 'en-GB',
  timezoneId: 'Europe/Berlin',
  // Pictures show where a change ends, not the way there.
  reducedMotion: 'reduce',
};

/** A telephone. */
export const phone: BrowserContextOptions = {
  ...desktop,
  viewport: { width: 390, height: 844 },
  deviceScaleFactor: 2,
  hasTouch: true,
  isMobile: true,
};

/** Where a picture goes. */
export function picture(name: string): string {
  return join(outDir, 'e2e', `${name}.png`);
}
