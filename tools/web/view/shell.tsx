// The page of a signed-in person: list, chat, panel, dialogs, and the keys that work everywhere.

import { useSignal, useSignalEffect } from '@preact/signals';
import type { RefObject } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { type ConnectionView, connectionView } from '../model/connection.ts';
import { windowTitle } from '../model/conversation-list.ts';
import type { TimeFormat } from '../model/time.ts';
import type { ChatSession } from '../state/session.ts';
import { ChatPane } from './chat-pane.tsx';
import { ConversationList } from './conversation-list.tsx';
import { DevicesDialog, NewChatDialog, NewGroupDialog } from './dialogs.tsx';
import { GroupPanel } from './group-panel.tsx';
import { NoticeBar } from './notice-bar.tsx';
import { Avatar, IconButton } from './parts.tsx';

type Dialog = 'none' | 'chat' | 'group' | 'devices';

export interface ShellProps {
  readonly session: ChatSession;
  readonly time: TimeFormat;
  readonly onSignOut: () => void;
}

export function Shell({ session, time, onSignOut }: ShellProps) {
  const dialog = useSignal<Dialog>('none');
  const infoOpen = useSignal(false);
  const online = useOnline();
  const filterRef = useRef<HTMLInputElement>(null);
  useSignalEffect(() => {
    document.title = windowTitle(session.summaries.unread.value, session.title.value);
  });
  useKeys(session, filterRef, infoOpen);
  const connection = connectionView(session.connection.value, online.value);
  const conversationId = session.chat.value?.conversationId ?? '';
  const close = () => {
    dialog.value = 'none';
  };
  return (
    <div class={`shell${session.chat.value === undefined ? '' : ' has-chat'}`}>
      <Banner view={connection} />
      <div class="columns">
        <aside class="sidebar" aria-label="Conversations and account">
          <header class="account">
            <Avatar id={session.me} name={session.people.nameOf(session.me)} />
            <div class="account-text">
              <span class="account-name">{session.people.nameOf(session.me)}</span>
              <span class="account-state" data-connection={session.connection.value.state}>
                <span class={`dot ${connection.tone}`} aria-hidden="true" />
                {connection.label}
              </span>
            </div>
            <IconButton icon="chat" label="New chat" onClick={() => show('chat')} />
            <IconButton icon="group" label="New group" onClick={() => show('group')} />
            <IconButton icon="devices" label="Your devices" onClick={() => show('devices')} />
            <IconButton icon="signout" label="Sign out" onClick={onSignOut} />
          </header>
          <ConversationList
            session={session}
            time={time}
            filterRef={filterRef}
            onNewChat={() => show('chat')}
          />
        </aside>
        <main class="main">
          <ChatPane session={session} time={time} infoOpen={infoOpen} />
        </main>
        {infoOpen.value && session.isGroup.value && session.summary.value?.member === true && (
          <GroupPanel
            key={conversationId}
            session={session}
            conversationId={conversationId}
            onClose={() => {
              infoOpen.value = false;
            }}
          />
        )}
      </div>
      {dialog.value === 'chat' && <NewChatDialog session={session} onClose={close} />}
      {dialog.value === 'group' && <NewGroupDialog session={session} onClose={close} />}
      {dialog.value === 'devices' && <DevicesDialog session={session} time={time} onClose={close} />}
      <NoticeBar session={session} />
      <div class="unseen" aria-live="polite">
        {session.announcement.value}
      </div>
    </div>
  );

  function show(which: Dialog): void {
    dialog.value = which;
  }
}

function Banner({ view }: { readonly view: ConnectionView }) {
  return (
    <div class="banner-place" role="status">
      {view.banner !== '' && (
        <div class={`banner ${view.tone}`}>
          <span>{view.banner}</span>
          {view.signIn && (
            <button type="button" class="button" onClick={() => location.reload()}>
              Sign in here again
            </button>
          )}
        </div>
      )}
    </div>
  );
}

/** Whether the browser says that there is a network. */
function useOnline() {
  const online = useSignal(navigator.onLine);
  useEffect(() => {
    const abort = new AbortController();
    const look = () => {
      online.value = navigator.onLine;
    };
    window.addEventListener('online', look, { signal: abort.signal });
    window.addEventListener('offline', look, { signal: abort.signal });
    return () => abort.abort();
  }, []);
  return online;
}

/** Ctrl+K (or Cmd+K) goes to the filter; Esc closes the panel, then the chat. */
function useKeys(
  session: ChatSession,
  filterRef: RefObject<HTMLInputElement | null>,
  infoOpen: { value: boolean },
): void {
  useEffect(() => {
    const abort = new AbortController();
    const onKey = (event: KeyboardEvent) => {
      if (event.defaultPrevented || event.isComposing) return;
      if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === 'k') {
        event.preventDefault();
        // On a narrow page the list is not in sight while a chat is open.
        if (filterRef.current?.offsetParent === null) session.gotoList();
        queueMicrotask(() => filterRef.current?.select());
      } else if (event.key === 'Escape' && document.querySelector('dialog[open]') === null) {
        if (infoOpen.value) infoOpen.value = false;
        else if (session.chat.peek() !== undefined) leaveChat(session);
      }
    };
    window.addEventListener('keydown', onKey, { signal: abort.signal });
    return () => abort.abort();
  }, []);
}

/** The line of the chat that was left gets the focus, so that arrows go on from there. */
function leaveChat(session: ChatSession): void {
  const id = session.chat.peek()?.conversationId ?? '';
  session.gotoList();
  document.querySelector<HTMLElement>(`[data-conversation="${CSS.escape(id)}"]`)?.focus();
}
