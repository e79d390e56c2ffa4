// Where messages are written. Enter sends, Shift+Enter makes a new line; while an input method composes,
// Enter is its own.

import { useLayoutEffect, useRef } from 'preact/hooks';
import { textBytesMax, utf8Bytes } from '../model/content.ts';
import { sendText } from '../state/acts.ts';
import type { Chat } from '../state/chat.ts';
import type { ChatSession } from '../state/session.ts';
import { Icon } from './icons.tsx';

/** From this many bytes on the rest is counted. */
const countFrom = textBytesMax - 5_000;

export interface ComposerProps {
  readonly session: ChatSession;
  readonly chat: Chat;
  /** Whom it goes to, for the field's name. */
  readonly title: string;
}

export function Composer({ session, chat, title }: ComposerProps) {
  const field = useRef<HTMLTextAreaElement>(null);
  const text = session.drafts.text(chat.key);
  const bytes = text.length * 3 < countFrom ? 0 : utf8Bytes(text);
  const tooLong = bytes > textBytesMax;
  const ready = text.trim() !== '' && !tooLong;
  // Keys may come faster than frames: what they do is done to the chat and the draft of this moment, not to
  // those of the last rendering.
  const key = () => session.chat.peek()?.key ?? chat.key;
  const send = () => {
    const written = session.drafts.text(key()).trim();
    if (written === '' || utf8Bytes(written) > textBytesMax) return;
    sendText(session, written);
    field.current?.focus();
  };
  useLayoutEffect(() => {
    const area = field.current;
    if (area === null) return;
    // The field is as high as its text; the style sheet sets the most.
    area.style.height = 'auto';
    area.style.height = `${area.scrollHeight}px`;
  }, [text]);
  useLayoutEffect(() => {
    // On a touch screen the keyboard would cover the chat before it was read.
    if (matchMedia('(hover: hover)').matches) field.current?.focus();
  }, [chat.key]);
  return (
    <form
      class="composer"
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
    >
      {bytes >= countFrom && (
        <p class={`composer-count${tooLong ? ' is-over' : ''}`} role="status">
          {bytes.toLocaleString()} of {textBytesMax.toLocaleString()} bytes
        </p>
      )}
      <div class="composer-box">
        <textarea
          ref={field}
          rows={1}
          dir="auto"
          value={text}
          placeholder="Message"
          aria-label={`Message to ${title}`}
          enterkeyhint="send"
          onInput={(event) => session.drafts.write(key(), event.currentTarget.value)}
          onBlur={() => session.shareDraft()}
          onKeyDown={(event) => {
            // Some browsers end the composition before they report the Enter that ended it; its key code is
            // 229 then.
            if (event.isComposing || event.keyCode === 229) return;
            if (event.key === 'Enter' && !event.shiftKey && !event.altKey) {
              event.preventDefault();
              send();
            }
          }}
        />
        <button type="submit" class="send-button" disabled={!ready} aria-label="Send" title="Send (Enter)">
          <Icon name="send" />
        </button>
      </div>
    </form>
  );
}
