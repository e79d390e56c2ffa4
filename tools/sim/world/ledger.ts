// An actor of the simulator's own: a list of words, each said once, some of them told on to another ledger. It shows what
// the product's actors do not: an order that clients can compare, tells, and a table.

import { type ActorDefinition, type ActorType, tell } from '../../../runtime/index.ts';
import { type ScriptType, scripted } from '../../../runtime/testing/index.ts';

export interface Ledger {
  readonly type: ScriptType;
  readonly definition: ActorDefinition;
}

/** `add WORD` says a word once and answers its place; `add WORD>KEY` also tells it to another ledger. */
export function makeLedger(): Ledger {
  const types: ActorType[] = [];
  const made = scripted({
    kind: 'ledger',
    run: (text, turn, script) => {
      const [verb = '', word = ''] = text.split(' ');
      const before = script.words.indexOf(word);
      if (before >= 0) return String(before + 1);
      const [, to] = word.split('>');
      const [self] = types;
      if (verb !== 'add' || to === undefined || self === undefined) return String(turn.append(word));
      const told = tell(self as ScriptType, to).run({ text: `told ${word.replace('>', '<')}` });
      return String(turn.append(word, { tells: [told] }));
    },
    look: (_text, _turn, script) => script.words.join(' '),
  });
  types.push(made.type);
  return made;
}
