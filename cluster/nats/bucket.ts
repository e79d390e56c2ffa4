// The bucket behind the board: one stream of NATS, newest value per key, keys that expire one by one, every change repeated
// on a subject that is listened to without any state on the server. Owns: its form, making it, and that a bucket which was
// lost or has another form is made or set right. What is in it is never an input to safety, so an empty one is a good one.

import type { NatsConnection } from '@nats-io/nats-core';
import { StarlingError } from '../../runtime/index.ts';
import {
  apiRequest,
  isNobody,
  JetStreamError,
  NOT_ENABLED,
  STREAM_NAME_IN_USE,
  STREAM_NOT_FOUND,
  type StreamConfig,
} from './jetstream.ts';
import type { BoardSubjects } from './subjects.ts';

/** How long the note that a key is gone is kept, seconds. */
export const MARKER_SECONDS = 10;

const NANOS = 1_000_000_000;

/** Settings that the board relies on; others are the operator's. */
const RELIED_ON = [
  'subjects',
  'max_msgs_per_subject',
  'allow_msg_ttl',
  'subject_delete_marker_ttl',
  'allow_direct',
  'allow_rollup_hdrs',
  'republish',
  'num_replicas',
] as const;

export interface BucketOptions {
  readonly nats: NatsConnection;
  readonly subjects: BoardSubjects;
  readonly replicas: number;
  readonly timeoutMs: number;
  /** It was made, or set right. */
  readonly onMade: () => void;
}

export class Bucket {
  readonly #options: BucketOptions;
  #state: 'ready' | 'unknown' | 'failing' = 'unknown';
  #problem: string | undefined;
  #looking: Promise<void> | undefined;

  constructor(options: BucketOptions) {
    this.#options = options;
  }

  get state(): 'ready' | 'unknown' | 'failing' {
    return this.#state;
  }

  /** What is wrong with it and what to do. */
  get problem(): string | undefined {
    return this.#problem;
  }

  /** Somebody got no proper answer: the next one looks whether it is still there. */
  doubt(): void {
    if (this.#state === 'ready') this.#state = 'unknown';
  }

  /**
   * Resolves when the bucket is there and has the form the board needs.
   * @throws StarlingError OUTCOME_UNKNOWN that says what is wrong
   */
  async ready(): Promise<void> {
    if (this.#state === 'ready') return;
    this.#looking ??= this.#look().finally(() => {
      this.#looking = undefined;
    });
    await this.#looking;
  }

  async #look(): Promise<void> {
    try {
      await this.#ensure();
      this.#state = 'ready';
      this.#problem = undefined;
    } catch (error) {
      this.#state = 'failing';
      this.#problem = this.#explain(error);
      throw new StarlingError('OUTCOME_UNKNOWN', this.#problem, { cause: error });
    }
  }

  async #ensure(): Promise<void> {
    const { subjects, onMade } = this.#options;
    const { info, create, update } = subjects.streamApi;
    const wanted = this.#config();
    try {
      const { config } = await this.#ask(info);
      if (fits(config, wanted)) return;
      await this.#ask(update, { ...(config as object), ...wanted });
    } catch (error) {
      if (!(error instanceof JetStreamError) || error.code !== STREAM_NOT_FOUND) throw error;
      try {
        await this.#ask(create, wanted);
      } catch (lost) {
        // Another node was faster.
        if (!(lost instanceof JetStreamError) || lost.code !== STREAM_NAME_IN_USE) throw lost;
      }
    }
    onMade();
  }

  #ask(subject: string, request?: object): Promise<Readonly<Record<string, unknown>>> {
    return apiRequest(this.#options.nats, subject, request, this.#options.timeoutMs);
  }

  #config(): StreamConfig {
    const { subjects, replicas } = this.#options;
    return {
      name: subjects.stream,
      description:
        'Where the nodes of Starling announce themselves. Hints only: it may be removed at any time.',
      subjects: [subjects.keys],
      max_msgs_per_subject: 1,
      allow_msg_ttl: true,
      subject_delete_marker_ttl: MARKER_SECONDS * NANOS,
      allow_direct: true,
      allow_rollup_hdrs: true,
      discard: 'new',
      storage: 'file',
      num_replicas: replicas,
      republish: { src: subjects.keys, dest: subjects.changes },
    };
  }

  #explain(error: unknown): string {
    const { bucket } = this.#options.subjects;
    const disabled = error instanceof JetStreamError && error.code === NOT_ENABLED;
    if (disabled || isNobody(error)) return 'The NATS servers have no JetStream for this account: enable it.';
    const why = error instanceof Error ? error.message : String(error);
    if (!(error instanceof JetStreamError)) return `The bucket ${bucket} can not be reached: ${why}.`;
    return (
      `The bucket ${bucket} can not be used: ${why}. ` +
      `Remove it (\`nats kv del ${bucket}\`) and it is made again; it holds nothing that must be kept.`
    );
  }
}

function fits(config: unknown, wanted: StreamConfig): boolean {
  if (typeof config !== 'object' || config === null) return false;
  const found = config as Readonly<Record<string, unknown>>;
  return RELIED_ON.every((name) => same(found[name], wanted[name]));
}

function same(found: unknown, wanted: unknown): boolean {
  return JSON.stringify(found) === JSON.stringify(wanted);
}
