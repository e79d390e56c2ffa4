// Answers of one activation that come in a later turn than their call. Owns that each is given once, and that all are
// given when the activation ends.

import type { Message } from '@bufbuild/protobuf';
import type { Call } from './call.ts';
import { invariant, type StarlingError } from './errors.ts';
import { Later } from './turn.ts';

interface Entry {
  call?: Call;
  /** The answer, where it came before the handler had returned. */
  early?: (call: Call) => void;
}

export interface AnswersOptions {
  readonly reply: (call: Call, value: Message, passing: boolean) => void;
  readonly refuse: (call: Call, error: StarlingError) => void;
}

export class Answers {
  readonly #options: AnswersOptions;
  readonly #entries = new WeakMap<Later<Message>, Entry>();
  readonly #open = new Set<Call>();

  constructor(options: AnswersOptions) {
    this.#options = options;
  }

  /** Calls that wait for a later turn; those whose caller has given up do not count, and are forgotten. */
  get open(): number {
    for (const call of this.#open) if (!call.pending) this.#open.delete(call);
    return this.#open.size;
  }

  defer(): Later<Message> {
    const entry: Entry = {};
    const settle = (act: (call: Call) => void): void => {
      if (entry.call === undefined) {
        entry.early ??= act;
        return;
      }
      this.#open.delete(entry.call);
      act(entry.call);
    };
    const later = new Later<Message>(
      (value, passing) => settle((call) => this.#options.reply(call, value, passing)),
      (error) => settle((call) => this.#options.refuse(call, error)),
    );
    this.#entries.set(later, entry);
    return later;
  }

  /** The handler of `call` has returned `later`. */
  adopt(later: Later<Message>, call: Call): void {
    const entry = this.#entries.get(later);
    invariant(entry !== undefined, 'a handler returns a Later of its own activation');
    entry.call = call;
    if (entry.early === undefined) this.#open.add(call);
    else entry.early(call);
  }

  /** Answers all that wait. */
  end(error: StarlingError): void {
    for (const call of this.#open) call.reject(error);
    this.#open.clear();
  }
}
