// Port: how much memory the process has and uses. Read now and then, not for each call.

/** What is used of the memory that activations live in. */
export interface MemoryUse {
  readonly usedBytes: number;
  /** Beyond this the process ends. */
  readonly limitBytes: number;
}

export interface Memory {
  read(): MemoryUse;
}
