// What the person has to know about what went wrong. Invariant: at most `noticesMax` at once, none said twice
// at a time.

import { signal } from '@preact/signals';
import { errorText } from '../model/errors.ts';

/** Notices on the screen at once; the oldest goes. */
const noticesMax = 3;

/** One notice. */
export interface Notice {
  readonly id: number;
  readonly text: string;
}

export class Notices {
  readonly shown = signal<readonly Notice[]>([]);
  #lastId = 0;

  /** Shows the text of what was thrown. */
  add(thrown: unknown): void {
    this.#lastId += 1;
    const notice = { id: this.#lastId, text: errorText(thrown) };
    const others = this.shown.peek().filter((one) => one.text !== notice.text);
    this.shown.value = [...others, notice].slice(-noticesMax);
  }

  dismiss(id: number): void {
    this.shown.value = this.shown.peek().filter((one) => one.id !== id);
  }
}
