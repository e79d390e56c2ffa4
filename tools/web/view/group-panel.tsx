// Beside a group's chat: its name, its members and their roles, and what the person here may change.

import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import type { Group, Member } from '../../../proto/gen/starling/im/v1/group_pb.ts';
import { MemberRole } from '../../../proto/gen/starling/im/v1/message_pb.ts';
import { roleName } from '../model/content.ts';
import { mayAdminister, mayRemove, memberOrder } from '../model/members.ts';
import type { ChatSession } from '../state/session.ts';
import { Problem, useWork } from './dialogs.tsx';
import { Icon } from './icons.tsx';
import { Avatar, IconButton, Spinner } from './parts.tsx';
import { PeoplePicker } from './people-picker.tsx';

export interface GroupPanelProps {
  readonly session: ChatSession;
  readonly conversationId: string;
  readonly onClose: () => void;
}

interface GroupView {
  readonly group: Group;
  readonly members: readonly Member[];
}

export function GroupPanel({ session, conversationId, onClose }: GroupPanelProps) {
  const view = useSignal<GroupView | undefined>(undefined);
  const reading = useWork();
  const work = useWork();
  const read = () =>
    reading.run(async () => {
      const { client, people } = session;
      const [group, members] = await Promise.all([
        client.group(conversationId),
        client.members(conversationId),
      ]);
      void people.want(members.map((member) => member.userId));
      view.value = { group, members };
    });
  const changes = session.groupChanges.value;
  useEffect(() => {
    void read();
  }, [conversationId, changes]);
  const act = (task: () => Promise<unknown>) =>
    work.run(async () => {
      await task();
      await read();
    });
  const leave = () => {
    if (!confirm('Leave this group? You will get no further messages of it.')) return;
    void work.run(async () => {
      await session.client.removeMembers(conversationId, [session.me]);
      onClose();
    });
  };
  return (
    <aside class="panel" aria-label="Group info">
      <header class="panel-header">
        <h2>Group info</h2>
        <IconButton icon="close" label="Close group info" onClick={onClose} />
      </header>
      <div class="panel-scroll">
        {view.value === undefined && reading.error.value === '' && <Spinner label="Loading the group…" />}
        <Problem text={reading.error.value} />
        <Problem text={work.error.value} />
        {view.value !== undefined && (
          <GroupBody session={session} view={view.value} act={act} onLeave={leave} />
        )}
      </div>
    </aside>
  );
}

interface GroupBodyProps {
  readonly session: ChatSession;
  readonly view: GroupView;
  readonly act: Act;
  readonly onLeave: () => void;
}

function GroupBody({ session, view, act, onLeave }: GroupBodyProps) {
  const adding = useSignal(false);
  const { group, members } = view;
  const { conversationId } = group;
  const self = group.self?.role ?? MemberRole.MEMBER;
  const add = (ids: readonly string[]) => {
    adding.value = false;
    if (ids.length > 0) void act(() => session.client.addMembers(conversationId, ids));
  };
  return (
    <>
      <GroupName session={session} group={group} act={act} />
      <h3>
        Members <span class="muted">{members.length}</span>
      </h3>
      {mayAdminister(self) && !adding.value && (
        <button
          type="button"
          class="add-member"
          onClick={() => {
            adding.value = true;
          }}
        >
          <span class="add-icon">
            <Icon name="add" />
          </span>
          Add members
        </button>
      )}
      {adding.value && <AddMembers session={session} members={members} onDone={add} />}
      <ul class="members">
        {memberOrder(members, session.people.nameOf).map((member) => (
          <MemberLine
            key={member.userId}
            session={session}
            conversationId={conversationId}
            member={member}
            self={self}
            act={act}
          />
        ))}
      </ul>
      <button type="button" class="button danger wide" onClick={onLeave}>
        <Icon name="leave" />
        Leave group
      </button>
    </>
  );
}

type Act = (task: () => Promise<unknown>) => Promise<void>;

interface GroupNameProps {
  readonly session: ChatSession;
  readonly group: Group;
  readonly act: Act;
}

function GroupName({ session, group, act }: GroupNameProps) {
  const editing = useSignal<string | undefined>(undefined);
  const name = group.info?.name ?? '';
  if (editing.value === undefined) {
    return (
      <div class="group-name">
        <Avatar id={group.conversationId} name={name} group={true} size="large" />
        <p class="group-title">
          {name}
          {mayAdminister(group.self?.role) && (
            <IconButton
              icon="edit"
              label="Rename the group"
              onClick={() => {
                editing.value = name;
              }}
            />
          )}
        </p>
      </div>
    );
  }
  return (
    <form
      class="rename"
      onSubmit={(event) => {
        event.preventDefault();
        const wanted = (editing.value ?? '').trim();
        editing.value = undefined;
        if (wanted !== '' && wanted !== name)
          void act(() => session.client.renameGroup(group.conversationId, wanted));
      }}
      onKeyDown={(event) => {
        if (event.key !== 'Escape') return;
        event.stopPropagation();
        editing.value = undefined;
      }}
    >
      <input
        class="field"
        value={editing.value}
        maxLength={60}
        required
        aria-label="Name of the group"
        onInput={(event) => {
          editing.value = event.currentTarget.value;
        }}
      />
      <button type="submit" class="button primary">
        Save
      </button>
    </form>
  );
}

interface AddMembersProps {
  readonly session: ChatSession;
  readonly members: readonly Member[];
  readonly onDone: (userIds: readonly string[]) => void;
}

function AddMembers({ session, members, onDone }: AddMembersProps) {
  const picked = useSignal<readonly string[]>([]);
  return (
    <div class="add-members">
      <PeoplePicker
        session={session}
        picked={picked}
        several={true}
        without={members.map((member) => member.userId)}
        label="Add members"
      />
      <div class="button-row">
        <button type="button" class="button" onClick={() => onDone([])}>
          Cancel
        </button>
        <button
          type="button"
          class="button primary"
          disabled={picked.value.length === 0}
          onClick={() => onDone(picked.value)}
        >
          Add
        </button>
      </div>
    </div>
  );
}

interface MemberLineProps {
  readonly session: ChatSession;
  readonly conversationId: string;
  readonly member: Member;
  readonly self: MemberRole;
  readonly act: Act;
}

function MemberLine({ session, conversationId, member, self, act }: MemberLineProps) {
  const { userId, role } = member;
  const me = userId === session.me;
  const name = session.people.nameOf(userId);
  return (
    <li class="member">
      <Avatar id={userId} name={name} size="small" />
      <span class="member-text">
        <span class="member-name">
          {name}
          {me && <span class="tag">you</span>}
        </span>
        <span class="muted">{userId}</span>
      </span>
      {self === MemberRole.OWNER && !me ? (
        <select
          class="role-select"
          aria-label={`Role of ${name}`}
          value={String(role)}
          onChange={(event) => {
            const wanted = Number(event.currentTarget.value) as MemberRole;
            // The list shows what the server says, also where it refuses.
            event.currentTarget.value = String(role);
            void act(() => session.client.setRole(conversationId, userId, wanted));
          }}
        >
          <option value={String(MemberRole.MEMBER)}>Member</option>
          <option value={String(MemberRole.ADMIN)}>Admin</option>
          <option value={String(MemberRole.OWNER)}>Owner</option>
        </select>
      ) : (
        role !== MemberRole.MEMBER && <span class="tag">{roleName(role)}</span>
      )}
      {!me && mayRemove(self, role) && (
        <IconButton
          icon="close"
          label={`Remove ${name}`}
          onClick={() => void act(() => session.client.removeMembers(conversationId, [userId]))}
        />
      )}
    </li>
  );
}
