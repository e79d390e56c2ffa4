// Brings the user up to what came while it was absent: reads the marks that were left beside it, asks each conversation for
// what it lacks and attaches to it again (rule 20).
//
// C1  Marks are read once there is an activation: whoever delivers from then on finds it, and leaves none.
// C2  A mark is cleared only after its conversation has answered that the user is attached, and behind the gate: so every
//     row that the answer rests on is durable. It is cleared as it was read: one that was left since stays.
// C3  What shows the timeline waits for the marks that were there at the start, but not for long: a conversation out of reach
//     must not keep the others away. What comes later is pushed like everything that comes.

import type { DeliverRequest } from '../../proto/gen/starling/actor/v1/user_pb.ts';
import { StarlingError, type StoredNote, type Turn } from '../../runtime/index.ts';
import { groupKey } from '../ids.ts';
import type { ImLimits } from '../limits.ts';
import { GroupActor } from '../types.ts';

const NOTES_PER_PAGE = 256;

/** How far the user has got in a conversation: the membership, and its last entry taken; zeros = nothing yet. */
export interface Position {
  readonly joinSeq: number;
  readonly cursor: number;
}

export interface CatchUpOptions {
  readonly tenant: string;
  readonly userId: string;
  readonly limits: ImLimits;
  readonly position: (conversationId: string) => Position;
  /** Appends what follows; what the user has already is dropped. */
  readonly take: (missed: DeliverRequest, turn: Turn) => void;
}

export class CatchUp {
  readonly #options: CatchUpOptions;
  readonly #settled = Promise.withResolvers<void>();
  #over = false;
  /** The last mark read; undefined = none yet. */
  #after: string | undefined;
  #more = true;
  readonly #waiting: StoredNote[] = [];
  #underWay = 0;
  #release: () => void = () => {};

  constructor(options: CatchUpOptions) {
    this.#options = options;
  }

  /** Nobody need wait any more. */
  get over(): boolean {
    return this.#over;
  }

  /** C3. Never rejects. */
  get settled(): Promise<void> {
    return this.#settled.promise;
  }

  begin(turn: Turn): void {
    this.#release = turn.keepAwake();
    turn.after(this.#options.limits.catchUpWaitMsMax, () => this.#letGo());
    this.#read(turn, this.#options.limits.redeliverMsMin);
  }

  /** The activation is gone: whoever waits hears so. */
  end(): void {
    this.#letGo();
  }

  #letGo(): void {
    this.#over = true;
    this.#settled.resolve();
  }

  #read(turn: Turn, delayMs: number): void {
    const after = this.#after === undefined ? {} : { after: this.#after };
    turn.when(turn.notes({ notesMax: NOTES_PER_PAGE, ...after }), (outcome, later) => {
      if (!outcome.ok) {
        later.after(delayMs, (again) => this.#read(again, this.#longer(delayMs)));
        return;
      }
      this.#waiting.push(...outcome.value);
      this.#after = outcome.value.at(-1)?.note;
      this.#more = outcome.value.length === NOTES_PER_PAGE;
      this.#pump(later);
    });
  }

  #pump(turn: Turn): void {
    const { limits } = this.#options;
    while (this.#underWay < limits.catchUpConversationsMax) {
      const note = this.#waiting.shift();
      if (note === undefined) break;
      this.#underWay++;
      this.#attach(note, turn, limits.redeliverMsMin);
    }
    if (this.#underWay > 0) return;
    if (this.#more) this.#read(turn, limits.redeliverMsMin);
    else {
      this.#letGo();
      this.#release();
    }
  }

  #attach(note: StoredNote, turn: Turn, delayMs: number): void {
    const { tenant, userId, position, take, limits } = this.#options;
    const conversationId = note.note;
    const before = position(conversationId);
    const request = { userId, joinSeq: BigInt(before.joinSeq), cursor: BigInt(before.cursor) };
    // Through the gate: the conversation rests on rows of this log.
    turn.ask(GroupActor, groupKey(tenant, conversationId)).attach(request, (outcome, later) => {
      if (outcome.ok && outcome.value.attached) {
        later.clearNotes([note]);
        this.#underWay--;
        this.#pump(later);
        return;
      }
      if (outcome.ok && outcome.value.missed !== undefined) take(outcome.value.missed, later);
      const { joinSeq, cursor } = position(conversationId);
      if (joinSeq > before.joinSeq || cursor > before.cursor) {
        this.#attach(note, later, limits.redeliverMsMin);
        return;
      }
      later.after(delayMs, (again) => this.#attach(note, again, this.#longer(delayMs)));
    });
  }

  #longer(delayMs: number): number {
    return Math.min(2 * delayMs, this.#options.limits.redeliverMsMax);
  }
}

/** The refusal of what can only be judged once the user has caught up; to be repeated. */
export function comingBack(): StarlingError {
  return new StarlingError('OVERLOADED', 'The user is coming back and not yet up to date.');
}
