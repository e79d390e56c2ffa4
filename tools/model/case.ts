// What a case of the model is: a model, its bounds, what must come out.

export type ModelName = 'ownership' | 'trim' | 'delivery';

export interface Case {
  /** Names the case on the command line: letters, digits and dashes. */
  readonly name: string;
  readonly model: ModelName;
  /** `protocol` has to verify, `mutant` has to be refuted. */
  readonly kind: 'protocol' | 'mutant';
  /** What is verified, or how the mutant breaks the protocol. */
  readonly says: string;
  /** Compile-time bounds of the model, as `NAME=value`. */
  readonly bounds: readonly string[];
  /** The switch of the model that makes the mutant. */
  readonly mutant?: string;
  /**
   * `exhaustive` visits every state; `shortest` visits them level by level, so that a counter-example is a shortest one;
   * `cycles` looks for any execution that never ends.
   */
  readonly search: 'exhaustive' | 'shortest' | 'cycles';
  /** Memory in MiB that the verifier may take; more is a failure. */
  readonly memoryMib: number;
  /** Seconds that the search may take; more is a failure. */
  readonly secondsMax: number;
  /** Part of the quick run too. */
  readonly quick: boolean;
}

/** All definitions that a case gives to its model. */
export function definesOf(one: Case): readonly string[] {
  return one.mutant === undefined ? one.bounds : ['MUTANT', one.mutant, ...one.bounds];
}
