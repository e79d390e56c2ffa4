// Where nobody is signed in: the demo users to pick from, and a field for anybody else.

import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { errorText } from '../model/errors.ts';
import { signInQuery } from '../model/route.ts';
import { type DemoUser, demoUsers } from '../state/demo.ts';
import { Logo } from './icons.tsx';
import { Avatar, Spinner } from './parts.tsx';

export function SignInPage() {
  const users = useSignal<readonly DemoUser[] | undefined>(undefined);
  const error = useSignal('');
  const read = async () => {
    error.value = '';
    try {
      users.value = await demoUsers();
    } catch (thrown) {
      error.value = errorText(thrown);
    }
  };
  useEffect(() => {
    void read();
  }, []);
  return (
    <main class="sign-in">
      <div class="sign-in-card">
        <Logo />
        <h1>Starling</h1>
        <p class="muted">
          Pick somebody to chat as. A second window can be somebody else, or a second device.
        </p>
        {error.value !== '' && (
          <div class="problem" role="alert">
            <p>{error.value}</p>
            <button type="button" class="button" onClick={read}>
              Try again
            </button>
          </div>
        )}
        {users.value === undefined && error.value === '' && <Spinner label="Looking for demo users…" />}
        {users.value !== undefined && <UserCards users={users.value} />}
        <OtherUser />
      </div>
    </main>
  );
}

function UserCards({ users }: { readonly users: readonly DemoUser[] }) {
  return (
    <ul class="user-cards">
      {users.map(({ userId, displayName }) => (
        <li key={userId}>
          <a class="user-card" href={signInQuery({ userId, displayName: '', device: '' })}>
            <Avatar id={userId} name={displayName} />
            <span class="user-card-text">
              <span class="user-card-name">{displayName}</span>
              <span class="muted">{userId}</span>
            </span>
          </a>
        </li>
      ))}
    </ul>
  );
}

/** A plain form: its fields are the very query that signs in. */
function OtherUser() {
  return (
    <form class="other-user" method="get" action="/">
      <label>
        <span>Another user</span>
        <input
          name="user"
          required
          maxLength={64}
          pattern="[A-Za-z0-9_.@\-]+"
          placeholder="user id"
          autocomplete="off"
          autocapitalize="off"
        />
      </label>
      <label>
        <span>Name</span>
        <input name="name" maxLength={60} placeholder="optional" autocomplete="off" />
      </label>
      <button type="submit" class="button primary">
        Sign in
      </button>
    </form>
  );
}
