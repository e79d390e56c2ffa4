// One request to many actors. Owns the collecting of answers: receivers that answer with an empty reply have taken it,
// the others are reported once all have answered.

import { type DescMessage, isFieldSet, type Message } from '@bufbuild/protobuf';
import { Call, type CallOutcome } from './call.ts';

export interface FanOutPart {
  readonly key: string;
  readonly own: object;
}

export interface Refused {
  readonly key: string;
  readonly outcome: CallOutcome<Message>;
}

export interface LocalFanOut {
  readonly method: string;
  readonly output: DescMessage;
  readonly shared: Message;
  readonly receivers: readonly FanOutPart[];
  readonly deadline: number;
  /** Hands a call to the activation of a key. */
  readonly deliver: (key: string, call: Call) => void;
  /** Called once, when every receiver has answered or its time is up. */
  readonly then: (refused: Refused[]) => void;
}

/** Gives each receiver its call and collects the answers. Returns the calls, for their deadlines to be watched. */
export function fanOutLocally(options: LocalFanOut): void {
  const { shared, receivers, output, deadline, deliver } = options;
  const refused: Refused[] = [];
  let open = receivers.length;
  if (open === 0) {
    options.then(refused);
    return;
  }
  const answered = (): void => {
    open--;
    if (open === 0) options.then(refused);
  };
  for (const { key, own } of receivers) {
    const request: Message = { ...shared, ...own };
    const call = new Call(options.method, request, deadline, undefined, {
      resolve: (value) => {
        if (!isEmpty(output, value)) refused.push({ key, outcome: { ok: true, value } });
        answered();
      },
      reject: (error) => {
        refused.push({ key, outcome: { ok: false, error } });
        answered();
      },
    });
    deliver(key, call);
  }
}

function isEmpty(schema: DescMessage, value: Message): boolean {
  for (const field of schema.fields) {
    if (isFieldSet(value, field)) return false;
  }
  return true;
}
