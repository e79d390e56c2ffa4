// What the parts of a cluster report, as lines of the log.

import type { MemberEvent } from '../../../cluster/membership/index.ts';
import type { NatsEvent } from '../../../cluster/nats/index.ts';
import type { LogEntry } from '../log.ts';

export function natsEvent(event: NatsEvent): LogEntry {
  const { kind, ...rest } = event;
  const fields = { part: 'nats', ...rest };
  switch (kind) {
    case 'down':
      return { level: 'warn', message: 'a connection to NATS is down', fields };
    case 'up':
      return { level: 'info', message: 'a connection to NATS is up again', fields };
    case 'error':
      return { level: 'warn', message: 'NATS reports an error', fields };
    case 'board-made':
      return { level: 'info', message: 'the board was made; members write themselves again', fields };
    case 'link-refused':
      return { level: 'warn', message: 'another node refuses a link', fields };
  }
}

export function memberEvent(event: MemberEvent): LogEntry {
  const { kind, ...rest } = event;
  const fields = { part: 'membership', ...rest };
  switch (kind) {
    case 'asked':
      return { level: 'info', message: 'a silent member was asked', fields };
    case 'condemned':
      return { level: 'warn', message: 'a member is taken as dead; its shards are taken over', fields };
    case 'alarm':
      return {
        level: 'error',
        message: 'more members are silent than may be fenced in a minute; is this node cut off?',
        fields,
      };
    case 'planned':
      return { level: 'info', message: 'a placement was planned', fields };
    case 'board-failed':
      return { level: 'debug', message: 'the board did not answer', fields };
  }
}
