// Who may do what in a group, as far as the page offers it; the server decides. Pure.

import type { Member } from '../../../proto/gen/starling/im/v1/group_pb.ts';
import { MemberRole } from '../../../proto/gen/starling/im/v1/message_pb.ts';
import type { NameOf } from './names.ts';

/** True for those who add and remove members and rename the group. */
export function mayAdminister(role: MemberRole | undefined): boolean {
  return role === MemberRole.ADMIN || role === MemberRole.OWNER;
}

/** True if one with role `self` may remove one with role `other`: only from below one's own. */
export function mayRemove(self: MemberRole, other: MemberRole): boolean {
  return mayAdminister(self) && self > other;
}

/** The owner first, then admins, then members, each by name. */
export function memberOrder(members: readonly Member[], nameOf: NameOf): Member[] {
  return [...members].sort((a, b) => b.role - a.role || nameOf(a.userId).localeCompare(nameOf(b.userId)));
}
