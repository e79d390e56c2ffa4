// How an operation of a coordinator ends.

import type { StarlingError } from '../../errors.ts';

/** Called once, with what came of an operation. */
export interface Outcome<T> {
  done(value: T): void;
  failed(error: StarlingError): void;
}
