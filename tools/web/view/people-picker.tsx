// A field to pick people with: known ones by name, anybody by user id.

import { type Signal, useComputed, useSignal } from '@preact/signals';
import type { NameOf } from '../model/names.ts';
import { parseUserIds } from '../model/route.ts';
import type { ChatSession } from '../state/session.ts';
import { Icon } from './icons.tsx';
import { Avatar } from './parts.tsx';

/** Suggestions shown at once. */
const suggestionsMax = 50;

export interface PeoplePickerProps {
  readonly session: ChatSession;
  readonly picked: Signal<readonly string[]>;
  /** False: picking one replaces the other. */
  readonly several: boolean;
  /** Those who are in already. */
  readonly without?: readonly string[];
  readonly label: string;
}

export function PeoplePicker({ session, picked, several, without = [], label }: PeoplePickerProps) {
  const typed = useSignal('');
  const suggestions = useComputed(() => {
    const words = typed.value.trim().toLocaleLowerCase();
    return [...session.people.profiles.value]
      .filter(([id]) => id !== session.me && !without.includes(id))
      .filter(([id, name]) => `${id}\n${name}`.toLocaleLowerCase().includes(words))
      .sort(([, a], [, b]) => a.localeCompare(b))
      .slice(0, suggestionsMax);
  });
  const toggle = (id: string) => {
    const others = picked.value.filter((one) => one !== id);
    const had = others.length < picked.value.length;
    picked.value = had ? others : several ? [...picked.value, id] : [id];
  };
  const take = () => {
    const ids = parseUserIds(typed.value);
    if (ids.length === 0) return;
    picked.value = several ? [...new Set([...picked.value, ...ids])] : ids.slice(0, 1);
    typed.value = '';
  };
  return (
    <fieldset class="picker">
      <legend>{label}</legend>
      <Chips picked={picked.value} nameOf={session.people.nameOf} onRemove={toggle} />
      <input
        type="text"
        class="field"
        value={typed.value}
        placeholder="Name or user id"
        aria-label="Name or user id"
        autocomplete="off"
        autocapitalize="off"
        onInput={(event) => {
          typed.value = event.currentTarget.value;
        }}
        onKeyDown={(event) => {
          if (event.key !== 'Enter' || event.isComposing || typed.value.trim() === '') return;
          event.preventDefault();
          take();
        }}
        onBlur={(event) => {
          // Pressing a suggestion is not the end of typing an id.
          const next = event.relatedTarget;
          if (!(next instanceof HTMLElement) || next.closest('.suggestions') === null) take();
        }}
      />
      <ul class="suggestions" aria-label="People">
        {suggestions.value.map(([id, name]) => (
          <li key={id}>
            <Suggestion
              id={id}
              name={name}
              picked={picked.value.includes(id)}
              onPick={() => {
                toggle(id);
                typed.value = '';
              }}
            />
          </li>
        ))}
      </ul>
    </fieldset>
  );
}

interface ChipsProps {
  readonly picked: readonly string[];
  readonly nameOf: NameOf;
  readonly onRemove: (userId: string) => void;
}

function Chips({ picked, nameOf, onRemove }: ChipsProps) {
  if (picked.length === 0) return null;
  return (
    <ul class="chips" aria-label="Picked">
      {picked.map((id) => (
        <li key={id}>
          <button type="button" class="chip" onClick={() => onRemove(id)} aria-label={`Remove ${nameOf(id)}`}>
            {nameOf(id)}
            <Icon name="close" />
          </button>
        </li>
      ))}
    </ul>
  );
}

interface SuggestionProps {
  readonly id: string;
  readonly name: string;
  readonly picked: boolean;
  readonly onPick: () => void;
}

function Suggestion({ id, name, picked, onPick }: SuggestionProps) {
  return (
    <button type="button" class="suggestion" aria-pressed={picked} onClick={onPick}>
      <Avatar id={id} name={name} size="small" />
      <span class="suggestion-name">{name}</span>
      <span class="muted">{id}</span>
      {picked && <Icon name="check" />}
    </button>
  );
}
