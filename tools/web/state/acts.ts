// What the person does in a chat, as calls of the client. Owns: sending, sending again, settings. Invariant:
// a rejection ends as a notice, or beside the message it belongs to.

import { batch } from '@preact/signals';
import type { StarlingClient } from '../../sdk/api.ts';
import type { ChatSession } from './session.ts';

/** Sends the text of the open chat's composer. */
export function sendText(session: ChatSession, text: string): void {
  const chat = session.chat.peek();
  if (chat === undefined) return;
  try {
    const { done, ...message } = session.client.sendText(chat.sendTarget, text);
    // How it ended comes as an event and is shown beside the message.
    done.catch(() => {});
    batch(() => {
      session.drafts.write(chat.key, '');
      chat.takeOutgoing(message);
      chat.sends.value += 1;
      chat.unreadFromSeq.value = 0n;
    });
    session.shareDraft();
    void chat.loadNewest();
  } catch (thrown) {
    session.notices.add(thrown);
  }
}

/** Sends a failed message again: a new one takes its place at the end. */
export function resend(session: ChatSession, clientMessageId: string): void {
  try {
    session.client.resend(clientMessageId);
    const chat = session.chat.peek();
    // The new message comes as an event; the failed one is no longer kept.
    if (chat === undefined) return;
    chat.outgoing.value = chat.outgoing.peek().filter((one) => one.clientMessageId !== clientMessageId);
    chat.sends.value += 1;
  } catch (thrown) {
    session.notices.add(thrown);
  }
}

/** Changes the person's own settings of a conversation. */
export async function changeSettings(
  session: ChatSession,
  conversationId: string,
  settings: Parameters<StarlingClient['updateConversation']>[1],
): Promise<void> {
  try {
    session.summaries.take(await session.client.updateConversation(conversationId, settings));
  } catch (thrown) {
    // A draft is kept on this device anyway; that the others do not hear of it is not worth a word.
    if (settings.draft === undefined) session.notices.add(thrown);
  }
}
