// grpcurl, which knows nothing of our protocol but what reflection tells it.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { DevNode } from './node.ts';
import { signIn } from './node.ts';
import { type Steps, within } from './steps.ts';

/** The release that is tried. */
export const GRPCURL = { module: 'github.com/fullstorydev/grpcurl/cmd/grpcurl', version: 'v1.9.4' };

const WAIT_MS = 15_000;

/** A run of grpcurl whose output can be waited for while it runs. */
class Grpcurl {
  readonly #child: ChildProcess;
  #output = '';
  #more: (() => void) | undefined = undefined;
  readonly #closed: Promise<unknown>;

  constructor(program: string, args: readonly string[]) {
    this.#child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    this.#closed = once(this.#child, 'close');
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.#output += text;
        this.#more?.();
      });
    }
  }

  /** Resolves with the output so far once it has `text`. */
  sees(text: string): Promise<string> {
    return new Promise((resolve, reject) => {
      const look = () => {
        if (this.#output.includes(text)) resolve(this.#output);
      };
      this.#more = look;
      look();
      this.#closed.then(() => reject(new Error(`grpcurl ended without ${text}: ${this.#output}`)), reject);
    });
  }

  /**
   * Resolves with all output.
   * @throws Error where grpcurl fails
   */
  async finish(): Promise<string> {
    await this.#closed;
    if (this.#child.exitCode !== 0) throw new Error(this.#output);
    return this.#output;
  }

  async stop(): Promise<void> {
    this.#child.kill('SIGTERM');
    await this.#closed;
  }
}

/** Lists by reflection, signs in, sends, and receives what is pushed. */
export async function tryGrpcurl(program: string, node: DevNode, steps: Steps): Promise<void> {
  const run = (...args: string[]) => new Grpcurl(program, ['-plaintext', ...args]);
  const call = (token: string, method: string, data: object) =>
    run(
      '-H',
      `authorization: Bearer ${token}`,
      '-d',
      JSON.stringify(data),
      node.grpc,
      `starling.im.v1.${method}`,
    );
  await steps.run('grpcurl lists the services by reflection', async () => {
    const list = await run(node.grpc, 'list').finish();
    for (const name of [
      'starling.im.v1.SessionService',
      'starling.im.v1.MessageService',
      'grpc.health.v1.Health',
    ]) {
      if (!list.split('\n').includes(name)) throw new Error(`${name} is missing in: ${list}`);
    }
  });
  await steps.run('grpcurl describes a method', async () => {
    const text = await run(node.grpc, 'describe', 'starling.im.v1.SessionService.Open').finish();
    if (!text.includes('returns ( stream .starling.im.v1.OpenResponse )')) throw new Error(text);
  });
  await steps.run('grpcurl finds the node healthy', async () => {
    const text = await run(node.grpc, 'grpc.health.v1.Health/Check').finish();
    if (!text.includes('SERVING')) throw new Error(text);
  });
  await steps.run('grpcurl without a token is refused with a typed error', async () => {
    const text = await run(node.grpc, 'starling.im.v1.SessionService/Navigate')
      .finish()
      .catch((error: Error) => error.message);
    if (!text.includes('Unauthenticated') || !text.includes('google.rpc.ErrorInfo')) throw new Error(text);
  });
  const [alice, bob] = await steps.run('two users sign in', () =>
    Promise.all([signIn(node, 'alice'), signIn(node, 'bob')]),
  );
  const stream = call(bob, 'SessionService/Open', { device_id: 'grpcurl-bob' });
  try {
    await steps.run('grpcurl opens a stream and is welcomed', () =>
      within(WAIT_MS, 'The welcome', stream.sees('"welcome"')),
    );
    const text = 'from grpcurl 你好 🙂';
    await steps.run('grpcurl sends a message', async () => {
      const content = { text: { text } };
      const request = {
        direct_user_id: 'bob',
        client_message_id: 'grpcurl-1',
        device_id: 'grpcurl-alice',
        content,
      };
      const answer = await call(alice, 'MessageService/SendMessage', request).finish();
      if (!answer.includes('SEND_STATE_PLACED')) throw new Error(answer);
    });
    await steps.run('the stream of the other user brings it', () =>
      within(WAIT_MS, 'The message', stream.sees(text)),
    );
  } finally {
    await stream.stop();
  }
}
