// Waiting for what a real server does in its own time.

const MS_MAX = 15_000;

/** Resolves with the first value that is not undefined or false. @throws Error after `msMax`, 15 s by default */
export async function eventually<T>(
  what: string,
  look: () => Promise<T | undefined | false> | T | undefined | false,
  msMax = MS_MAX,
) {
  const untilMs = performance.now() + msMax;
  for (;;) {
    const found = await look();
    if (found !== undefined && found !== false) return found;
    if (performance.now() > untilMs) throw new Error(`In vain: ${what}.`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
