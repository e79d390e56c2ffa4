// How far an activation has opened, as its process's events show it: head, rows, seal, fence read (rules 5 and 6).

export interface Opening {
  /** Number of the event by which the head had been read. */
  readAt: number | undefined;
  /** It writes a seal of its own. */
  sealing: boolean;
  /** Number of the event by which that was known durable. */
  sealedAt: number | undefined;
}

export function notOpen(): Opening {
  return { readAt: undefined, sealing: false, sealedAt: undefined };
}

/** Rule 6: a seal that is known durable, and a fence read begun after that. `liveFrom`: when the last such read began. */
export function isOpen({ sealing, sealedAt, readAt }: Opening, liveFrom: number): boolean {
  const since = sealing ? sealedAt : readAt;
  return since !== undefined && liveFrom >= since;
}
