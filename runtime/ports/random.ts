// Port: randomness. The runtime draws from no other source.

export interface Random {
  /** Uniform in [0, 1). For jitter. */
  float(): number;
  /** 64 unpredictable bits. For incarnations and sessions. */
  bits64(): bigint;
}
