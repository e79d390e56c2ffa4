// Faults in the runtime: opening, writes, the gate, checkpoints, marks.

import { type Edit, type Mutant, SHOWN } from './mutant.ts';

const journal = (find: string, replace: string): Edit => ({ file: 'runtime/journal.ts', find, replace });
const recovery = (find: string, replace: string): Edit => ({ file: 'runtime/recovery.ts', find, replace });
const gate = (find: string, replace: string): Edit => ({ file: 'runtime/gate.ts', find, replace });

const SEAL_WRITE = `  await store.commit({
    actor: address,
    head: { shard: address.shard, floor, sealSeq: tail, sealTs: ts, asOf, state, ts },
  });`;

export const KERNEL_MUTANTS: readonly Mutant[] = [
  {
    name: 'no fence read',
    edits: [
      {
        file: 'runtime/fence.ts',
        find: `  read(): 'live' | Promise<void> {\n`,
        replace: `  read(): 'live' | Promise<void> {\n    return 'live';\n`,
      },
    ],
    expected: SHOWN,
  },
  {
    name: 'fence read begun with the write',
    edits: [
      journal(
        '    store\n      .commit(commit)\n',
        '    const early = fence.read();\n    store\n      .commit(commit)\n',
      ),
      journal(
        `const live = this.#ended ? 'live' : fence.read();`,
        `const live = this.#ended ? 'live' : early;`,
      ),
    ],
    expected: SHOWN,
  },
  {
    name: 'no seal',
    edits: [
      recovery(
        '  const ts = claim.nextTimestamp();\n',
        '  const ts = claim.nextTimestamp();\n  if (head !== undefined) return { tail, floor: head.floor, asOf: head.asOf, sealSeq: tail, sealTs: ts };\n',
      ),
    ],
    expected: SHOWN,
  },
  {
    name: 'rows sent before the seal is known',
    edits: [
      recovery(
        SEAL_WRITE,
        SEAL_WRITE.replace('await store.commit(', 'store.commit(').replace('});', '}).catch(() => {});'),
      ),
    ],
    expected: SHOWN,
  },
  {
    name: 'rows sent before the seal is fence-checked',
    edits: [recovery(`  const fence = options.fence.read();\n  if (fence !== 'live') await fence;\n`, '')],
    expected: SHOWN,
  },
  {
    name: 'seal skipped after an unclean end',
    edits: [recovery(' && !options.uncleanBefore', '')],
    expected: SHOWN,
  },
  {
    name: 'seal skipped because it seems to cover the tail',
    edits: [
      recovery(
        'epochOf(head.sealTs) === claim.epoch && !options.uncleanBefore',
        '(head.sealSeq >= tail || (epochOf(head.sealTs) === claim.epoch && !options.uncleanBefore))',
      ),
      recovery(`  if (claim.epoch !== epochOf(seal.sealTs)) throw new StarlingError('NOT_OWNER');\n`, ''),
    ],
    expected: SHOWN,
  },
  {
    name: 'checkpoint with a seal of its own',
    edits: [
      journal(
        '      sealSeq: this.#sealSeq,\n      sealTs: this.#sealTs,\n      asOf: checkpoint.asOf,',
        '      sealSeq: checkpoint.asOf,\n      sealTs: this.#options.claim.nextTimestamp(),\n      asOf: checkpoint.asOf,',
      ),
    ],
    expected: SHOWN,
  },
  {
    name: 'checkpoint ahead of its rows',
    edits: [
      journal(
        'if (checkpoint === undefined || checkpoint.asOf > this.#durable) return undefined;',
        'if (checkpoint === undefined) return undefined;',
      ),
    ],
    expected: ['I8', 'I7'],
  },
  {
    name: 'state without the row that it stands at',
    edits: [recovery('let tail = head?.asOf ?? 0;', 'let tail = (head?.floor ?? 1) - 1;')],
    expected: SHOWN,
  },
  {
    name: 'rows read before the head',
    edits: [
      recovery(
        '  const head = await store.readHead(address);\n',
        [
          '  const before = await store.readRows(address, { from: 1, rowsMax: 100_000 });',
          '  Object.assign(options, { before });',
          '  const head = await store.readHead(address);',
          '',
        ].join('\n'),
      ),
      recovery(
        '    const page = await store.readRows(address, range, head);',
        [
          '    const page = (options as unknown as { before: Row[] }).before',
          '      .filter(({ seq }) => seq > tail)',
          '      .filter(({ seq, ts }) => head === undefined || seq <= head.sealSeq || ts > head.sealTs)',
          '      .slice(0, range.rowsMax);',
        ].join('\n'),
      ),
    ],
    expected: SHOWN,
  },
  {
    name: 'trim before the floor is safe',
    edits: [
      journal(
        '    this.#floor = below;\n',
        '    this.#floor = below;\n    void this.#options.store.trim(this.#options.address, below, this.#options.claim.nextTimestamp()).catch(() => {});\n',
      ),
    ],
    expected: ['I15', 'I1', 'I2'],
  },
  {
    name: 'outputs leave before their writes are durable',
    edits: [
      gate(
        '    if (after > this.#settled) {\n',
        '    if (after > this.#settled) {\n      release();\n      return;\n    }\n    if (after > this.#settled) {\n',
      ),
    ],
    expected: ['I17', 'I5', 'I1'],
  },
  {
    name: 'no wake mark',
    edits: [journal('    if (rows.some((row) => row.wake)) this.#mark(commit);\n', '')],
    expected: ['I10'],
  },
  {
    name: 'a new owner does not mark again',
    edits: [
      {
        file: 'runtime/wake.ts',
        find: '  await options.store.commit({ actor, mark: { ...mark, epoch, n: 0 } });\n',
        replace: '',
      },
    ],
    test: 'runtime/wake.test.ts',
    expected: ['I10'],
  },
  {
    name: 'index not rebuilt from the log',
    edits: [
      {
        file: 'runtime/actor-log.ts',
        find: 'for (const cell of cells) ',
        replace: 'for (const cell of cells.slice(0, 0)) ',
      },
    ],
    expected: ['I6', 'I8'],
  },
  {
    name: 'write times start anew with each activation',
    edits: [
      {
        file: 'runtime/activation.ts',
        find: 'this.#claim = claim;',
        replace: [
          'let drawn = BigInt(claim.epoch) << 36n;',
          '    const nextTimestamp = () => (claim.nextTimestamp(), (drawn += 1n));',
          '    this.#claim = { shard: claim.shard, epoch: claim.epoch, nextTimestamp };',
        ].join('\n'),
      },
    ],
    expected: ['I14', 'I8', 'I2', 'I3'],
  },
  {
    name: 'acknowledged over a write of unknown outcome',
    edits: [
      journal(
        '    store\n      .commit(commit)\n',
        `    store\n      .commit(commit)\n      .catch((error: StarlingError) => {\n        if (error.code !== 'OUTCOME_UNKNOWN') throw error;\n      })\n`,
      ),
    ],
    expected: ['I1', 'I3', 'I5', 'I17', 'I8'],
  },
  {
    name: 'reads answer from what is not durable',
    edits: [
      {
        file: 'runtime/turns.ts',
        find: 'toMessage(call.method.output, result as Message), false, turn.before);',
        replace: 'toMessage(call.method.output, result as Message), call.method.readOnly, turn.before);',
      },
    ],
    expected: ['I1', 'I3', 'I5'],
  },
  {
    name: 'an ended activation still writes',
    edits: [
      journal(
        '      .catch((error: unknown) => this.#failed(error));',
        [
          '      .catch((error: unknown) => {',
          '        this.#failed(error);',
          '        const rows2 = rows.map((row) => ({ ...row, ts: this.#options.claim.nextTimestamp() }));',
          '        this.#options.clock.after(2_000, () => void store.commit({ ...commit, rows: rows2 }).catch(() => {}));',
          '      });',
        ].join('\n'),
      ),
    ],
    expected: ['I4', 'I7', 'I2', 'I3', 'I14', 'I8'],
  },
  {
    name: 'table row before its record',
    edits: [
      journal(
        'const ripe = this.#cells.firstSeq <= this.#durable;',
        'const ripe = this.#cells.firstSeq <= this.#tail;',
      ),
      journal(
        '? this.#cells.take(this.#durable, limits.batchRowsMax)',
        '? this.#cells.take(this.#tail, limits.batchRowsMax)',
      ),
    ],
    expected: ['I8', 'I3'],
  },
  {
    name: 'checkpoint ahead of its table rows',
    edits: [
      journal('    if (this.#cells.firstSeq <= checkpoint.asOf) return undefined;\n', ''),
      journal('    if (cellsTaken.some(({ seq }) => seq <= checkpoint.asOf)) return undefined;\n', ''),
    ],
    options: { on: ['kill', 'bad_commit', 'false_death'] },
    expected: ['I8', 'I6', 'I3'],
  },
  {
    name: 'absent member marked before the note is durable',
    edits: [
      {
        file: 'runtime/notes.ts',
        find: 'await store.commit({ actor: { kind: type.kind, key, shard }, notes: [{ note, present: true, ts }] });',
        replace:
          'store.commit({ actor: { kind: type.kind, key, shard }, notes: [{ note, present: true, ts }] }).catch(() => {});',
      },
    ],
    expected: ['I17', 'I10'],
  },
];
