// Unsent text. Owns: what is in the composer of each chat, on this device at once and on the user's other
// devices through the conversation's settings. Invariant: a draft is in the browser's storage before the
// server hears of it.

import { type ReadonlySignal, signal } from '@preact/signals';
import { utf8Bytes } from '../model/content.ts';

/** The part of Web Storage that is used. */
export type DraftStorage = Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>;

/** Longest draft that the server keeps; a bound of the contract. Longer ones stay on this device. */
const sharedBytesMax = 4_096;

/** Longest draft that this device keeps, UTF-16 units. */
const keptLengthMax = 65_000;

export interface DraftsOptions {
  readonly storage: DraftStorage;
  /** Names user and device, so that two users of one browser do not see each other's drafts. */
  readonly prefix: string;
  /** Tells the user's other devices. Only for conversations that exist. */
  readonly share: (conversationId: string, text: string) => void;
}

export class Drafts {
  readonly #options: DraftsOptions;
  readonly #texts = signal<ReadonlyMap<string, string>>(new Map());
  /** What the server has, as far as known. */
  readonly #shared = new Map<string, string>();

  constructor(options: DraftsOptions) {
    this.#options = options;
  }

  /** Unsent texts by chat key, for those touched since the page was loaded. */
  get texts(): ReadonlySignal<ReadonlyMap<string, string>> {
    return this.#texts;
  }

  /** The unsent text of a chat: what was typed here, else what another device left. */
  text(key: string): string {
    const typed = this.#texts.value.get(key) ?? this.#stored(key);
    return typed ?? this.#shared.get(key) ?? '';
  }

  /** Keeps what is in the composer. */
  write(key: string, text: string): void {
    const kept = text.slice(0, keptLengthMax);
    this.#texts.value = new Map(this.#texts.peek()).set(key, kept);
    try {
      if (kept === '') this.#options.storage.removeItem(this.#name(key));
      else this.#options.storage.setItem(this.#name(key), kept);
    } catch {
      // A full storage loses nothing but the draft after a reload.
    }
  }

  /** Takes what is in a composer along when its chat gets another key. */
  move(from: string, to: string): void {
    const text = this.text(from);
    if (text === '') return;
    this.write(to, text);
    this.write(from, '');
  }

  /** Takes the draft that a conversation's settings carry. What is being typed here wins. */
  learn(conversationId: string, text: string): void {
    const before = this.#shared.get(conversationId) ?? '';
    this.#shared.set(conversationId, text);
    const typed = this.#texts.peek().get(conversationId) ?? this.#stored(conversationId);
    if (typed !== undefined && typed === before && typed !== text) this.write(conversationId, text);
  }

  /** Tells the other devices, if the text has changed since they were last told. */
  share(conversationId: string): void {
    const text = this.#texts.peek().get(conversationId);
    if (text === undefined || text === (this.#shared.get(conversationId) ?? '')) return;
    if (utf8Bytes(text) > sharedBytesMax) return;
    this.#shared.set(conversationId, text);
    this.#options.share(conversationId, text);
  }

  #name(key: string): string {
    return `${this.#options.prefix}${key}`;
  }

  #stored(key: string): string | undefined {
    return this.#options.storage.getItem(this.#name(key)) ?? undefined;
  }
}
