// Notices of what went wrong. Each goes by itself after a while.

import { useEffect } from 'preact/hooks';
import type { Notice } from '../state/notices.ts';
import type { ChatSession } from '../state/session.ts';
import { IconButton } from './parts.tsx';

/** How long a notice stands. Milliseconds. */
const standsMs = 8_000;

export function NoticeBar({ session }: { readonly session: ChatSession }) {
  const { notices } = session;
  return (
    <div class="notices" role="alert">
      {notices.shown.value.map((notice) => (
        <NoticeLine key={notice.id} notice={notice} onDismiss={() => notices.dismiss(notice.id)} />
      ))}
    </div>
  );
}

function NoticeLine({ notice, onDismiss }: { readonly notice: Notice; readonly onDismiss: () => void }) {
  useEffect(() => {
    const timer = setTimeout(onDismiss, standsMs);
    return () => clearTimeout(timer);
  }, [notice.id]);
  return (
    <div class="notice">
      <span>{notice.text}</span>
      <IconButton icon="close" label="Dismiss" onClick={onDismiss} />
    </div>
  );
}
