// Facts that all nodes of a cluster must share (rule 12 of the safety protocol). Owns: writing each once. Does not own: which
// facts there are, and what a node does that has others.
//
// Invariants:
// A1  A fact is written once, conditionally, and never changed by this driver: what `agreeOn` answers stays true.

import { invalidRequest, StarlingError } from '../../runtime/errors.ts';
import { agreeAttemptsMax, factBytesMax } from './limits.ts';
import type { CassandraSession } from './session.ts';
import type { Statements } from './statements.ts';

export type Facts = Readonly<Record<string, string>>;

/** Facts of the schema lie in the same table: ours have this before their name. */
const prefix = 'cluster.';
const nameRule = /^[a-z][a-z0-9_]{0,47}$/;

/**
 * Writes those that are not there yet; answers what stands there, which may differ.
 * @throws StarlingError INVALID_REQUEST; OVERLOADED, OUTCOME_UNKNOWN if a fact could not be settled
 */
export async function agreeOn(
  session: CassandraSession,
  statements: Statements,
  facts: Facts,
): Promise<Facts> {
  for (const [name, value] of Object.entries(facts)) {
    if (!nameRule.test(name))
      throw invalidRequest('facts', `"${name}" must be 1 to 48 of a-z, 0-9 and underscore`);
    if (Buffer.byteLength(value) > factBytesMax)
      throw invalidRequest('facts', `${name} is above ${factBytesMax} bytes`);
  }
  const found: Record<string, string> = {};
  for (const [name, value] of Object.entries(facts)) {
    found[name] = await settle(session, statements, prefix + name, value);
  }
  return found;
}

async function settle(
  session: CassandraSession,
  { readFact, firstFact }: Statements,
  name: string,
  value: string,
): Promise<string> {
  let failure: unknown;
  for (let attempt = 1; attempt <= agreeAttemptsMax; attempt += 1) {
    // Serial: what was proposed before it, by whomever, is there or never will be.
    const found = await session.oneSerial({ query: readFact, params: [name] });
    if (typeof found?.['value'] === 'string') return found['value'];
    try {
      const answer = await session.swap({ query: firstFact, params: [name, value] });
      if (answer?.['[applied]'] === true) return value;
    } catch (error) {
      // Many nodes that start at once contend for the row: the next read says who won.
      failure = error;
    }
  }
  throw failure ?? new StarlingError('OVERLOADED', `Fact ${name} could not be written.`);
}
