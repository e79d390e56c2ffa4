// The backend of the page that holds the connection: an engine of its own.

import type { OutgoingMessage } from './api.ts';
import type { OperationName, Operations } from './backend.ts';
import type { Calls } from './calls.ts';
import { compareConversations } from './core/view.ts';
import type { Engine } from './engine.ts';
import {
  addMembers,
  createGroup,
  getGroup,
  getUsers,
  history,
  kickDevice,
  listDevices,
  listMembers,
  markRead,
  removeMembers,
  renameGroup,
  setRole,
  updateConversation,
} from './operations.ts';

/** The operations of an engine. */
export function operationsOf(engine: Engine, calls: Calls): Operations {
  const { writer } = engine;
  return {
    connect: () => engine.connect(),
    enqueue: (message) => engine.enqueue(message),
    requeue: (failedId, newId, createdAtMs) => requeue(engine, { failedId, newId, createdAtMs }),
    outgoing: async (id) => writer.outbox.all().filter((message) => message.conversationId === id),
    conversations: async () => (await writer.store.conversations()).sort(compareConversations),
    conversation: (id) => writer.store.conversation(id),
    history: (id, range) => history(calls, writer, id, range),
    markRead: (id, readSeq) => markRead(calls, id, readSeq),
    updateConversation: (id, settings) => updateConversation(calls, id, settings),
    createGroup: (name, members, requestId) => createGroup(calls, name, members, requestId),
    group: (id) => getGroup(calls, id),
    members: (id) => listMembers(calls, id),
    addMembers: (id, users) => addMembers(calls, id, users),
    removeMembers: (id, users) => removeMembers(calls, id, users),
    setRole: (id, user, role) => setRole(calls, id, user, role),
    renameGroup: (id, name) => renameGroup(calls, id, name),
    users: (ids) => getUsers(calls, ids),
    devices: () => listDevices(calls),
    kickDevice: (id) => kickDevice(calls, id),
  };
}

/** Calls one of the operations by name. */
export async function invoke<K extends OperationName>(
  operations: Operations,
  name: K,
  args: Parameters<Operations[K]>,
): Promise<Awaited<ReturnType<Operations[K]>>> {
  // The compiler does not follow that name and args belong together; the signature says it.
  const operation = operations[name] as (...each: Parameters<Operations[K]>) => ReturnType<Operations[K]>;
  return await operation(...args);
}

async function requeue(
  engine: Engine,
  { failedId, newId, createdAtMs }: { failedId: string; newId: string; createdAtMs: number },
): Promise<void> {
  const failed = engine.writer.outbox.get(failedId);
  if (failed === undefined || failed.state !== 'failed') return;
  const again: OutgoingMessage = {
    ...failed,
    clientMessageId: newId,
    state: 'sending',
    error: '',
    createdAtMs,
  };
  await engine.enqueue(again);
  await engine.writer.dropOutgoing([failedId]);
}
