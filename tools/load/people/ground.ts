// People of a cluster, for measurements and tests. Owns: their identities at every node, where they are served, moving the
// work of a node, and that everything acked is in the logs. Does not own: the cluster's processes (tools/dev/local-cluster).

import { setTimeout as sleep } from 'node:timers/promises';
import { InspectService } from '../../../proto/gen/starling/admin/v1/admin_pb.ts';
import { ClusterService } from '../../../proto/gen/starling/admin/v1/cluster_pb.ts';
import { ConversationService as History } from '../../../proto/gen/starling/server/v1/server_pb.ts';
import type { LocalCluster, LocalNode } from '../../dev/local-cluster/index.ts';
import { Caller } from '../api.ts';
import { inParallel, issueTokens } from '../bench/arm.ts';
import { UnaryPool } from '../wire.ts';
import { Pacer } from './pacer.ts';

/** Sockets to one node. */
const SOCKETS_MAX = 128;
/** Longest wait for people to get on, milliseconds. */
const WAIT_MS_MAX = 90_000;
const LIST_PAGE = 1_000;

export class Ground {
  readonly cluster: LocalCluster;
  readonly #pools: readonly UnaryPool[];
  readonly #admins: readonly Caller[];
  readonly #backend: Caller;
  readonly #tokens = new Map<string, string>();
  /** People of an earlier ground of the same cluster are others. */
  readonly #prefix = `f${Date.now().toString(36)}`;
  #people = 0;

  private constructor(cluster: LocalCluster, tokens: { readonly admin: string; readonly backend: string }) {
    this.cluster = cluster;
    this.#pools = cluster.nodes.map(({ endpoint }) => new UnaryPool(endpoint, SOCKETS_MAX));
    this.#admins = this.#callersOf(tokens.admin);
    this.#backend = this.#callerAt(0, tokens.backend);
  }

  static async of(cluster: LocalCluster): Promise<Ground> {
    return new Ground(cluster, {
      admin: await cluster.adminToken(),
      backend: await cluster.backendToken(),
    });
  }

  /** New people; each is a friend of the next. */
  async people(count: number): Promise<string[]> {
    const ids = Array.from({ length: count }, () => {
      this.#people += 1;
      return `${this.#prefix}-${this.#people}`;
    });
    const tokens = await issueTokens(this.#backend, ids);
    for (const [at, id] of ids.entries()) this.#tokens.set(id, tokens[at] ?? '');
    return ids;
  }

  /** One writer for each of these people; they begin at nodes in turn. */
  pacers(userIds: readonly string[], pauseMs: number): Pacer[] {
    return userIds.map((userId, at) => {
      const peerUserId = userIds[(at + 1) % userIds.length] ?? userId;
      const callers = this.#callersOf(this.#tokens.get(userId) ?? '');
      return new Pacer({ userId, peerUserId, callers, pauseMs }, at);
    });
  }

  /** One of the people, at some node. */
  callerOf(userId: string): Caller {
    return this.#callerAt(0, this.#tokens.get(userId) ?? '');
  }

  /** What the group actor says of a conversation. */
  async inspect(
    conversationId: string,
  ): Promise<{ readonly lastSeq: bigint; readonly deliveredSeq: bigint }> {
    return this.#adminBeside(undefined).until(InspectService.method.inspectConversation, { conversationId });
  }

  /** Those of the people that a node serves. */
  async servedBy(node: { readonly name: string }, userIds: readonly string[]): Promise<string[]> {
    const admin = this.#adminBeside(undefined);
    const served = await inParallel(userIds, 16, async (userId) => {
      const key = `main/${userId}`;
      const answer = await admin.until(InspectService.method.inspectActor, { kind: 'user', key });
      return answer.servedBy === node.name ? [userId] : [];
    });
    return served.flat();
  }

  /** Resolves when `done` says so. @throws Error after WAIT_MS_MAX */
  async until(done: () => boolean): Promise<void> {
    const untilMs = performance.now() + WAIT_MS_MAX;
    while (!done()) {
      if (performance.now() > untilMs) throw new Error('people who write do not get on');
      await sleep(20);
    }
  }

  /** Has a node give its shards away; resolves when it has none. */
  async drain(node: LocalNode): Promise<void> {
    const admin = this.#adminBeside(node);
    await admin.until(ClusterService.method.drainNode, { node: node.name });
    for (;;) {
      const { member } = await admin.until(ClusterService.method.getNode, { node: node.name });
      if (member?.shardsServing === 0) return;
      await sleep(20);
    }
  }

  async uncordon(node: LocalNode): Promise<void> {
    await this.#adminBeside(node).until(ClusterService.method.uncordonNode, { node: node.name });
  }

  /** @throws Error where a message that was acked is not in its log, is there twice, or in another order */
  async verify(pacers: readonly Pacer[]): Promise<void> {
    const conversations = new Set(pacers.map((each) => each.conversationId).filter((id) => id !== ''));
    await inParallel([...conversations], 8, async (conversationId) => {
      const found = await this.#textsOf(conversationId);
      for (const pacer of pacers) {
        if (pacer.conversationId !== conversationId) continue;
        const own = found.get(pacer.userId) ?? [];
        const wrong = pacer.wrongIn(own);
        if (wrong !== undefined)
          throw new Error(`${conversationId}: of ${pacer.userId}: ${wrong}; the log: ${own.join(', ')}`);
      }
    });
  }

  /** What a conversation's log holds, by sender. */
  async #textsOf(conversationId: string): Promise<Map<string, string[]>> {
    const found = new Map<string, string[]>();
    for (let fromSeq = 1n; fromSeq > 0n; ) {
      const page = await this.#backend.until(History.method.listMessages, {
        conversationId,
        fromSeq,
        pageSize: LIST_PAGE,
      });
      for (const { senderId, content } of page.messages) {
        const text = content?.body.case === 'text' ? content.body.value.text : '?';
        found.set(senderId, [...(found.get(senderId) ?? []), text]);
      }
      fromSeq = page.nextSeq;
    }
    return found;
  }

  close(): void {
    for (const pool of this.#pools) pool.close();
  }

  #callersOf(token: string): Caller[] {
    return this.cluster.nodes.map((_, at) => this.#callerAt(at, token));
  }

  #callerAt(at: number, token: string): Caller {
    const node = this.cluster.nodes[at];
    const pool = this.#pools[at];
    if (node === undefined || pool === undefined) throw new Error('there is no such node');
    return new Caller(node.endpoint, token, pool);
  }

  #adminBeside(node: LocalNode | undefined): Caller {
    const at = this.cluster.nodes.findIndex((each) => each.running && each !== node);
    const admin = this.#admins[at];
    if (admin === undefined) throw new Error('no node runs');
    return admin;
  }
}
