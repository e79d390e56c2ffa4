import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { blocksOf, callsOf, isFile } from './tutorial.ts';

const PAGES = 'docs/extending';
const EXAMPLE = 'tools/examples/red-packet';
/** Files that an author's folder has and the example, which lies in this repository, has not. */
const OF_THE_FOLDER = ['package.json', 'tsconfig.json', 'buf.gen.yaml', 'serve.ts'];

const page = readFileSync(join(PAGES, 'README.md'), 'utf8');
const files = blocksOf(page).filter(isFile);

test('every file that the tutorial shows is that of the example, to the letter', () => {
  for (const { name, text } of files) {
    if (OF_THE_FOLDER.includes(name)) continue;
    assert.equal(text, readFileSync(join(EXAMPLE, name), 'utf8'), `${name} in ${PAGES}/README.md`);
  }
});

test('the tutorial shows every file of the example', () => {
  const shown = files.map(({ name }) => name);
  const all = globSync('**/*.{ts,proto}', { cwd: EXAMPLE, exclude: ['gen/**'] });
  assert.deepEqual(
    all.filter((name) => !shown.includes(name)),
    [],
  );
});

test('the versions that the tutorial names are those that are tested here', () => {
  interface Manifest {
    readonly version: string;
    readonly dependencies: Readonly<Record<string, string>>;
    readonly devDependencies: Readonly<Record<string, string>>;
  }
  const own = JSON.parse(readFileSync('package.json', 'utf8')) as Manifest;
  const shown = files.find(({ name }) => name === 'package.json')?.text ?? '{}';
  const { dependencies, devDependencies } = JSON.parse(shown) as Manifest;
  const tested: Readonly<Record<string, string>> = {
    ...own.dependencies,
    ...own.devDependencies,
    starling: own.version,
  };
  for (const [name, version] of Object.entries({ ...dependencies, ...devDependencies }))
    assert.equal(version, tested[name], name);
});

test('every block of TypeScript on the pages for authors is a file, so that the compiler sees it', () => {
  for (const path of globSync(`${PAGES}/*.md`)) {
    for (const block of blocksOf(readFileSync(path, 'utf8')))
      assert.ok(isFile(block) || block.language !== 'ts', `${path}: ${block.text.slice(0, 60)}`);
  }
  assert.ok(existsSync(join(PAGES, 'reference.md')));
});

test('a page is read into blocks, and calls into commands with their answers', () => {
  const text = '```ts a.ts\nx();\n```\nwords\n```sh call\ncurl a\n# {"b": 1}\ncurl c\n# {}\n```\n';
  const [file, call] = blocksOf(text);
  assert.deepEqual(file, { language: 'ts', name: 'a.ts', text: 'x();\n' });
  assert.ok(call !== undefined && !isFile(call));
  assert.deepEqual(callsOf(call), [
    { command: 'curl a', answer: { b: 1 } },
    { command: 'curl c', answer: {} },
  ]);
});
