// The dialogs: a new chat, a new group, one's devices.

import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import type { Device } from '../../../proto/gen/starling/im/v1/session_pb.ts';
import { errorText } from '../model/errors.ts';
import { signInQuery } from '../model/route.ts';
import type { TimeFormat } from '../model/time.ts';
import type { ChatSession } from '../state/session.ts';
import { Modal, Spinner } from './parts.tsx';
import { PeoplePicker } from './people-picker.tsx';

export interface DialogProps {
  readonly session: ChatSession;
  readonly onClose: () => void;
}

export function NewChatDialog({ session, onClose }: DialogProps) {
  const picked = useSignal<readonly string[]>([]);
  const work = useWork();
  const submit = () =>
    work.run(async () => {
      const [userId] = picked.value;
      if (userId === undefined) return;
      const found = await session.client.users([userId]);
      if (found.length === 0) throw new Error(`Nobody has the user id ${userId}.`);
      session.people.learn(found);
      onClose();
      session.gotoUser(userId);
    });
  return (
    <Modal title="New chat" onClose={onClose}>
      <form class="dialog-form" onSubmit={prevented(submit)}>
        <PeoplePicker
          session={session}
          picked={picked}
          several={false}
          label="Whom do you want to write to?"
        />
        <Problem text={work.error.value} />
        <SubmitButton label="Start chat" busy={work.busy.value} disabled={picked.value.length === 0} />
      </form>
    </Modal>
  );
}

export function NewGroupDialog({ session, onClose }: DialogProps) {
  const name = useSignal('');
  const picked = useSignal<readonly string[]>([]);
  const work = useWork();
  const submit = () =>
    work.run(async () => {
      const group = await session.client.createGroup(name.value.trim(), picked.value);
      onClose();
      session.goto(group.conversationId);
    });
  return (
    <Modal title="New group" onClose={onClose}>
      <form class="dialog-form" onSubmit={prevented(submit)}>
        <label class="labelled">
          <span>Name</span>
          <input
            class="field"
            value={name.value}
            required
            maxLength={60}
            autocomplete="off"
            onInput={(event) => {
              name.value = event.currentTarget.value;
            }}
          />
        </label>
        <PeoplePicker session={session} picked={picked} several={true} label="Members" />
        <Problem text={work.error.value} />
        <SubmitButton
          label="Create group"
          busy={work.busy.value}
          disabled={name.value.trim() === '' || picked.value.length === 0}
        />
      </form>
    </Modal>
  );
}

export interface DevicesDialogProps extends DialogProps {
  readonly time: TimeFormat;
}

export function DevicesDialog({ session, time, onClose }: DevicesDialogProps) {
  const devices = useSignal<readonly Device[] | undefined>(undefined);
  const work = useWork();
  const read = () =>
    work.run(async () => {
      devices.value = await session.client.devices();
    });
  useEffect(() => {
    void read();
  }, []);
  const kick = (deviceId: string) =>
    work.run(async () => {
      await session.client.kickDevice(deviceId);
      devices.value = await session.client.devices();
    });
  return (
    <Modal title="Your devices" onClose={onClose}>
      {devices.value === undefined && work.error.value === '' && <Spinner label="Loading devices…" />}
      <ul class="devices">
        {(devices.value ?? []).map((device) => (
          <li key={device.deviceId} class="device">
            <span class={`dot ${device.connected ? 'good' : 'off'}`} aria-hidden="true" />
            <span class="device-text">
              <span class="device-name">
                {device.deviceName || device.deviceId}
                {device.deviceId === session.client.deviceId && <span class="tag">this one</span>}
              </span>
              <span class="muted">
                {device.connected ? 'connected' : `last seen ${time.full(Number(device.lastOpenTimeMs))}`},{' '}
                {device.deviceId}
              </span>
            </span>
            {device.deviceId !== session.client.deviceId && (
              <button
                type="button"
                class="button danger"
                disabled={work.busy.value}
                aria-label={`Sign out ${device.deviceName || device.deviceId}`}
                onClick={() => void kick(device.deviceId)}
              >
                Sign out
              </button>
            )}
          </li>
        ))}
      </ul>
      <Problem text={work.error.value} />
      <p class="dialog-note">
        <a
          class="button"
          href={signInQuery({ userId: session.me, displayName: '', device: '' })}
          target="_blank"
          rel="noopener"
        >
          Open a second device
        </a>
        <span class="muted">A new window of this page is a device of its own.</span>
      </p>
    </Modal>
  );
}

/** Runs one thing at a time, and holds what went wrong with the last one. */
export function useWork() {
  const busy = useSignal(false);
  const error = useSignal('');
  const run = async (task: () => Promise<void>): Promise<void> => {
    if (busy.peek()) return;
    busy.value = true;
    error.value = '';
    try {
      await task();
    } catch (thrown) {
      error.value = errorText(thrown);
    } finally {
      busy.value = false;
    }
  };
  return { busy, error, run };
}

/** What went wrong, where it happened. */
export function Problem({ text }: { readonly text: string }) {
  if (text === '') return null;
  return (
    <p class="problem" role="alert">
      {text}
    </p>
  );
}

interface SubmitButtonProps {
  readonly label: string;
  readonly busy: boolean;
  readonly disabled: boolean;
}

function SubmitButton({ label, busy, disabled }: SubmitButtonProps) {
  return (
    <footer class="dialog-footer">
      <button type="submit" class="button primary" disabled={disabled || busy} aria-busy={busy}>
        {label}
      </button>
    </footer>
  );
}

function prevented(task: () => Promise<void>): (event: Event) => void {
  return (event) => {
    event.preventDefault();
    void task();
  };
}
