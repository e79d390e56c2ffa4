// What the state of the connection means to the person at the screen. Pure.

import type { StateChange } from '../../sdk/api.ts';

/** How the connection is shown. */
export interface ConnectionView {
  readonly tone: 'good' | 'waiting' | 'ended';
  /** A word or two beside the dot. */
  readonly label: string;
  /** The banner's sentence; empty = no banner. */
  readonly banner: string;
  /** True: only signing in again helps. */
  readonly signIn: boolean;
}

/** `online` is what the browser says; it is false only where there is surely no network. */
export function connectionView(change: StateChange, online: boolean): ConnectionView {
  if (change.state === 'connected') return { tone: 'good', label: 'Connected', banner: '', signIn: false };
  if (change.terminal) {
    return { tone: 'ended', label: 'Signed out', banner: ended(change), signIn: change.code !== 'closed' };
  }
  if (!online) {
    const banner = 'You are offline. What you write is kept and sent when you are back.';
    return { tone: 'waiting', label: 'Offline', banner, signIn: false };
  }
  if (change.state === 'connecting' && change.code === '') {
    return { tone: 'waiting', label: 'Connecting…', banner: '', signIn: false };
  }
  const reason = sentence(change.reason);
  const banner = `Connecting again. What you write is kept and sent then.${reason === '' ? '' : ` ${reason}`}`;
  return { tone: 'waiting', label: 'Connecting…', banner, signIn: false };
}

function ended(change: StateChange): string {
  if (change.code === 'kicked_replaced') return 'This device was opened in another window.';
  if (change.code === 'kicked_signed_out') return 'This device was signed out from another device.';
  return sentence(change.reason) || 'The connection has ended.';
}

function sentence(text: string): string {
  const trimmed = text.trim();
  if (trimmed === '') return '';
  return /[.!?。！？]$/u.test(trimmed) ? trimmed : `${trimmed}.`;
}
