// The scrolling part of a chat. Owns: where the reader is. Invariants:
// 1. While the end is in sight, it stays in sight, whatever grows.
// 2. Otherwise the line at the top stays where it is on the screen, whatever is put before it.

import { useComputed, useSignal } from '@preact/signals';
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks';
import { buildRows } from '../model/rows.ts';
import type { TimeFormat } from '../model/time.ts';
import { resend } from '../state/acts.ts';
import type { Chat } from '../state/chat.ts';
import type { ChatSession } from '../state/session.ts';
import { MessageRow } from './message-rows.tsx';
import { Empty, IconButton, Spinner } from './parts.tsx';

/** Closer to the end than this counts as the end. CSS pixels. */
const endSlack = 48;

/** Closer to the first or last line than this, further lines are read. CSS pixels. */
const readAhead = 600;

export interface LogProps {
  readonly session: ChatSession;
  readonly chat: Chat;
  readonly time: TimeFormat;
}

export function Log({ session, chat, time }: LogProps) {
  const scroller = useRef<HTMLElement>(null);
  const content = useRef<HTMLDivElement>(null);
  const sticks = useRef(true);
  const placed = useRef(false);
  const farFromEnd = useSignal(false);
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
  const detached = chat.window.value.detached;

  const look = () => {
    const box = scroller.current;
    if (box === null || !placed.current) return;
    const below = box.scrollHeight - box.scrollTop - box.clientHeight;
    sticks.current = below < endSlack && !chat.window.peek().detached;
    farFromEnd.value = below > box.clientHeight / 2 || chat.window.peek().detached;
    session.endInSight.value =
      sticks.current && document.visibilityState === 'visible' && document.hasFocus();
    // What failed is not tried again by mere looking, only by the button or when the connection is back.
    if (chat.error.peek() !== '') return;
    if (box.scrollTop < readAhead) void session.loadOlder();
    if (below < readAhead) void session.loadNewer();
  };
  const toEnd = () => {
    sticks.current = true;
    const box = scroller.current;
    if (box !== null) box.scrollTop = box.scrollHeight;
  };

  useGrowth([scroller, content], () => {
    if (sticks.current && placed.current) toEnd();
    look();
  });
  useFocusChange(look);
  // The position is measured while the old lines still stand, and put right before the new ones are painted.
  const anchor = sticks.current ? undefined : topLine(scroller.current);
  useLayoutEffect(() => {
    const box = scroller.current;
    if (box === null || chat.phase.value !== 'ready') return;
    if (!placed.current) {
      placed.current = true;
      if (!showUnreadLine(box)) toEnd();
    } else if (sticks.current) toEnd();
    else restore(box, anchor);
    look();
  });
  useLayoutEffect(() => {
    if (chat.sends.value > 0) toEnd();
  }, [chat.sends.value]);

  const group = session.isGroup.value;
  return (
    <div class="log-frame">
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region has to be reachable by the keyboard. */}
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

interface Anchor {
  readonly key: string;
  /** Distance from the top of the scrolling part. */
  readonly top: number;
}

/** The first message that is at least partly in sight. Lines between are no anchors: they may go. */
function topLine(box: HTMLElement | null): Anchor | undefined {
  if (box === null) return undefined;
  const edge = box.getBoundingClientRect().top;
  for (const line of box.querySelectorAll<HTMLElement>('.message, .control')) {
    const { top, bottom } = line.getBoundingClientRect();
    const key = line.getAttribute('data-key');
    if (bottom > edge && key !== null) return { key, top: top - edge };
  }
  return undefined;
}

function restore(box: HTMLElement, anchor: Anchor | undefined): void {
  if (anchor === undefined) return;
  const line = box.querySelector<HTMLElement>(`[data-key="${CSS.escape(anchor.key)}"]`);
  if (line === null) return;
  const moved = line.getBoundingClientRect().top - box.getBoundingClientRect().top - anchor.top;
  if (Math.abs(moved) >= 1) box.scrollTop += moved;
}

/** Goes to the unread line if it would not be in sight at the end. */
function showUnreadLine(box: HTMLElement): boolean {
  const line = box.querySelector<HTMLElement>('.unread-line');
  if (line === null) return false;
  const fromEnd = box.scrollHeight - line.offsetTop;
  if (fromEnd < box.clientHeight) return false;
  box.scrollTop = line.offsetTop - box.clientHeight / 4;
  return true;
}

interface ElementRef {
  readonly current: HTMLElement | null;
}

/** Calls back when one of the elements changes its size. */
function useGrowth(refs: readonly ElementRef[], onGrowth: () => void): void {
  const latest = useRef(onGrowth);
  latest.current = onGrowth;
  useEffect(() => {
    const observer = new ResizeObserver(() => latest.current());
    for (const { current } of refs) if (current !== null) observer.observe(current);
    return () => observer.disconnect();
  }, []);
}

/** Calls back when the window comes to the front or leaves it. */
function useFocusChange(onChange: () => void): void {
  const latest = useRef(onChange);
  latest.current = onChange;
  useEffect(() => {
    const listener = () => latest.current();
    const abort = new AbortController();
    const { signal } = abort;
    window.addEventListener('focus', listener, { signal });
    window.addEventListener('blur', listener, { signal });
    document.addEventListener('visibilitychange', listener, { signal });
    return () => abort.abort();
  }, []);
}
