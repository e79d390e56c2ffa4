// Puts the page into the document.

import { render } from 'preact';
import type { SignIn } from '../model/route.ts';
import { App } from './app.tsx';

/** Shows the page for who is named in the address; undefined = asks who it is. */
export function mount(place: HTMLElement, signIn: SignIn | undefined): void {
  render(<App signIn={signIn} />, place);
}
