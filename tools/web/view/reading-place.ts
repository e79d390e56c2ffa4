// Where the reader of a chat is. Owns: the scroll position, what is in sight, when further pages are read.
// Invariants:
// 1. While the end is in sight, it stays in sight, whatever grows.
// 2. Otherwise the line at the top stays where it is on the screen, whatever is put before it.

import { useSignal } from '@preact/signals';
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks';
import type { Chat } from '../state/chat.ts';
import type { ChatSession } from '../state/session.ts';

/** Closer to the end than this counts as the end. CSS pixels. */
const endSlack = 48;

/** Closer to the first or last line than this, further lines are read. CSS pixels. */
const readAhead = 600;

/** Keeps the place. `look` belongs to the scroll event; `toEnd` goes to the newest line held. */
export function useReadingPlace(session: ChatSession, chat: Chat) {
  const scroller = useRef<HTMLElement>(null);
  const content = useRef<HTMLDivElement>(null);
  const sticks = useRef(true);
  const placed = useRef(false);
  const farFromEnd = useSignal(false);
  const look = () => {
    const box = scroller.current;
    if (box === null || !placed.current) return;
    const below = box.scrollHeight - box.scrollTop - box.clientHeight;
    const { detached } = chat.window.peek();
    sticks.current = below < endSlack && !detached;
    farFromEnd.value = below > box.clientHeight / 2 || detached;
    const watched = document.visibilityState === 'visible' && document.hasFocus();
    session.endInSight.value = sticks.current && watched;
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
  return { scroller, content, farFromEnd, look, toEnd };
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
