// `grpc-timeout`: at most eight digits and a unit.

const UNIT_MS: Readonly<Record<string, number>> = {
  H: 3_600_000,
  M: 60_000,
  S: 1000,
  m: 1,
  u: 1e-3,
  n: 1e-6,
};

/** Milliseconds of a `grpc-timeout` header; undefined where there is none; `invalid` where it can't be read. */
export function parseTimeout(header: string | undefined): number | undefined | 'invalid' {
  if (header === undefined) return undefined;
  const match = /^([0-9]{1,8})([HMSmun])$/.exec(header);
  const unit = UNIT_MS[match?.[2] ?? ''];
  return match === null || unit === undefined ? 'invalid' : Number(match[1]) * unit;
}
