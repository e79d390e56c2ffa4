// What can go wrong in the simulated cluster, how often, and how often it did. Owns: names, defaults, counters.

/** Latencies in milliseconds, time-outs, and probabilities from 0 to 1. */
export interface QuorumFaults {
  /** A request or an answer takes between these. Default 0.25 to 2. */
  readonly latencyMsMin: number;
  readonly latencyMsMax: number;
  /** A replica syncs its commit log at most this long after a request came. Default 1.5. */
  readonly syncMsMax: number;
  /** A write that is not acknowledged by then is of unknown outcome. Default 2,000. */
  readonly writeTimeoutMs: number;
  /** Default 2,000. */
  readonly readTimeoutMs: number;
  /** For one conditional write or serial read. Default 2,000. */
  readonly casTimeoutMs: number;
  /** A read that has not enough answers by then asks the third replica. Default 50. */
  readonly speculateMs: number;
  /** A request for a write lands only after a time drawn from `lateMsMin` to `lateMsMax`. Default 0. */
  readonly lateWrite: number;
  /** Default 100. */
  readonly lateMsMin: number;
  /** Default 60,000. */
  readonly lateMsMax: number;
  /** A request never arrives. Default 0. */
  readonly lostRequest: number;
  /** An answer never arrives. Default 0. */
  readonly lostAnswer: number;
  /** A write is answered `unknown` within 50 ms, whatever becomes of it. Default 0. */
  readonly writeTimeout: number;
  /** A read asks one replica for a digest first. Default 0.5. */
  readonly digestRead: number;
  /** With fewer than two replicas in reach: refused at once, before anything is sent; else tried. Default 0.5. */
  readonly refuse: number;
  /** A write that a replica has not acknowledged leaves no hint. Default 0. */
  readonly lostHint: number;
  /** A hint is replayed after a time between these; milliseconds. Default 1,000. */
  readonly hintDelayMsMin: number;
  /** Default 10,000. */
  readonly hintDelayMsMax: number;
}

/** A cluster in which nothing fails. */
export const NO_FAULTS: QuorumFaults = {
  latencyMsMin: 0.25,
  latencyMsMax: 2,
  syncMsMax: 1.5,
  writeTimeoutMs: 2_000,
  readTimeoutMs: 2_000,
  casTimeoutMs: 2_000,
  speculateMs: 50,
  lateWrite: 0,
  lateMsMin: 100,
  lateMsMax: 60_000,
  lostRequest: 0,
  lostAnswer: 0,
  writeTimeout: 0,
  digestRead: 0.5,
  refuse: 0.5,
  lostHint: 0,
  hintDelayMsMin: 1_000,
  hintDelayMsMax: 10_000,
};

/** How often each thing really happened since the start. */
export interface QuorumStats {
  writes: number;
  reads: number;
  swaps: number;
  serialReads: number;
  /** Syncs of the commit log of the busiest replica are at most this; of all replicas together. */
  syncs: number;
  /** Requests that landed late, after `lateMsMin` or more. */
  lateWrites: number;
  lostRequests: number;
  lostAnswers: number;
  hintsStored: number;
  hintsReplayed: number;
  hintsLost: number;
  /** Writes that ended unknown. */
  unknownWrites: number;
  /** Conditional writes that ended unknown. */
  unknownSwaps: number;
  /** Refused before anything was sent. */
  refused: number;
  /** Writes that ended unknown with one partition at a quorum and another not. */
  partialBatches: number;
  readTimeouts: number;
  digestMismatches: number;
  readRepairs: number;
  speculated: number;
  /** Proposals that somebody else than their proposer completed. */
  completedByStranger: number;
  /** Ballots that met a higher one and were drawn again. */
  contended: number;
  crashes: number;
  /** Requests that a replica had taken and not synced when it crashed. */
  unsyncedLost: number;
  /** Those of them whose sync had happened although nobody was told. */
  unsyncedKept: number;
}

export function noStats(): QuorumStats {
  return {
    writes: 0,
    reads: 0,
    swaps: 0,
    serialReads: 0,
    syncs: 0,
    lateWrites: 0,
    lostRequests: 0,
    lostAnswers: 0,
    hintsStored: 0,
    hintsReplayed: 0,
    hintsLost: 0,
    unknownWrites: 0,
    unknownSwaps: 0,
    refused: 0,
    partialBatches: 0,
    readTimeouts: 0,
    digestMismatches: 0,
    readRepairs: 0,
    speculated: 0,
    completedByStranger: 0,
    contended: 0,
    crashes: 0,
    unsyncedLost: 0,
    unsyncedKept: 0,
  };
}
