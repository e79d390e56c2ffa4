import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RULES, sourceFile, tidy } from './index.ts';

/** A rule with texts that break it and texts that only look like it. Paths say which place is meant. */
interface Sample {
  readonly rule: string;
  readonly broken: readonly (readonly [path: string, text: string])[];
  readonly kept: readonly (readonly [path: string, text: string])[];
}

const slash = '/';
const manyLines = (count: number): string => 'x();\n'.repeat(count);

const SAMPLES: readonly Sample[] = [
  {
    rule: 'import-direction',
    broken: [
      ['runtime/a.ts', "import { user } from '../actors/user/index.ts';"],
      ['actors/user/a.ts', "import { open } from '../../cluster/lmdb/index.ts';"],
      ['actors/user/a.test.ts', "import { open } from '../../cluster/lmdb/index.ts';"],
      ['cluster/a.ts', "export type { User } from '../actors/user/index.ts';"],
      ['tools/sdk/a.ts', "const door = await import('../../runtime/index.ts');"],
      ['tools/web/a.tsx', "import '../cli/main.ts';"],
      ['proto/gen/a_pb.ts', "import { x } from '../../runtime/errors.ts';"],
      ['actors/user/a.ts', "import { SimClock } from '../../runtime/testing/index.ts';"],
      ['tools/examples/packet/a.test.ts', "import { SimClock } from '../../../runtime/testing/index.ts';"],
      ['tools/examples/packet/a.ts', "import { other } from '../other/index.ts';"],
    ],
    kept: [
      ['tools/examples/packet/a.ts', "import { Packet } from './gen/packet_pb.ts';"],
      ['actors/user/a.ts', "import { runtime } from '../../runtime/index.ts';"],
      ['actors/user/a.test.ts', "import { SimClock } from '../../runtime/testing/index.ts';"],
      ['tools/node/a.ts', "import { user } from '../../actors/user/index.ts';"],
      ['tools/web/a.ts', "import { connect } from '../sdk/index.ts';"],
      ['tools/sdk/a.int.test.ts', "import { startNode } from '../node/index.ts';"],
      ['tools/cli/a.ts', "import manifest from '../../package.json' with { type: 'json' };"],
      ['runtime/a.ts', "// import { user } from '../actors/user/index.ts';"],
    ],
  },
  {
    rule: 'package-owner',
    broken: [
      ['cluster/nats/a.ts', "import { open } from 'lmdb';"],
      ['actors/user/a.ts', "import { trace } from '@opentelemetry/api';"],
      ['runtime/a.ts', "import { Server } from '@grpc/grpc-js';"],
      ['runtime/a.ts', "import { readFileSync } from 'node:fs';"],
      ['tools/sdk/a.ts', "import { connect } from 'node:net';"],
      ['tools/examples/packet/a.test.ts', "import fc from 'fast-check';"],
      ['tools/examples/packet/a.ts', "import { Journal } from 'starling/runtime/journal';"],
      ['tools/node/a.ts', "import { tell } from 'starling';"],
    ],
    kept: [
      ['tools/examples/packet/a.test.ts', "import { simulate } from 'starling/sim';"],
      ['cluster/lmdb/a.ts', "import { open } from 'lmdb';"],
      ['runtime/telemetry/a.ts', "import { trace } from '@opentelemetry/api';"],
      ['tools/node/a.test.ts', "import { Client } from '@grpc/grpc-js';"],
      ['runtime/a.ts', "import { createHash } from 'node:crypto';"],
      ['cluster/lmdb/a.ts', "import { readFileSync } from 'node:fs';"],
    ],
  },
  {
    rule: 'banned-call',
    broken: [
      ['runtime/a.ts', 'const now = Date.now();'],
      ['runtime/a.ts', 'const now = new Date();'],
      ['actors/user/a.ts', 'const now = new Date;'],
      ['actors/user/a.ts', 'const now = performance.now();'],
      ['cluster/a.ts', 'const now = process.hrtime.bigint();'],
      ['cluster/a.ts', 'setTimeout(() => {}, 5);'],
      ['cluster/a.ts', 'const timer = setInterval(tick, 5);'],
      ['cluster/a.ts', `const retryAt = \`\${Math.random()}\`;`],
      ['cluster/a.ts', "import { randomBytes } from 'node:crypto';"],
      ['runtime/a.ts', 'const id = crypto.randomUUID();'],
      ['runtime/a.ts', 'const level = process.env.LEVEL;'],
    ],
    kept: [
      ['runtime/a.test.ts', 'const now = Date.now();'],
      ['tools/node/a.ts', 'const level = process.env.LEVEL;'],
      ['cluster/clock/clock.ts', 'const now = Date.now();'],
      ['runtime/a.ts', 'const day = new Date(clock.now());'],
      ['runtime/a.ts', "// Date.now() is not for here.\nconst text = 'Date.now()';"],
      ['runtime/a.ts', 'socket.setTimeout(5); const pattern = /Math.random/;'],
    ],
  },
  {
    rule: 'sleep-in-test',
    broken: [
      ['runtime/a.test.ts', 'await new Promise((resolve) => setTimeout(resolve, 5));'],
      ['tools/a/a.int.test.ts', 'await sleep(5);'],
      ['tools/a/a.test.ts', "import { setTimeout as wait } from 'node:timers/promises';"],
    ],
    kept: [
      ['runtime/a.test.ts', 'socket.setTimeout(5); clock.advance(5);'],
      ['tools/a/a.ts', 'setTimeout(stop, 5);'],
    ],
  },
  {
    rule: 'unrun-test',
    broken: [
      ['runtime/a.test.ts', "test.only('it holds', () => {});"],
      ['runtime/a.test.ts', "describe . skip('they hold', () => {});"],
      ['runtime/a.test.ts', "it.todo('will hold');"],
      ['runtime/a.test.ts', "test('it holds', { skip: 'slow' }, () => {});"],
    ],
    kept: [['runtime/a.test.ts', "test('a list skips what it has', () => { list.skip(1); });"]],
  },
  {
    rule: 'star-export',
    broken: [['runtime/index.ts', "export * from './a.ts';"]],
    kept: [['runtime/index.ts', "export { a } from './a.ts'; const area = 2 * 3;"]],
  },
  {
    rule: 'default-export',
    broken: [
      ['runtime/a.ts', 'export default function run() {}'],
      ['runtime/a.ts', 'export { run as default };'],
    ],
    kept: [
      ['tools/web/vite.config.ts', 'export default {};'],
      ['runtime/a.ts', 'switch (x) { default: }'],
    ],
  },
  {
    rule: 'any-type',
    broken: [
      ['runtime/a.ts', 'let x: any;'],
      ['runtime/a.ts', 'const x = y as any;'],
      ['runtime/a.ts', 'const x = new Map<string, any>();'],
      ['runtime/a.ts', 'type X = any[];'],
    ],
    kept: [['runtime/a.ts', 'const any = unpack(any, schema); // any of them\nAbortSignal.any([a]);']],
  },
  {
    rule: 'enum',
    broken: [['runtime/a.ts', 'export const enum State { On }']],
    kept: [['runtime/a.ts', "// An enum State { On } is not erasable.\nconst text = 'enum State {';"]],
  },
  {
    rule: 'private-keyword',
    broken: [['runtime/a.ts', 'class A {\n  private readonly b = 1;\n}']],
    kept: [
      [
        'runtime/a.ts',
        'class A {\n  readonly #b = 1;\n  private constructor() {}\n}\nconst keys = {\n  private: 1 };',
      ],
    ],
  },
  {
    rule: 'module-state',
    broken: [['runtime/a.ts', 'const a = 1;\nexport let count = 0;']],
    kept: [['runtime/a.ts', 'function f() {\n  let count = 0;\n}']],
  },
  {
    rule: 'later-work',
    broken: [
      ['runtime/a.ts', '// TODO: the rest'],
      ['runtime/a.ts', '/*\n FIXME */'],
    ],
    kept: [['runtime/a.ts', "const words = ['TODO'];"]],
  },
  {
    rule: 'machine-path',
    broken: [
      ['docs/a.md', `See ${slash}work/main for it.`],
      ['runtime/a.ts', `open('${slash}home/me/x');`],
    ],
    kept: [['docs/a.md', `See https://example.org${slash}home/page and docs${slash}work/flow.`]],
  },
  {
    rule: 'lock-file',
    broken: [
      ['package-lock.json', '{ "resolved": "https://example.org/a.tgz" }'],
      ['package-lock.json', '{"packages":{"node_modules/a":{"optionalDependencies":{"a-arm":"1.0.0"}}}}'],
    ],
    kept: [
      ['package-lock.json', '{"packages":{"node_modules/a":{"integrity":"sha512-x"}}}'],
      [
        'package-lock.json',
        '{"packages":{"node_modules/@s/a":{"optionalDependencies":{"b":"1.0.0"}},"node_modules/b":{}}}',
      ],
    ],
  },
  {
    rule: 'file-length',
    broken: [
      ['runtime/a.ts', manyLines(301)],
      ['runtime/a.ts', `// Longer than 300 lines because of a table.\n${manyLines(500)}`],
    ],
    kept: [
      ['runtime/a.ts', manyLines(300)],
      ['runtime/a.ts', `// Longer than 300 lines because one table is one thing.\n${manyLines(499)}`],
    ],
  },
  {
    rule: 'line-length',
    broken: [
      ['runtime/a.ts', `const x = ${'1 + '.repeat(30)}1;`],
      ['runtime/a.ts', `// ${'word '.repeat(40)}`],
    ],
    kept: [['runtime/a.ts', `// ${'word '.repeat(24)}\nconst x = '${'word '.repeat(24)}';`]],
  },
  {
    rule: 'door-comment',
    broken: [['runtime/index.ts', "export { a } from './a.ts';"]],
    kept: [['runtime/index.ts', "// The kernel. Owns: turns.\nexport { a } from './a.ts';"]],
  },
  {
    rule: 'dead-link',
    broken: [
      ['docs/a.md', '[gone](gone.md)'],
      ['README.md', '![picture](docs/gone.png)'],
      ['README.md', '<img src="docs/gone.png">'],
    ],
    kept: [
      ['docs/a.md', '[here](../docs/a.md#part) [there](https://example.org) [above](#top)'],
      ['docs/a.md', '```\n[gone](gone.md)\n```'],
    ],
  },
];

const broken = (path: string, text: string): string[] =>
  tidy({ files: [sourceFile(path, text)], exists: (wanted) => wanted === path }).map(({ rule }) => rule);

for (const { rule, broken: samples, kept } of SAMPLES) {
  test(`The rule ${rule} reports every sample that breaks it and none that keeps it`, () => {
    for (const [path, text] of samples)
      assert.ok(broken(path, text).includes(rule), `silent: ${path}: ${text}`);
    for (const [path, text] of kept)
      assert.ok(!broken(path, text).includes(rule), `reported: ${path}: ${text}`);
  });
}

test('The rule folder-door reports a folder of several files without index.ts or main.ts', () => {
  const found = (...paths: string[]): string[] =>
    tidy({ files: paths.map((path) => sourceFile(path, '')), exists: () => true })
      .filter(({ rule }) => rule === 'folder-door')
      .map(({ path }) => path);
  assert.deepEqual(found('cluster/lmdb/a.ts', 'cluster/lmdb/b.ts'), ['cluster/lmdb']);
  assert.deepEqual(found('cluster/lmdb/a.ts', 'cluster/lmdb/index.ts'), []);
  assert.deepEqual(found('cluster/lmdb/a.ts', 'cluster/lmdb/a.test.ts'), []);
  assert.deepEqual(found('cluster/lmdb/testing/a.ts', 'cluster/lmdb/testing/b.ts'), []);
});

test('Every rule has a sample that breaks it', () => {
  const shown = new Set([...SAMPLES.map(({ rule }) => rule), 'folder-door']);
  assert.deepEqual(
    RULES.map(({ name }) => name).filter((name) => !shown.has(name)),
    [],
  );
});

test('A violation names the line of the construct, not that of the blank line before it', () => {
  const [violation] = tidy({
    files: [sourceFile('runtime/a.ts', 'const a = 1;\n\nclass B {\n\n  private c = 1;\n}\n')],
    exists: () => true,
  });
  assert.equal(violation?.line, 5);
});

test('The scanner tells code from comments, strings, templates and regular expressions', () => {
  const text = [
    "const a = 'it\\'s /* no comment */';",
    'const b = /[/"]\'/.test(a); // a "comment"',
    `const c = \`text \${f({ d: \`inner \${1}\` })} more\`;`,
    'const e = x / y / z; /* last */ const done = 1;',
  ].join('\n');
  const { code, comments } = sourceFile('runtime/a.ts', text);
  assert.equal(code.length, text.length);
  assert.equal(comments.length, text.length);
  assert.deepEqual(
    comments.split(/\s{2,}/).filter((part) => part !== ''),
    ['// a "comment"', '/* last */'],
  );
  assert.match(code, /f\(\{ d: `\s+\{1\}` \}\)/);
  assert.match(code, /x \/ y \/ z;/);
  assert.match(code, /const done = 1;/);
  assert.doesNotMatch(code, /inner|more|it|comment|last/);
});

test('An apostrophe in the text of a page does not hide the code after it', () => {
  const { code } = sourceFile('tools/web/a.tsx', "const x = <p>don't</p>;\nconst y = 1;");
  assert.match(code, /const y = 1;/);
});
