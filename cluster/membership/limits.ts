// Every knob of membership, with its formula.

export interface MembershipLimits {
  /** How long a renewal lasts, milliseconds. Default 3,000: three renewals may be lost. */
  readonly leaseMs: number;
  /** Pause between renewals: leaseMs / 3 by default, 1,000. */
  readonly beatMs: number;
  /**
   * How long a member may be silent before it is asked directly: leaseMs + beatMs by default, 4,000. With probeMs it bounds
   * how long a dead node is taken as alive: 5,000.
   */
  readonly silenceMs: number;
  /** How long a direct question waits for its answer. Default 1,000. */
  readonly probeMs: number;
  /** Fences in any minute: max(1, floor(members * share)). Default 1/3. */
  readonly fencesShare: number;
  /** Members known at once. Default 1,024; further ones are not seen. */
  readonly membersMax: number;
  /** Renewals between two lists of the whole board. Default 5. */
  readonly listBeats: number;
  /** Rows of shards nobody asked for that are read with every renewal, in turn. Default 8: 4,096 shards take 9 minutes. */
  readonly sweepShards: number;
}

export const MEMBERSHIP_LIMITS: MembershipLimits = {
  leaseMs: 3_000,
  beatMs: 1_000,
  silenceMs: 4_000,
  probeMs: 1_000,
  fencesShare: 1 / 3,
  membersMax: 1_024,
  listBeats: 5,
  sweepShards: 8,
};

/** How many members may be fenced in a minute. */
export function fencesMaxPerMinute(members: number, share: number): number {
  return Math.max(1, Math.floor(members * share));
}
