// What a file of scenarios needs: one server, one browser, people who are seen out whatever happens, and a
// picture of each of them where a scenario failed.

import { after, before, type TestContext, test } from 'node:test';
import type { Browser } from 'playwright-core';
import { createClient, type StarlingClient } from '../sdk/index.ts';
import { launchBrowser } from './browser.ts';
import { Cable } from './cable.ts';
import { Person, type PersonOptions } from './person.ts';
import { Server } from './server.ts';

/** Longest run of one scenario. */
const scenarioMsMax = 120_000;

export class Stage {
  readonly #name: string;
  readonly #people = new Map<string, Person>();
  readonly #clients: StarlingClient[] = [];
  readonly #cables: Cable[] = [];
  #server: Server | undefined;
  #browser: Browser | undefined;

  /** Call at the top of a file; `name` names logs and pictures. */
  constructor(name: string) {
    this.#name = name;
    before(async () => {
      this.#server = await Server.start(name);
      this.#browser = await launchBrowser();
    });
    after(async () => {
      await this.#browser?.close();
      await this.#server?.close();
    });
  }

  get server(): Server {
    if (this.#server === undefined) throw new Error('The server is started before the first scenario.');
    return this.#server;
  }

  /** One scenario: a full sentence that states a fact. */
  scenario(title: string, play: () => Promise<void>): void {
    test(title, { timeout: scenarioMsMax }, async (context) => {
      let failed = true;
      try {
        await play();
        failed = false;
      } finally {
        await this.#seeOut(context, failed);
      }
    });
  }

  /** Somebody opens the page. */
  async enter(user: string, options: Partial<PersonOptions> = {}): Promise<Person> {
    if (this.#browser === undefined) throw new Error('The browser is started before the first scenario.');
    const person = await Person.open({ browser: this.#browser, http: this.server.http, user, ...options });
    this.#people.set(`${user}-${options.device ?? this.#people.size}`, person);
    return person;
  }

  /** A cable to the server that can be pulled. */
  async cable(): Promise<Cable> {
    const cable = await Cable.lay(this.server.http);
    this.#cables.push(cable);
    return cable;
  }

  /** Somebody without a page, through the same SDK: to prepare what a scenario needs. */
  async client(user: string): Promise<StarlingClient> {
    const address = this.server.http;
    const token = async () => {
      const response = await fetch(`${address}/demo/token`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ user_id: user }),
      });
      const answer = (await response.json()) as { readonly token: string };
      return answer.token;
    };
    const client = createClient({ address, token, deviceId: `api-${this.#clients.length}` });
    this.#clients.push(client);
    await client.connect();
    return client;
  }

  async #seeOut(context: TestContext, failed: boolean): Promise<void> {
    const people = [...this.#people];
    this.#people.clear();
    for (const client of this.#clients.splice(0)) await client.disconnect();
    await this.#dismiss(people, context, failed);
    for (const cable of this.#cables.splice(0)) await cable.close();
  }

  async #dismiss(people: readonly [string, Person][], context: TestContext, failed: boolean): Promise<void> {
    if (failed) {
      const title = context.name.replace(/[^A-Za-z0-9]+/gu, '-').slice(0, 60);
      for (const [who, person] of people) {
        await person.picture(`failed-${this.#name}-${title}-${who}`).catch(() => undefined);
        await person.context.close();
      }
      return;
    }
    for (const [, person] of people) await person.leave();
  }
}
