import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type CatchUp, cancelReminder, remind } from './reminders.ts';
import { KernelNode, type KernelNodeOptions, type ScriptType, scripted, settle } from './testing/index.ts';
import type { Turn } from './turn.ts';

const START_MS = 1_767_225_600_000;
const HOUR_MS = 3_600_000;

/** An actor that is set up by what it is called with, and notes when it is reminded of what. */
function actor(onReminder: (text: string, turn: Turn) => string = (text, turn) => fired(text, turn)) {
  const runs: string[] = [];
  const type: { of: ScriptType | undefined } = { of: undefined };
  const self = (): ScriptType => {
    assert.ok(type.of !== undefined);
    return type.of;
  };
  const script = scripted({
    run: (text, turn) => {
      if (turn.reminder !== undefined) {
        runs.push(`${turn.reminder.name}@${turn.reminder.dueMs - START_MS}`);
        return onReminder(text, turn);
      }
      const [verb = '', name = '', inMs = '0', everyMs = '0', catchUp = 'once'] = text.split(' ');
      const options = {
        name,
        atMs: turn.now() + Number(inMs),
        everyMs: Number(everyMs),
        catchUp: catchUp as CatchUp,
      };
      if (verb === 'set')
        turn.append(text, { reminders: [remind(self(), options).run({ text: `${name}!` })] });
      else if (verb === 'cancel') turn.append(text, { reminders: [cancelReminder(name)] });
      else turn.append(text);
      return 'ok';
    },
    look: (text, turn, { words }) =>
      text === 'list'
        ? JSON.stringify([...turn.reminders()].map(({ name, dueMs }) => [name, dueMs - START_MS]))
        : words.filter((word) => word.startsWith('did')).join(),
  });
  type.of = script.type;
  return { ...script, runs };
}

function fired(text: string, turn: Turn): string {
  turn.append(`did ${text}`);
  return '';
}

type Actor = ReturnType<typeof actor>;

async function nodeOf({ definition }: Actor, options: KernelNodeOptions = {}): Promise<KernelNode> {
  const node = new KernelNode([definition], options);
  await node.runtime.start();
  await settle();
  return node;
}

const did = (node: KernelNode, { type }: Actor): Promise<string> => node.look(type, 'a');
const listed = (node: KernelNode, { type }: Actor): Promise<string> => node.look(type, 'a', 'list');

describe('reminders', () => {
  it('run once, as a turn of the own contract, when they are due and not before', async () => {
    const script = actor();
    const node = await nodeOf(script);
    await node.run(script.type, 'a', 'set x 5000');
    await node.clock.advance(4_999);
    assert.equal(await did(node, script), '');
    await node.clock.advance(1);
    assert.equal(await did(node, script), 'did x!');
    await node.clock.advance(HOUR_MS);
    assert.equal(await did(node, script), 'did x!');
    assert.deepEqual(script.runs, ['x@5000']);
    assert.equal(await listed(node, script), '[]');
  });

  it('N1: wake an actor that has left memory, in their minute', async () => {
    const script = actor();
    const node = await nodeOf(script);
    await node.run(script.type, 'a', `set x ${HOUR_MS + 30_000}`);
    await node.clock.advance(HOUR_MS - 60_000);
    assert.equal(node.runtime.stats().activations, 0);
    await node.clock.advance(90_000);
    assert.deepEqual(script.runs, [`x@${HOUR_MS + 30_000}`]);
    assert.equal(await did(node, script), 'did x!');
  });
});
