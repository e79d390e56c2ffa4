// The scrolling part of a chat: its lines, and what stands where there are none. Does not own: where the
// reader is (reading-place.ts).

import { useComputed } from '@preact/signals';
import { buildRows } from '../model/rows.ts';
import type { TimeFormat } from '../model/time.ts';
import { resend } from '../state/acts.ts';
import type { Chat } from '../state/chat.ts';
import type { ChatSession } from '../state/session.ts';
import { MessageRow } from './message-rows.tsx';
import { Empty, IconButton, Spinner } from './parts.tsx';
import { useReadingPlace } from './reading-place.ts';

export interface LogProps {
  readonly session: ChatSession;
  readonly chat: Chat;
  readonly time: TimeFormat;
}

export function Log({ session, chat, time }: LogProps) {
  const rows = useComputed(() =>
    buildRows({
      entries: chat.window.value.entries,
      outgoing: chat.outgoing.value,
      me: session.me,
      nameOf: session.people.nameOf,
      time,
      nowMs: Date.now(),
      unreadFromSeq: chat.unreadFromSeq.value,
    }),
  );
  const { scroller, content, farFromEnd, look, toEnd } = useReadingPlace(session, chat);
  const { detached } = chat.window.value;
  const group = session.isGroup.value;
  return (
    <div class="log-frame">
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region has to be reachable by keys. */}
      <section class="log" ref={scroller} onScroll={look} tabIndex={0} aria-label="Messages">
        <div class="log-content" ref={content}>
          <LogHead chat={chat} onRetry={() => void session.loadOlder()} />
          <ol class="rows">
            {rows.value.map((row) => (
              <MessageRow
                key={row.key}
                row={row}
                group={group}
                nameOf={session.people.nameOf}
                onResend={(id) => resend(session, id)}
              />
            ))}
          </ol>
          <LogState session={session} chat={chat} empty={rows.value.length === 0} />
        </div>
      </section>
      {farFromEnd.value && (
        <div class="to-end">
          <IconButton
            icon="down"
            label="Jump to the newest message"
            onClick={() => {
              void (detached ? chat.loadNewest() : Promise.resolve()).then(toEnd);
            }}
          />
        </div>
      )}
    </div>
  );
}

interface LogStateProps {
  readonly session: ChatSession;
  readonly chat: Chat;
  readonly empty: boolean;
}

/** What stands where there are no lines. */
function LogState({ session, chat, empty }: LogStateProps) {
  if (chat.phase.value === 'failed') {
    return (
      <div class="problem" role="alert">
        <p>{chat.error.value}</p>
        <button type="button" class="button" onClick={() => void session.retry()}>
          Try again
        </button>
      </div>
    );
  }
  if (!empty) return null;
  if (chat.phase.value === 'loading') return <Spinner label="Loading messages…" />;
  return <Empty title="Nothing said yet" text="Write the first message below." />;
}

/** What stands above the first line. */
function LogHead({ chat, onRetry }: { readonly chat: Chat; readonly onRetry: () => void }) {
  if (chat.phase.value !== 'ready' || chat.window.value.entries.length === 0) return null;
  if (chat.reading.value === 'older') return <Spinner label="Loading older messages…" />;
  if (chat.error.value !== '') {
    return (
      <div class="problem" role="alert">
        <p>{chat.error.value}</p>
        <button type="button" class="button" onClick={onRetry}>
          Try again
        </button>
      </div>
    );
  }
  return chat.hasOlder.value ? <div class="log-head" /> : null;
}
