// The official `grpc-web` npm client in text mode, the mode in which it streams. Its own code does framing, base64, trailers
// and statuses. The messages come from the generated code that we ship: its method descriptors take any function that makes
// bytes of a message and back, so no second generator is needed.

import {
  create,
  type DescMessage,
  type DescMethod,
  fromBinary,
  type MessageShape,
  toBinary,
} from '@bufbuild/protobuf';
import type * as GrpcWeb from 'grpc-web';
import {
  MessageService,
  SendMessageRequestSchema,
  SendState,
} from '../../proto/gen/starling/im/v1/send_pb.ts';
import {
  NavigateRequestSchema,
  OpenRequestSchema,
  type OpenResponse,
  SessionService,
} from '../../proto/gen/starling/im/v1/session_pb.ts';
import type { DevNode } from './node.ts';
import { signIn } from './node.ts';
import { type Steps, within } from './steps.ts';
import { NodeXmlHttpRequest } from './xhr.ts';

const WAIT_MS = 15_000;

/** Stands for the message classes that its own generator would make; the client only passes them on. */
class AnyMessage {}

type Library = typeof GrpcWeb;

/** Loads the client, which looks for the browser's XMLHttpRequest when it is used. */
async function load(): Promise<Library> {
  Object.assign(globalThis, { XMLHttpRequest: NodeXmlHttpRequest });
  const loaded = (await import('grpc-web')) as { readonly default?: Library } & Library;
  return loaded.default ?? loaded;
}

class TextClient {
  readonly #library: Library;
  readonly #client: GrpcWeb.GrpcWebClientBase;
  readonly #node: DevNode;
  readonly #metadata: GrpcWeb.Metadata;

  constructor(library: Library, node: DevNode, token: string | undefined) {
    this.#library = library;
    this.#client = new library.GrpcWebClientBase({ format: 'text' });
    this.#node = node;
    this.#metadata = token === undefined ? {} : { authorization: `Bearer ${token}` };
  }

  #descriptor<I extends DescMessage, O extends DescMessage>(method: DescMethod & { input: I; output: O }) {
    const path = `/${method.parent.typeName}/${method.name}`;
    const kind = method.methodKind === 'unary' ? 'unary' : 'server_streaming';
    const descriptor = new this.#library.MethodDescriptor<MessageShape<I>, MessageShape<O>>(
      path,
      kind,
      AnyMessage as never,
      AnyMessage as never,
      (message: MessageShape<I>) => toBinary(method.input, message),
      (bytes: Uint8Array) => fromBinary(method.output, bytes),
    );
    return { url: `${this.#node.http}${path}`, descriptor };
  }

  call<I extends DescMessage, O extends DescMessage>(
    method: DescMethod & { input: I; output: O },
    request: MessageShape<I>,
  ): Promise<MessageShape<O>> {
    const { url, descriptor } = this.#descriptor(method);
    return this.#client.unaryCall(url, request, this.#metadata, descriptor);
  }

  open<I extends DescMessage, O extends DescMessage>(
    method: DescMethod & { input: I; output: O },
    request: MessageShape<I>,
  ): GrpcWeb.ClientReadableStream<MessageShape<O>> {
    const { url, descriptor } = this.#descriptor(method);
    return this.#client.serverStreaming(url, request, this.#metadata, descriptor);
  }
}

/** Resolves with the first frame that `wanted` takes. */
function frame(
  stream: GrpcWeb.ClientReadableStream<OpenResponse>,
  wanted: (frame: OpenResponse['frame']) => boolean,
): Promise<void> {
  return new Promise((resolve, reject) => {
    stream.on('data', ({ frame: one }) => {
      if (wanted(one)) resolve();
    });
    stream.on('error', reject);
    stream.on('end', () => reject(new Error('The stream ended.')));
  });
}

function brings(text: string): (frame: OpenResponse['frame']) => boolean {
  return (one) =>
    one.case === 'deliveries' &&
    one.value.deliveries.some(({ entry }) => {
      const body = entry.case === 'message' ? entry.value.content?.body : undefined;
      return body?.case === 'text' && body.value.text === text;
    });
}

/** Signs in, sends, and receives what is pushed. */
export async function tryGrpcWeb(node: DevNode, steps: Steps): Promise<void> {
  const library = await load();
  await steps.run('grpc-web without a token is refused with UNAUTHENTICATED', async () => {
    const anybody = new TextClient(library, node, undefined);
    const error = await anybody.call(SessionService.method.navigate, create(NavigateRequestSchema)).then(
      () => undefined,
      (thrown: GrpcWeb.RpcError) => thrown,
    );
    if (error?.code !== library.StatusCode.UNAUTHENTICATED)
      throw new Error(`It was answered ${error?.code}.`);
    if (!error.message.includes('token')) throw new Error(`The message is: ${error.message}`);
  });
  const [chenchen, diego] = await steps.run('two more users sign in', () =>
    Promise.all([signIn(node, 'chenchen'), signIn(node, 'diego')]),
  );
  const sender = new TextClient(library, node, chenchen);
  await steps.run('grpc-web makes a unary call in text mode', async () => {
    const { userId } = await sender.call(SessionService.method.navigate, create(NavigateRequestSchema));
    if (userId !== 'chenchen') throw new Error(`The token stands for ${userId}.`);
  });
  const open = create(OpenRequestSchema, { deviceId: 'grpc-web-diego' });
  const stream = new TextClient(library, node, diego).open(SessionService.method.open, open);
  try {
    const text = '来自 grpc-web 🙂';
    const pushed = frame(stream, brings(text));
    // Awaited below; a failure before that is the failure of the step before.
    pushed.catch(() => undefined);
    await steps.run('grpc-web opens a stream in text mode and is welcomed', () =>
      within(
        WAIT_MS,
        'The welcome',
        frame(stream, ({ case: kind }) => kind === 'welcome'),
      ),
    );
    await steps.run('grpc-web sends a message', async () => {
      const request = create(SendMessageRequestSchema, {
        target: { case: 'directUserId', value: 'diego' },
        clientMessageId: 'grpc-web-1',
        deviceId: 'grpc-web-chenchen',
        content: { body: { case: 'text', value: { text } } },
      });
      const { state } = await sender.call(MessageService.method.sendMessage, request);
      if (state !== SendState.PLACED) throw new Error(`Its state is ${state}.`);
    });
    await steps.run('the text stream of the other user brings it', () =>
      within(WAIT_MS, 'The message', pushed),
    );
  } finally {
    stream.cancel();
  }
}
