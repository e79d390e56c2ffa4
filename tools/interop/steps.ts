// What was tried, and what came of it.

export interface Step {
  readonly name: string;
  readonly ok: boolean;
}

export class Steps {
  readonly #steps: Step[] = [];

  /** Runs one step, prints its outcome, and keeps it. A step that throws has failed, and so has all that stands on it. */
  async run<T>(name: string, step: () => Promise<T>): Promise<T> {
    try {
      const result = await step();
      this.#steps.push({ name, ok: true });
      console.log(`ok      ${name}`);
      return result;
    } catch (error) {
      this.#steps.push({ name, ok: false });
      console.log(`FAILED  ${name}: ${error instanceof Error ? error.message : String(error)}`);
      throw error;
    }
  }

  get passed(): number {
    return this.#steps.filter(({ ok }) => ok).length;
  }

  get failed(): number {
    return this.#steps.length - this.passed;
  }
}

/** Rejects when `promise` takes longer than `ms` milliseconds. */
export async function within<T>(ms: number, what: string, promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} did not come within ${ms} ms.`)), ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
