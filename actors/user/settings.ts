// A user's own settings of a conversation: which of them an update mask can name.

import type { ConversationSettings } from '../../proto/gen/starling/im/v1/conversation_pb.ts';
import { invalidRequest } from '../../runtime/index.ts';

/** Copies one field named by an update mask. */
export function copySetting(path: string, from: ConversationSettings, to: ConversationSettings): void {
  switch (path) {
    case 'pinned':
      to.pinned = from.pinned;
      break;
    case 'notify_level':
      to.notifyLevel = from.notifyLevel;
      break;
    case 'labels':
      to.labels = from.labels;
      break;
    case 'draft':
      to.draft = from.draft;
      break;
    case 'attributes':
      to.attributes = from.attributes;
      break;
    default:
      throw invalidRequest('update_mask', `there is no field ${path}`);
  }
}
