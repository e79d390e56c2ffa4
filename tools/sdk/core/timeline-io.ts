// What goes into the timeline's state machine and what comes out of it.

import type { Conversation } from '../../../proto/gen/starling/im/v1/conversation_pb.ts';
import type { SendOutcome } from '../../../proto/gen/starling/im/v1/send_pb.ts';
import type { Delivery } from '../../../proto/gen/starling/im/v1/sync_pb.ts';
import type { SdkError } from '../errors.ts';
import type { LineMode } from './connection-io.ts';

/** A place in the user's timeline: the fields of a Cursor. */
export interface Position {
  readonly incarnation: bigint;
  readonly seq: bigint;
  readonly check: bigint;
}

export type TimelineTimer = 'ack' | 'safety' | 'repeat' | 'grace';

/** The reasons of FullSync without their prefix, or the SDK's own `STORE_LOST` and `FOREIGN_STORE`. */
export type RebuildReason =
  | 'UNSPECIFIED'
  | 'NO_CURSOR'
  | 'TRIMMED'
  | 'TOO_FAR'
  | 'INCARNATION'
  | 'MISMATCH'
  | 'STORE_LOST'
  | 'FOREIGN_STORE';

/** An answer to Pull. */
export interface Pulled {
  readonly deliveries: readonly Delivery[];
  readonly head: bigint;
  readonly fullSync: RebuildReason | undefined;
}

/** A page of ListConversations. */
export interface Page {
  readonly conversations: readonly Conversation[];
  /** Empty: the last page. */
  readonly nextPageToken: string;
  /** On the first page. */
  readonly cursor: Position | undefined;
  /** On the first page: accepted sends that are open or failed. */
  readonly outcomes: readonly SendOutcome[];
}

export type TimelineInput =
  | { readonly kind: 'line'; readonly mode: Exclude<LineMode, 'push'> }
  /** A stream is up. */
  | {
      readonly kind: 'welcome';
      readonly incarnation: bigint;
      readonly head: bigint;
      readonly windowDeliveries: number;
    }
  | { readonly kind: 'deliveries'; readonly deliveries: readonly Delivery[] }
  | { readonly kind: 'notify'; readonly head: bigint }
  | { readonly kind: 'heartbeat'; readonly head: bigint }
  | { readonly kind: 'full_sync'; readonly reason: RebuildReason }
  | { readonly kind: 'pulled'; readonly generation: number; readonly answer: Pulled }
  | { readonly kind: 'pull_failed'; readonly generation: number; readonly error: SdkError }
  | { readonly kind: 'listed'; readonly generation: number; readonly page: Page }
  | { readonly kind: 'list_failed'; readonly generation: number; readonly error: SdkError }
  /** Durable in the local store. */
  | { readonly kind: 'applied'; readonly position: Position; readonly deliveries: number }
  /** A page other than the last one is durable; the last one is `applied`. */
  | { readonly kind: 'page_applied' }
  | { readonly kind: 'acked' }
  | { readonly kind: 'ack_failed' }
  | { readonly kind: 'store_lost' }
  | { readonly kind: 'foreign_store' }
  | { readonly kind: 'timer'; readonly timer: TimelineTimer };

export type TimelineEffect =
  | {
      readonly kind: 'pull';
      readonly generation: number;
      readonly from: Position;
      /** 0: answer at once. */
      readonly waitMs: number;
    }
  | { readonly kind: 'list'; readonly generation: number; readonly pageToken: string }
  /** Gives up Pull and ListConversations under way. */
  | { readonly kind: 'abort' }
  /** Fold into the view and write, in the order given. */
  | { readonly kind: 'apply'; readonly deliveries: readonly Delivery[]; readonly position: Position }
  | {
      readonly kind: 'apply_page';
      readonly conversations: readonly Conversation[];
      /** Of the first page: accepted sends that are open or failed. */
      readonly outcomes: readonly SendOutcome[];
      /** Present on the first page: empty the view before. */
      readonly reset: RebuildReason | undefined;
      /** Present on the last page: the view is complete as of here. */
      readonly position: Position | undefined;
    }
  | { readonly kind: 'ack'; readonly position: Position }
  | { readonly kind: 'set_timer'; readonly timer: TimelineTimer; readonly delayMs: number }
  | { readonly kind: 'cancel_timer'; readonly timer: TimelineTimer }
  /** A long poll was answered, or failed: news for the connection. */
  | { readonly kind: 'polled' }
  | { readonly kind: 'poll_failed'; readonly error: SdkError }
  /** The timeline has another incarnation than the stream was opened for: open another one. */
  | { readonly kind: 'reopen' }
  /** The view is where the server's head was said to be. */
  | { readonly kind: 'caught_up' }
  | { readonly kind: 'warning'; readonly code: string; readonly message: string };
