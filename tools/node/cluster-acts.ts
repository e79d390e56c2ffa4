// What an operator has the cluster do. Owns: the gates before each act, who is told, that it is logged with who did it. Does
// not own: the acts themselves, which each node does to itself (cluster/membership), and any safety: a fence keeps what was
// acknowledged, whoever is fenced (rule 2 of the safety protocol).
//
// Invariant: A1  A node that serves is stopped or fenced only where the caller forces it.

import type { ControlAnswer, ControlCommand } from '../../cluster/membership/index.ts';
import { planShards } from '../../cluster/placement/index.ts';
import { invalidRequest, StarlingError } from '../../runtime/index.ts';
import type { ClusterServiceDeps, MembershipDeps } from './cluster-service.ts';
import { askMs, controlOf, memberNamed, type Survey, type Surveyed, survey } from './cluster-survey.ts';

export interface ActRequest {
  /** Name of the node, or an incarnation. */
  readonly node: string;
  readonly dryRun: boolean;
}

/** Whom an act is about, as found before it. */
interface Meant {
  readonly surveyed: Surveyed;
  readonly found: Survey;
}

interface Act {
  readonly member: Meant;
  /** False where nothing was to be done. */
  readonly changed: boolean;
}

const ALONE =
  'This node is on its own (nats.servers is empty): there is no other node for its shards. To stop it, send it SIGTERM.';

/** Has a node give its shards away. `moves`: how many go where, as the plan without it says. */
export async function drain(
  deps: ClusterServiceDeps,
  request: ActRequest,
  by: string | undefined,
): Promise<Act & { readonly moves: ReadonlyMap<string, number> }> {
  const { membership, member } = await meant(deps, request);
  const { surveyed, found } = member;
  const { node } = surveyed.record;
  requireAnswer(surveyed, 'can not be told to drain');
  const others = found.members.filter((each) => each !== surveyed && isReady(each));
  if (others.length === 0) {
    const text = `${node} is the only member that takes shards: nobody could have them. Start another node first.`;
    throw new StarlingError('REFUSED', text);
  }
  const changed = surveyed.state !== 'draining';
  const moves = movesOf(found, surveyed);
  if (changed && !request.dryRun) {
    await obey(membership, surveyed, { kind: 'drain' });
    log(deps, 'a node is drained by an operator', surveyed, by);
  }
  return { member, moves, changed };
}

/** Has a node take shards again. */
export async function uncordon(
  deps: ClusterServiceDeps,
  request: ActRequest,
  by: string | undefined,
): Promise<Act> {
  const { membership, member } = await meant(deps, request);
  const { surveyed } = member;
  requireAnswer(surveyed, 'can not be told to take shards');
  const changed = surveyed.state !== 'ready';
  if (changed && !request.dryRun) {
    await obey(membership, surveyed, { kind: 'uncordon' });
    log(deps, 'a node takes shards again by an operator', surveyed, by);
  }
  return { member, changed };
}

/**
 * Takes a node out: stops a drained one, fences one whose process is gone.
 * @throws StarlingError REFUSED where it serves or may come back, unless forced; OUTCOME_UNKNOWN
 */
export async function remove(
  deps: ClusterServiceDeps,
  request: ActRequest & { readonly force: boolean },
  by: string | undefined,
): Promise<{ readonly member: Meant; readonly action: 'stop' | 'fence'; readonly told: number }> {
  const { membership, member } = await meant(deps, request);
  const { surveyed, found } = member;
  const action = removal(surveyed, request.force, found);
  if (request.dryRun) return { member, action, told: 0 };
  if (action === 'stop') {
    await obey(membership, surveyed, { kind: 'stop' });
    log(deps, 'a node is stopped by an operator', surveyed, by);
    return { member, action, told: 0 };
  }
  const { incarnation } = surveyed.record;
  log(deps, 'a node is fenced by an operator', surveyed, by);
  await membership.table.fence(incarnation);
  const control = controlOf(membership);
  const tell = found.members
    .filter((each) => each !== surveyed && each.status !== undefined)
    .map(({ record }) =>
      control.ask(record.node, record.incarnation, { kind: 'dismiss', incarnation }, askMs),
    );
  const answers = await Promise.all(tell);
  return { member, action, told: answers.filter((each) => each !== 'silent' && each.kind === 'done').length };
}

/** A1. How a member may be taken out. */
function removal(surveyed: Surveyed, force: boolean, found: Survey): 'stop' | 'fence' {
  const { record, status, reach, from, lease, self } = surveyed;
  const { node, incarnation } = record;
  if (status !== undefined) {
    const serving = status.serving.size;
    if (status.state !== 'ready' && serving === 0) return 'stop';
    if (force && !self) return 'fence';
    const does = serving > 0 ? `serves ${serving} shards` : 'takes shards';
    const begin =
      status.state === 'ready'
        ? `Drain it first: starling node drain ${node}.`
        : 'Wait until it serves none.';
    const forced = self
      ? 'A node does not fence itself: to force it, ask another one (--address).'
      : 'With --force it is fenced as it is: calls under way there end with an unknown outcome.';
    throw new StarlingError('REFUSED', `${node} runs and ${does}. ${begin} ${forced}`);
  }
  if (force || reach === 'replaced') return 'fence';
  if (reach === 'unasked') {
    const text = `${found.answeredBy} has no lease itself, so that it can not tell whether ${node} is gone.`;
    throw new StarlingError('REFUSED', `${text} Mend its way to NATS, or ask another node (--address).`);
  }
  if (from === 'board' && lease) {
    const text = `${node} does not answer, but renewed its lease just now: it may only be slow.`;
    throw new StarlingError(
      'REFUSED',
      `${text} Ask again in some seconds, or with --force: then ${incarnation} is fenced whatever it does.`,
    );
  }
  return 'fence';
}

async function meant(
  deps: ClusterServiceDeps,
  { node }: ActRequest,
): Promise<{ readonly membership: MembershipDeps; readonly member: Meant }> {
  const { membership } = deps;
  if (node === '') throw invalidRequest('node', 'name a node or an incarnation');
  if (membership === undefined) {
    if (node !== deps.node) throw new StarlingError('NODE_NOT_FOUND', node);
    throw new StarlingError('REFUSED', ALONE);
  }
  const found = await survey(deps);
  const surveyed = memberNamed(found, node);
  if (surveyed !== undefined) return { membership, member: { surveyed, found } };
  const fenced = membership.member
    .status()
    .peers.some(
      ({ record, standing }) => standing === 'condemned' && [record.node, record.incarnation].includes(node),
    );
  const detail = fenced ? `${node}: it was fenced, and is no member any more.` : node;
  throw new StarlingError('NODE_NOT_FOUND', detail);
}

function isReady({ state, status }: Surveyed): boolean {
  return state === 'ready' && status !== undefined;
}

function requireAnswer({ record, status, reach }: Surveyed, what: string): void {
  if (status !== undefined) return;
  const { node } = record;
  const text =
    reach === 'unasked'
      ? `${node} can not be asked: the node that answers has no lease itself. Ask another one (--address).`
      : `${node} does not answer and ${what}. If its process is gone: starling node remove ${node}.`;
  throw new StarlingError('REFUSED', text);
}

/** Gives a command to one process, and throws what it came to. */
async function obey(
  membership: MembershipDeps,
  { record }: Surveyed,
  command: ControlCommand,
): Promise<void> {
  const { node, incarnation } = record;
  const answer: ControlAnswer | 'silent' = await controlOf(membership).ask(node, incarnation, command, askMs);
  if (answer === 'silent')
    throw new StarlingError('OUTCOME_UNKNOWN', `${node} did not answer within ${askMs} ms. Ask again.`);
  if (answer.kind === 'refused') throw new StarlingError('REFUSED', `${node}: ${answer.reason}`);
  if (answer.kind === 'replaced')
    throw new StarlingError('REFUSED', `${node} was started anew meanwhile: look at it again.`);
}

/** How many of the shards that it serves go to whom, if it takes none any more. */
function movesOf({ members, role, shards, owners }: Survey, leaving: Surveyed): ReadonlyMap<string, number> {
  const after = planShards({
    ...{ role, shards, former: owners },
    members: members
      .filter((each) => isReady(each) && each !== leaving)
      .map(({ record, state }) => ({ ...record, state })),
  });
  const moves = new Map<string, number>();
  for (const shard of leaving.serving) {
    const to = after[shard] ?? '';
    moves.set(to, (moves.get(to) ?? 0) + 1);
  }
  return new Map([...moves].sort(([a], [b]) => (a < b ? -1 : 1)));
}

function log({ log: write }: ClusterServiceDeps, message: string, { record }: Surveyed, by = ''): void {
  const { node, incarnation } = record;
  write({ level: 'warn', message, fields: { member: node, incarnation, by } });
}
