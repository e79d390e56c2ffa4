// Port: time. The runtime reads no other clock.

/** Undoes a timer; harmless once it has fired. */
export interface Timer {
  cancel(): void;
}

export interface Clock {
  /** Milliseconds since 1970-01-01 UTC; may jump. For time stamps shown to people, never for safety. */
  now(): number;
  /** Milliseconds from an arbitrary start; never runs backwards. For deadlines and ages. */
  monotonic(): number;
  /** Runs `task` once after at least `delayMs`. Does not keep the process alive. */
  after(delayMs: number, task: () => void): Timer;
}
