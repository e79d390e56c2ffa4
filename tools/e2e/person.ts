// Somebody at the page: what a person does and sees, in terms of roles and texts.

import assert from 'node:assert/strict';
import type { Browser, BrowserContext, BrowserContextOptions, Locator, Page } from 'playwright-core';
import { desktop, patienceMs, picture } from './browser.ts';

export interface PersonOptions {
  readonly browser: Browser;
  /** Base address of the server. */
  readonly http: string;
  readonly user: string;
  readonly device?: string;
  readonly context?: BrowserContextOptions;
  /** Called before the page is opened, e.g. to intercept requests. */
  readonly prepare?: (page: Page) => Promise<void>;
}

export class Person {
  readonly page: Page;
  readonly context: BrowserContext;
  /** What the page complained about: must stay empty. */
  readonly complaints: string[] = [];

  private constructor(page: Page, context: BrowserContext) {
    this.page = page;
    this.context = context;
    page.setDefaultTimeout(patienceMs);
    page.on('pageerror', (error) => this.complaints.push(error.stack ?? error.message));
    page.on('console', (message) => {
      // Requests that fail while the network is away are expected; a broken security policy is not.
      if (message.type() === 'error' && /Content Security Policy/iu.test(message.text())) {
        this.complaints.push(message.text());
      }
    });
  }

  /** Opens the page signed in, and waits for the connection. */
  static async open(options: PersonOptions): Promise<Person> {
    const context = await options.browser.newContext({ ...desktop, ...options.context });
    const person = new Person(await context.newPage(), context);
    await options.prepare?.(person.page);
    const device = options.device === undefined ? '' : `&device=${options.device}`;
    await person.page.goto(`${options.http}/?user=${options.user}${device}`);
    await person.connected();
    return person;
  }

  async connected(): Promise<void> {
    await this.page.locator('[data-connection="connected"]').waitFor({ state: 'attached' });
  }

  /** The banner that says something is wrong with the connection. */
  get banner(): Locator {
    return this.page.locator('.banner');
  }

  line(title: string): Locator {
    return this.page.locator('.line', { has: this.page.getByText(title, { exact: true }) });
  }

  /** The unread badge of a conversation in the list. */
  badge(title: string): Locator {
    return this.line(title).locator('.badge');
  }

  get composer(): Locator {
    return this.page.getByRole('textbox', { name: /^Message to/u });
  }

  async openChat(title: string): Promise<void> {
    await this.line(title).click();
    await this.page.getByRole('heading', { level: 1, name: title, exact: true }).waitFor();
  }

  /** Goes through the dialog to the chat with a user. */
  async newChat(userId: string): Promise<void> {
    await this.page.getByRole('button', { name: 'New chat' }).first().click();
    const dialog = this.page.getByRole('dialog', { name: 'New chat' });
    await dialog.getByRole('textbox', { name: 'Name or user id' }).fill(userId);
    await dialog.getByRole('textbox', { name: 'Name or user id' }).press('Enter');
    await dialog.getByRole('button', { name: 'Start chat' }).click();
    await this.composer.waitFor();
  }

  /** Creates a group through the dialog; ends in its chat. */
  async newGroup(name: string, members: readonly string[]): Promise<void> {
    await this.page.getByRole('button', { name: 'New group' }).click();
    const dialog = this.page.getByRole('dialog', { name: 'New group' });
    await dialog.getByRole('textbox', { name: 'Name', exact: true }).fill(name);
    for (const member of members) {
      await dialog.getByRole('textbox', { name: 'Name or user id' }).fill(member);
      await dialog.getByRole('textbox', { name: 'Name or user id' }).press('Enter');
    }
    await dialog.getByRole('button', { name: 'Create group' }).click();
    await this.page.getByRole('heading', { level: 1, name, exact: true }).waitFor();
  }

  /** Writes a message and sends it with Enter. */
  async write(text: string): Promise<void> {
    await this.composer.fill(text);
    await this.composer.press('Enter');
  }

  /** Messages with exactly this text. */
  message(text: string): Locator {
    return this.page.locator('.message', {
      has: this.page.locator('.bubble-text').getByText(text, { exact: true }),
    });
  }

  /** Waits for a message to be shown, in a state of sending if one is named. */
  async sees(text: string, state?: 'sending' | 'sent' | 'failed'): Promise<void> {
    const message = this.message(text);
    await (state === undefined ? message : message.and(this.page.locator(`[data-state="${state}"]`)))
      .first()
      .waitFor();
  }

  /** All texts of the open chat, in order. */
  texts(): Promise<string[]> {
    return this.page.locator('.bubble-text').allTextContents();
  }

  /** Fails unless the chat shows exactly these texts, in this order, each once. */
  async seesExactly(texts: readonly string[]): Promise<void> {
    const last = texts.at(-1);
    if (last !== undefined) await this.sees(last);
    assert.deepEqual(await this.texts(), [...texts]);
  }

  async picture(name: string): Promise<void> {
    await this.page.screenshot({ path: picture(name) });
  }

  /** Closes the window, and fails if the page had complained. */
  async leave(): Promise<void> {
    await this.context.close();
    assert.deepEqual(this.complaints, []);
  }
}
