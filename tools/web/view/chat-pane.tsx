// The open chat: its header, the log, the composer.

import type { Signal } from '@preact/signals';
import type { Conversation } from '../../../proto/gen/starling/im/v1/conversation_pb.ts';
import { NotifyLevel } from '../../../proto/gen/starling/im/v1/conversation_pb.ts';
import { isMuted } from '../model/conversation-list.ts';
import { peerOf } from '../model/names.ts';
import type { TimeFormat } from '../model/time.ts';
import { changeSettings } from '../state/acts.ts';
import type { Chat } from '../state/chat.ts';
import type { ChatSession } from '../state/session.ts';
import { Composer } from './composer.tsx';
import { Logo } from './icons.tsx';
import { Log } from './log.tsx';
import { Avatar, IconButton } from './parts.tsx';

export interface ChatPaneProps {
  readonly session: ChatSession;
  readonly time: TimeFormat;
  readonly infoOpen: Signal<boolean>;
}

export function ChatPane({ session, time, infoOpen }: ChatPaneProps) {
  const chat = session.chat.value;
  if (chat === undefined) return <NoChat />;
  const summary = session.summary.value;
  const title = session.title.value;
  return (
    <section class="chat" aria-label={title === '' ? 'Chat' : `Chat with ${title}`}>
      <ChatHeader session={session} chat={chat} summary={summary} title={title} infoOpen={infoOpen} />
      <Log key={chat.key} session={session} chat={chat} time={time} />
      {summary?.member === false ? (
        <p class="read-only">
          You are no longer a member of this conversation. You can read what was said until you left.
        </p>
      ) : (
        <Composer session={session} chat={chat} title={title} />
      )}
    </section>
  );
}

function NoChat() {
  return (
    <section class="chat is-empty" aria-label="No chat open">
      <div class="empty">
        <Logo />
        <p class="empty-title">Pick a conversation</p>
        <p>
          <kbd>Ctrl K</kbd> searches, <kbd>↑</kbd> <kbd>↓</kbd> move through the list.
        </p>
      </div>
    </section>
  );
}

interface ChatHeaderProps {
  readonly session: ChatSession;
  readonly chat: Chat;
  readonly summary: Conversation | undefined;
  readonly title: string;
  readonly infoOpen: Signal<boolean>;
}

function ChatHeader({ session, chat, summary, title, infoOpen }: ChatHeaderProps) {
  const group = session.isGroup.value;
  const peer = chat.target.kind === 'direct' ? chat.target.userId : summary && peerOf(summary, session.me);
  return (
    <header class="chat-header">
      <IconButton icon="back" label="Back to the list" class="back" onClick={() => session.gotoList()} />
      <Avatar id={peer ?? chat.conversationId} name={title} group={group} />
      <div class="chat-heading">
        <h1>{title}</h1>
        <p class="muted">{subtitle(summary, group, peer)}</p>
      </div>
      {summary !== undefined && <ChatActions session={session} summary={summary} />}
      {group && summary?.member === true && (
        <IconButton
          icon="info"
          label="Group info"
          pressed={infoOpen.value}
          onClick={() => {
            infoOpen.value = !infoOpen.value;
          }}
        />
      )}
    </header>
  );
}

function subtitle(summary: Conversation | undefined, group: boolean, peer: string | undefined): string {
  if (!group) return peer ?? '';
  const count = summary?.memberCount ?? 0;
  return count === 1 ? '1 member' : `${count} members`;
}

function ChatActions({
  session,
  summary,
}: {
  readonly session: ChatSession;
  readonly summary: Conversation;
}) {
  const { conversationId } = summary;
  const pinned = summary.settings?.pinned ?? false;
  const muted = isMuted(summary);
  return (
    <>
      <IconButton
        icon="pin"
        label={pinned ? 'Unpin' : 'Pin to the top'}
        pressed={pinned}
        onClick={() => void changeSettings(session, conversationId, { pinned: !pinned })}
      />
      <IconButton
        icon={muted ? 'mute' : 'bell'}
        label={muted ? 'Unmute' : 'Mute'}
        pressed={muted}
        onClick={() =>
          void changeSettings(session, conversationId, {
            notifyLevel: muted ? NotifyLevel.ALL : NotifyLevel.NONE,
          })
        }
      />
    </>
  );
}
