// The list of conversations. Each line is a link, so that it can be opened in another window; arrows move
// between lines.

import { useComputed, useSignal } from '@preact/signals';
import type { RefObject } from 'preact';
import { badge, inOrder, type ListRow, listRow, matches } from '../model/conversation-list.ts';
import { routeHash } from '../model/route.ts';
import type { TimeFormat } from '../model/time.ts';
import type { ChatSession } from '../state/session.ts';
import { Icon } from './icons.tsx';
import { Avatar, Empty, Spinner } from './parts.tsx';

export interface ConversationListProps {
  readonly session: ChatSession;
  readonly time: TimeFormat;
  readonly filterRef: RefObject<HTMLInputElement | null>;
  readonly onNewChat: () => void;
}

export function ConversationList({ session, time, filterRef, onNewChat }: ConversationListProps) {
  const filter = useSignal('');
  const all = useComputed(() => {
    const context = {
      me: session.me,
      nameOf: session.people.nameOf,
      time,
      nowMs: Date.now(),
      draftOf: (id: string) => (session.chat.value?.conversationId === id ? '' : session.drafts.text(id)),
    };
    return inOrder(session.summaries.byId.value.values()).map((one) => listRow(one, context));
  });
  const rows = useComputed(() => {
    const wanted = filter.value.trim();
    return wanted === '' ? all.value : all.value.filter((row) => matches(row, wanted));
  });
  const open = session.chat.value?.conversationId ?? '';
  return (
    <>
      <div class="filter">
        <Icon name="search" />
        <input
          ref={filterRef}
          type="search"
          value={filter.value}
          placeholder="Search"
          aria-label="Search conversations"
          aria-keyshortcuts="Control+K"
          autocomplete="off"
          onInput={(event) => {
            filter.value = event.currentTarget.value;
          }}
          onKeyDown={(event) => {
            if (event.key === 'Escape' && filter.value !== '') {
              event.preventDefault();
              filter.value = '';
            } else if (event.key === 'ArrowDown') {
              event.preventDefault();
              linesOf(event.currentTarget.closest('.sidebar'))[0]?.focus();
            } else if (event.key === 'Enter' && rows.value[0] !== undefined) {
              session.goto(rows.value[0].id);
            }
          }}
        />
        <kbd>Ctrl K</kbd>
      </div>
      <nav class="conversations" aria-label="Conversations" onKeyDown={moveFocus}>
        {rows.value.length > 0 && (
          <ul>
            {rows.value.map((row, at) => (
              <Line
                key={row.id}
                row={row}
                open={row.id === open}
                reachable={isReachable(rows.value, open, at)}
              />
            ))}
          </ul>
        )}
        {rows.value.length === 0 && <NoLines session={session} filter={filter.value} onNewChat={onNewChat} />}
      </nav>
    </>
  );
}

/** One line takes part in tabbing: the open one, or the first where none of the shown ones is open. */
function isReachable(rows: readonly ListRow[], open: string, at: number): boolean {
  const openAt = rows.findIndex((row) => row.id === open);
  return at === Math.max(openAt, 0);
}

interface LineProps {
  readonly row: ListRow;
  readonly open: boolean;
  readonly reachable: boolean;
}

function Line({ row, open, reachable }: LineProps) {
  return (
    <li class="line-item">
      <a
        class={`line${open ? ' is-open' : ''}${row.unread > 0 && !row.muted ? ' is-unread' : ''}`}
        href={routeHash({ kind: 'conversation', conversationId: row.id })}
        aria-current={open ? 'page' : undefined}
        tabIndex={reachable ? 0 : -1}
        data-conversation={row.id}
      >
        <Avatar id={row.avatarId} name={row.title} group={row.group} />
        <span class="line-text">
          <span class="line-top">
            <span class="line-title">{row.title}</span>
            {row.muted && <Marker icon="mute" label="muted" />}
            {row.pinned && <Marker icon="pin" label="pinned" />}
            <span class="line-time">{row.time}</span>
          </span>
          <span class="line-bottom">
            <span class="line-preview">
              {row.draft && <span class="line-draft">Draft: </span>}
              {!row.member && <span class="line-left">Left: </span>}
              {row.preview}
            </span>
            {row.unread > 0 && (
              <span class={`badge${row.muted ? ' is-quiet' : ''}`}>
                {badge(row.unread)}
                <span class="unseen"> unread</span>
              </span>
            )}
          </span>
        </span>
      </a>
    </li>
  );
}

function Marker({ icon, label }: { readonly icon: 'mute' | 'pin'; readonly label: string }) {
  return (
    <span class="marker">
      <Icon name={icon} />
      <span class="unseen">{label}</span>
    </span>
  );
}

interface NoLinesProps {
  readonly session: ChatSession;
  readonly filter: string;
  readonly onNewChat: () => void;
}

function NoLines({ session, filter, onNewChat }: NoLinesProps) {
  if (filter.trim() !== '')
    return <Empty title="Nothing found" text="No conversation has this in its name or last message." />;
  if (!session.summaries.listed.value) return <Spinner label="Loading conversations…" />;
  return (
    <Empty title="No conversations yet" text="Write to somebody, and the conversation appears here.">
      <button type="button" class="button primary" onClick={onNewChat}>
        New chat
      </button>
    </Empty>
  );
}

function linesOf(root: Element | null): HTMLElement[] {
  return root === null ? [] : [...root.querySelectorAll<HTMLElement>('.line')];
}

function moveFocus(event: KeyboardEvent & { readonly currentTarget: HTMLElement }): void {
  const lines = linesOf(event.currentTarget);
  const at = lines.findIndex((line) => line.matches(':focus'));
  const goals: Partial<Record<string, number>> = {
    ArrowDown: at + 1,
    ArrowUp: at - 1,
    Home: 0,
    End: lines.length - 1,
  };
  const goal = goals[event.key];
  if (goal === undefined || at < 0) return;
  event.preventDefault();
  lines[Math.min(Math.max(goal, 0), lines.length - 1)]?.focus();
}
