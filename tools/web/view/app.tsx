// The whole page: signing in, signed in, or why neither is possible.

import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { errorText } from '../model/errors.ts';
import type { SignIn } from '../model/route.ts';
import { TimeFormat } from '../model/time.ts';
import { openSession } from '../state/open-session.ts';
import type { ChatSession } from '../state/session.ts';
import { Logo } from './icons.tsx';
import { Spinner } from './parts.tsx';
import { Shell } from './shell.tsx';
import { SignInPage } from './sign-in.tsx';

export interface AppProps {
  /** Undefined: nobody is named yet. */
  readonly signIn: SignIn | undefined;
}

export function App({ signIn }: AppProps) {
  return signIn === undefined ? <SignInPage /> : <SignedIn signIn={signIn} />;
}

function SignedIn({ signIn }: { readonly signIn: SignIn }) {
  const session = useSignal<ChatSession | undefined>(undefined);
  const error = useSignal('');
  const time = useSignal(new TimeFormat());
  const enter = async () => {
    error.value = '';
    try {
      session.value = await openSession(signIn);
    } catch (thrown) {
      error.value = errorText(thrown);
    }
  };
  useEffect(() => {
    void enter();
  }, []);
  if (session.value !== undefined) {
    const { value: open } = session;
    const signOut = () => {
      // The page goes whether or not the server hears of it.
      void open.stop();
      location.assign('/');
    };
    return <Shell session={open} time={time.value} onSignOut={signOut} />;
  }
  return (
    <main class="sign-in">
      <div class="sign-in-card">
        <Logo />
        <h1>Starling</h1>
        {error.value === '' ? (
          <Spinner label={`Signing in as ${signIn.displayName || signIn.userId}…`} />
        ) : (
          <div class="problem" role="alert">
            <p>{error.value}</p>
            <button type="button" class="button primary" onClick={enter}>
              Try again
            </button>
            <a class="button" href="/">
              Somebody else
            </a>
          </div>
        )}
      </div>
    </main>
  );
}
