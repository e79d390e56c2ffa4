// The lines of a chat: days, the unread line, what happened, and bubbles. Text is always a text node, never
// markup.

import type { NameOf } from '../model/names.ts';
import type { BubbleRow, Row } from '../model/rows.ts';
import { Icon } from './icons.tsx';
import { Avatar } from './parts.tsx';

export interface MessageRowProps {
  readonly row: Row;
  /** Names and avatars are shown in groups only. */
  readonly group: boolean;
  readonly nameOf: NameOf;
  readonly onResend: (clientMessageId: string) => void;
}

export function MessageRow({ row, group, nameOf, onResend }: MessageRowProps) {
  switch (row.kind) {
    case 'day':
      return (
        <li class="day" data-key={row.key}>
          <span>{row.text}</span>
        </li>
      );
    case 'unread':
      return (
        <li class="unread-line" data-key={row.key}>
          <span>New messages</span>
        </li>
      );
    case 'control':
      return (
        <li class="control" data-key={row.key}>
          <span>{row.text}</span>
        </li>
      );
    case 'bubble':
      return <Bubble row={row} group={group} nameOf={nameOf} onResend={onResend} />;
  }
}

interface BubbleProps {
  readonly row: BubbleRow;
  readonly group: boolean;
  readonly nameOf: NameOf;
  readonly onResend: (clientMessageId: string) => void;
}

function Bubble({ row, group, nameOf, onResend }: BubbleProps) {
  const name = nameOf(row.senderId);
  const classes = [
    'message',
    row.own ? 'is-own' : 'is-theirs',
    row.first ? 'is-first' : '',
    row.last ? 'is-last' : '',
    row.big ? 'is-big' : '',
    row.state === 'failed' ? 'is-failed' : '',
    row.state === 'sending' || row.state === 'accepted' ? 'is-sending' : '',
  ];
  const named = group && !row.own;
  return (
    <li class={classes.filter((one) => one !== '').join(' ')} data-key={row.key} data-state={row.state}>
      {named && (
        <span class="message-side">{row.last && <Avatar id={row.senderId} name={name} size="small" />}</span>
      )}
      <div class="message-main">
        {named && row.first ? (
          <span class="message-sender">{name}</span>
        ) : (
          <span class="unseen">{row.own ? 'You' : name}:</span>
        )}
        <div class="bubble">
          <p class="bubble-text" dir="auto">
            {row.text}
          </p>
          <span class="bubble-meta">
            <time title={row.fullTime}>{row.time}</time>
            <SendMark row={row} />
          </span>
        </div>
        {row.state === 'failed' && (
          <span class="failed-line" role="alert">
            Not sent{row.error === '' ? '' : ` (${row.error.toLowerCase().replaceAll('_', ' ')})`}
            <button type="button" class="link-button" onClick={() => onResend(row.clientMessageId)}>
              Try again
            </button>
          </span>
        )}
      </div>
    </li>
  );
}

function SendMark({ row }: { readonly row: BubbleRow }) {
  switch (row.state) {
    case undefined:
      return null;
    case 'sending':
      return <Mark icon="clock" label="sending" />;
    case 'accepted':
      return <Mark icon="clock" label="waits for the conversation" />;
    case 'sent':
      return <Mark icon="check" label="sent" />;
    case 'failed':
      return <Mark icon="alert" label="failed" />;
  }
}

function Mark({ icon, label }: { readonly icon: 'clock' | 'check' | 'alert'; readonly label: string }) {
  return (
    <span class="send-mark" title={label}>
      <Icon name={icon} />
      <span class="unseen">{label}</span>
    </span>
  );
}
