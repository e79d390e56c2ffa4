// The shard table port in Cassandra. Owns: life marks as plain writes, shard rows as conditional ones. Does not own: when
// they are written (cluster/ownership).
//
// Invariants:
// T1  The later life has the later write time, so the mark only rises, whatever the order of arrival (O1).
// T2  A conditional write is sent once. Paxos of version 2 (`paxos_variant: v2`) is assumed: a serial read finishes or
//     overtakes what was proposed before it (O3).

import { invalidRequest } from '../../runtime/errors.ts';
import type { ShardOwner, ShardTable, SwapResult } from '../../runtime/ports/shard-table.ts';
import { livesMax } from './limits.ts';
import type { Answer, CassandraSession } from './session.ts';
import type { Statements } from './statements.ts';

const lives = { live: 1n, fenced: 2n } as const;

export class CassandraShards implements ShardTable {
  readonly #session: CassandraSession;
  readonly #statements: Statements;

  constructor(session: CassandraSession, statements: Statements) {
    this.#session = session;
    this.#statements = statements;
  }

  markLive(incarnation: string): Promise<void> {
    return this.#mark(incarnation, 'live');
  }

  fence(incarnation: string): Promise<void> {
    return this.#mark(incarnation, 'fenced');
  }

  async readLife(incarnation: string): Promise<'live' | 'fenced'> {
    const [found] = await this.#session.urgent({ query: this.#statements.readLife, params: [incarnation] });
    // O2: a mark that was never written reads as fenced.
    return found?.['life'] === 'live' ? 'live' : 'fenced';
  }

  /**
   * Those of the incarnations that are live, in one request (O2): a supervisor reads for all processes of a host at once.
   * @throws StarlingError INVALID_REQUEST above 64; OUTCOME_UNKNOWN, OVERLOADED if they can't be read
   */
  async readLives(incarnations: readonly string[]): Promise<ReadonlySet<string>> {
    if (incarnations.length === 0) return new Set();
    if (incarnations.length > livesMax) throw invalidRequest('incarnations', `must be ${livesMax} at most`);
    const rows = await this.#session.urgent({
      query: this.#statements.readLives,
      params: [[...incarnations]],
    });
    return new Set(rows.filter((row) => row['life'] === 'live').map((row) => String(row['incarnation'])));
  }

  async readOwner(shard: number): Promise<ShardOwner | undefined> {
    return ownerOf(await this.#session.oneSerial({ query: this.#statements.readOwner, params: [shard] }));
  }

  async swap(shard: number, from: ShardOwner | undefined, to: ShardOwner): Promise<SwapResult> {
    const { firstOwner, swapOwner } = this.#statements;
    const bound =
      from === undefined
        ? { query: firstOwner, params: [shard, to.epoch, to.owner] }
        : { query: swapOwner, params: [to.epoch, to.owner, shard, from.epoch, from.owner] };
    const answer = await this.#session.swap(bound);
    return answer?.['[applied]'] === true ? { applied: true } : { applied: false, found: ownerOf(answer) };
  }

  #mark(incarnation: string, life: keyof typeof lives): Promise<void> {
    const params = [lives[life], life, incarnation];
    return this.#session.write({ query: this.#statements.writeLife, params });
  }
}

function ownerOf(answer: Answer | undefined): ShardOwner | undefined {
  const epoch: unknown = answer?.['epoch'];
  const owner: unknown = answer?.['owner'];
  // A failed condition on a row that is not there answers without columns.
  return typeof epoch === 'number' && typeof owner === 'string' ? { epoch, owner } : undefined;
}
