// Server reflection, v1 and v1alpha, for tools such as grpcurl. Native gRPC only: it is a bidirectional stream, which
// browsers can't open. Owns: an index from names to files. What it tells is the public contract, so it asks for no token.

import {
  create,
  type DescExtension,
  type DescFile,
  type DescService,
  fromBinary,
  toBinary,
} from '@bufbuild/protobuf';
import { nestedTypes } from '@bufbuild/protobuf/reflect';
import { FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt';
import type { ServerDuplexStream } from '@grpc/grpc-js';
import * as v1 from '../../proto/gen/grpc/reflection/v1/reflection_pb.ts';
import * as v1alpha from '../../proto/gen/grpc/reflection/v1alpha/reflection_pb.ts';
import type { Dispatcher } from './dispatcher.ts';
import type { BidiRoute } from './native.ts';

const NOT_FOUND = 5;
const INVALID_ARGUMENT = 3;
const RESOURCE_EXHAUSTED = 8;

type Answer = v1.ServerReflectionResponse['messageResponse'];

/** What is served, by name. */
export class ReflectionIndex {
  readonly #services: readonly string[];
  readonly #files = new Map<string, DescFile>();
  readonly #symbols = new Map<string, DescFile>();
  readonly #extensions = new Map<string, DescExtension[]>();

  constructor(services: readonly DescService[]) {
    this.#services = services.map(({ typeName }) => typeName);
    for (const { file } of services) this.#add(file);
  }

  #add(file: DescFile): void {
    if (this.#files.has(file.proto.name)) return;
    this.#files.set(file.proto.name, file);
    for (const dependency of file.dependencies) this.#add(dependency);
    for (const type of nestedTypes(file)) {
      this.#symbols.set(type.typeName, file);
      if (type.kind === 'message') {
        for (const field of type.fields) this.#symbols.set(`${type.typeName}.${field.name}`, file);
      } else if (type.kind === 'service') {
        for (const method of type.methods) this.#symbols.set(`${type.typeName}.${method.name}`, file);
      } else if (type.kind === 'extension') {
        const known = this.#extensions.get(type.extendee.typeName) ?? [];
        this.#extensions.set(type.extendee.typeName, [...known, type]);
      }
    }
  }

  /** Answers one question. */
  answer(question: v1.ServerReflectionRequest['messageRequest']): Answer {
    switch (question.case) {
      case 'listServices': {
        const service = this.#services.map((name) => create(v1.ServiceResponseSchema, { name }));
        return {
          case: 'listServicesResponse',
          value: create(v1.ListServiceResponseSchema, { service }),
        };
      }
      case 'fileByFilename':
        return withImports(this.#files.get(question.value), `the file ${question.value}`);
      case 'fileContainingSymbol':
        return withImports(this.#symbols.get(question.value), `the symbol ${question.value}`);
      case 'fileContainingExtension': {
        const { containingType, extensionNumber } = question.value;
        const known = this.#extensions.get(containingType)?.find(({ number }) => number === extensionNumber);
        return withImports(known?.file, `the extension ${extensionNumber} of ${containingType}`);
      }
      case 'allExtensionNumbersOfType': {
        const baseTypeName = question.value;
        if (!this.#symbols.has(baseTypeName)) return error(NOT_FOUND, `There is no type ${baseTypeName}.`);
        const extensionNumber = (this.#extensions.get(baseTypeName) ?? []).map(({ number }) => number);
        return {
          case: 'allExtensionNumbersResponse',
          value: create(v1.ExtensionNumberResponseSchema, { baseTypeName, extensionNumber }),
        };
      }
      case undefined:
        return error(INVALID_ARGUMENT, 'The request asks nothing.');
    }
  }
}

/** A file, and behind it all it imports. */
function withImports(file: DescFile | undefined, what: string): Answer {
  if (file === undefined) return error(NOT_FOUND, `The server does not have ${what}.`);
  const files = new Set<DescFile>();
  const visit = (one: DescFile) => {
    if (files.has(one)) return;
    files.add(one);
    one.dependencies.forEach(visit);
  };
  visit(file);
  const fileDescriptorProto = [...files].map(({ proto }) => toBinary(FileDescriptorProtoSchema, proto));
  return {
    case: 'fileDescriptorResponse',
    value: create(v1.FileDescriptorResponseSchema, { fileDescriptorProto }),
  };
}

function error(errorCode: number, errorMessage: string): Answer {
  return { case: 'errorResponse', value: create(v1.ErrorResponseSchema, { errorCode, errorMessage }) };
}

/** The services themselves, to be listed among what is served. */
export const REFLECTION_SERVICES: readonly DescService[] = [v1.ServerReflection, v1alpha.ServerReflection];

/** The two routes, for the native port. */
export function reflectionRoutes(index: ReflectionIndex, dispatcher: Dispatcher): BidiRoute[] {
  return REFLECTION_SERVICES.map(({ typeName }) => ({
    path: `/${typeName}/ServerReflectionInfo`,
    handle: (stream) => serve(stream, index, dispatcher),
  }));
}

function serve(
  stream: ServerDuplexStream<Buffer, Buffer>,
  index: ReflectionIndex,
  dispatcher: Dispatcher,
): void {
  const fail = (code: number, details: string) => {
    stream.emit('error', Object.assign(new Error(details), { code, details }));
  };
  let questions = 0;
  stream.on('data', (bytes: Buffer) => {
    questions++;
    if (questions > dispatcher.limits.reflectionQuestionsMax) {
      if (questions === dispatcher.limits.reflectionQuestionsMax + 1) {
        fail(RESOURCE_EXHAUSTED, 'Too many questions on one call.');
      }
      return;
    }
    try {
      // Both versions have the same fields under the same numbers.
      const originalRequest = fromBinary(v1.ServerReflectionRequestSchema, bytes);
      const messageResponse = index.answer(originalRequest.messageRequest);
      const { host: validHost } = originalRequest;
      const response = create(v1.ServerReflectionResponseSchema, {
        validHost,
        originalRequest,
        messageResponse,
      });
      stream.write(Buffer.from(toBinary(v1.ServerReflectionResponseSchema, response)));
    } catch {
      fail(INVALID_ARGUMENT, 'The request could not be decoded.');
    }
  });
  stream.on('end', () => stream.end());
  stream.on('error', () => undefined);
}
