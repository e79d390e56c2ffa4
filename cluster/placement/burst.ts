// When a plan is made after members changed. A roll or a cut changes many members within seconds: one plan for all of them
// moves each shard once.
//
// Invariants:
// Q1  A change is planned for at the latest waitMsMax after the first one that no plan has seen.
// Q2  Nothing waits for quiet once a member is known to have ended: it has shards that nobody serves.

export interface BurstLimits {
  /** A plan waits until members have been quiet for this long, milliseconds. Default 1,000. */
  readonly quietMs: number;
  /** But no longer than this after the first change, milliseconds. Default 10,000. */
  readonly waitMsMax: number;
}

export const BURST_LIMITS: BurstLimits = { quietMs: 1_000, waitMsMax: 10_000 };

/** Changes that no plan has seen, by monotonic time. */
export type BurstState =
  | { readonly kind: 'quiet' }
  | { readonly kind: 'changed'; readonly firstMs: number; readonly lastMs: number };

/** Nothing to plan for. */
export const QUIET: BurstState = { kind: 'quiet' };

/** A member came, went or changed at `nowMs`. */
export function membersChanged(state: BurstState, nowMs: number): BurstState {
  return { kind: 'changed', firstMs: state.kind === 'quiet' ? nowMs : state.firstMs, lastMs: nowMs };
}

/** A member is surely gone: its shards are served by nobody, so the plan is due at once, with all that it has waited for. */
export function memberLost(nowMs: number): BurstState {
  return { kind: 'changed', firstMs: Number.NEGATIVE_INFINITY, lastMs: nowMs };
}

/** Whether the plan is due: min(last + quietMs, first + waitMsMax) has come. */
export function burstDue(state: BurstState, nowMs: number, limits: BurstLimits): boolean {
  if (state.kind === 'quiet') return false;
  return nowMs >= Math.min(state.lastMs + limits.quietMs, state.firstMs + limits.waitMsMax);
}
