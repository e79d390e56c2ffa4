// Small parts that many views use: avatar, icon button, modal dialog, spinner, empty state.

import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { hueOf, initials } from '../model/names.ts';
import { Icon, type IconName } from './icons.tsx';

export interface AvatarProps {
  /** Gives the colour. */
  readonly id: string;
  /** Gives the initials. */
  readonly name: string;
  readonly group?: boolean;
  readonly size?: 'small' | 'medium' | 'large';
}

/** Initials on a colour that stays the same for an id. An ornament: the name always stands beside it. */
export function Avatar({ id, name, group = false, size = 'medium' }: AvatarProps) {
  return (
    <span class={`avatar ${size} hue-${hueOf(id)}${group ? ' is-group' : ''}`} aria-hidden="true">
      {initials(name, group)}
    </span>
  );
}

export interface IconButtonProps {
  readonly icon: IconName;
  readonly label: string;
  readonly onClick: () => void;
  /** Given: the button is a switch. */
  readonly pressed?: boolean;
  readonly class?: string;
}

export function IconButton({ icon, label, onClick, pressed, class: extra = '' }: IconButtonProps) {
  return (
    <button
      type="button"
      class={`icon-button ${extra}`}
      aria-label={label}
      title={label}
      aria-pressed={pressed}
      onClick={onClick}
    >
      <Icon name={icon} />
    </button>
  );
}

export function Spinner({ label }: { readonly label: string }) {
  return (
    <div class="spinner" role="status">
      <span class="spinner-ring" aria-hidden="true" />
      <span>{label}</span>
    </div>
  );
}

export interface EmptyProps {
  readonly title: string;
  readonly text: string;
  readonly children?: ComponentChildren;
}

export function Empty({ title, text, children }: EmptyProps) {
  return (
    <div class="empty">
      <p class="empty-title">{title}</p>
      <p>{text}</p>
      {children}
    </div>
  );
}

export interface ModalProps {
  readonly title: string;
  readonly onClose: () => void;
  readonly children: ComponentChildren;
}

/**
 * A modal dialog: the browser keeps the focus inside, closes on Esc or a click beside it, and gives the focus
 * back.
 */
export function Modal({ title, onClose, children }: ModalProps) {
  const ref = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const dialog = ref.current;
    if (dialog !== null && !dialog.open) dialog.showModal();
  }, []);
  return (
    <dialog ref={ref} class="modal" aria-label={title} onClose={onClose} closedby="any">
      <div class="modal-body">
        <header class="modal-header">
          <h2>{title}</h2>
          <IconButton icon="close" label="Close" onClick={() => ref.current?.close()} />
        </header>
        {children}
      </div>
    </dialog>
  );
}
