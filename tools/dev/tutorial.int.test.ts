// The tutorial, as somebody follows it who has nothing but Node, npm and the packed package: in an empty folder, command by
// command.

import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { globSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import test, { after, before } from 'node:test';
import { goTool } from '../conformance/go-tool.ts';
import { GRPCURL } from '../interop/grpcurl.ts';
import { type Block, blocksOf, callsOf, isFile } from './tutorial.ts';

const PAGES = 'docs/extending';
/** Histories that are run here; the example in the tree runs all. */
const SEEDS = '25';

const blocks = globSync(`${PAGES}/*.md`)
  .sort()
  .flatMap((path) => blocksOf(readFileSync(path, 'utf8')));
const shared: { folder: string; tarball: string; node?: ChildProcess } = { folder: '', tarball: '' };

function role(name: string): Block[] {
  return blocks.filter((block) => block.language === 'sh' && block.name === name);
}

/** What an author's shell has: Node, npm and a cache, nothing of this repository. */
function environment(more: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv {
  const { PATH = '', HOME, XDG_CACHE_HOME } = process.env;
  const own = resolve('node_modules');
  const path = [dirname(process.execPath), ...PATH.split(delimiter).filter((part) => !part.startsWith(own))];
  return {
    PATH: path.join(delimiter),
    HOME,
    ...(XDG_CACHE_HOME === undefined ? {} : { XDG_CACHE_HOME }),
    ...Object.fromEntries(Object.entries(process.env).filter(([name]) => /^npm_config_/i.test(name))),
    npm_config_prefer_offline: 'true',
    npm_config_audit: 'false',
    npm_config_fund: 'false',
    ...more,
  };
}

/** Runs a script to its end; resolves with what it printed. */
async function shell(script: string, cwd: string, env = environment()): Promise<string> {
  const child = spawn('sh', ['-euc', script], { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
  let out = '';
  let err = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    err += text;
  });
  const [code] = (await once(child, 'close')) as [number | null];
  assert.equal(code, 0, `${script}\n${out}\n${err}`);
  return out;
}

/** Npx starts the node, so both are meant. */
function signal(child: ChildProcess | undefined, name: NodeJS.Signals): void {
  if (child?.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  process.kill(-child.pid, name);
}

before(async () => {
  shared.folder = await mkdtemp(join(tmpdir(), 'starling-tutorial-'));
  const out = join(shared.folder, 'out');
  await mkdir(out);
  const printed = await shell(`"${process.execPath}" tools/dev/package.ts --out "${out}"`, '.', process.env);
  shared.tarball = printed.trim();
});

after(async () => {
  signal(shared.node, 'SIGKILL');
  await rm(shared.folder, { recursive: true, force: true });
});

test('the packed package holds no tests, no sources and no page sources, and depends on what runs it alone', async () => {
  const tree = join(dirname(shared.tarball), 'package');
  const files = globSync('**/*', { cwd: tree, withFileTypes: true }).filter((file) => file.isFile());
  const odd = files.filter(({ name }) => /\.test\.|\.bench\.|(?<!\.d)\.tsx?$/.test(name));
  assert.deepEqual(
    odd.map(({ name }) => name),
    [],
  );
  const manifest = JSON.parse(await readFile(join(tree, 'package.json'), 'utf8'));
  const own = JSON.parse(await readFile('package.json', 'utf8'));
  assert.equal(manifest.version, own.version);
  assert.equal(manifest.license, own.license);
  for (const [name, version] of Object.entries(manifest.dependencies))
    assert.equal(version, own.dependencies[name], name);
});

test('the folder of the tutorial installs, generates, compiles, and its tests and simulation pass', async () => {
  const folder = join(shared.folder, 'acme');
  for (const { name, text } of blocks.filter(isFile)) {
    const path = join(folder, name);
    await mkdir(dirname(path), { recursive: true });
    const isManifest = name === 'package.json';
    await writeFile(path, isManifest ? text.replace('"0.1.0"', `"file:${shared.tarball}"`) : text);
  }
  const runs = role('run');
  assert.ok(runs.length >= 3);
  for (const { text } of runs) {
    const out = await shell(text, folder, environment({ SEEDS }));
    if (text.includes('node --test')) {
      assert.match(out, /pass [1-9]/);
      assert.match(out, /fail 0/);
    }
  }
});

test('the node of the tutorial serves the feature to grpcurl, with the answers that the tutorial shows', async () => {
  const folder = join(shared.folder, 'acme');
  const [serve] = role('serve');
  assert.ok(serve !== undefined);
  const flags = '--port 0 --grpc-port 0 --no-web -o json';
  const node = spawn('sh', ['-euc', `exec ${serve.text.trim()} ${flags}`], {
    cwd: folder,
    env: environment(),
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: true,
  });
  shared.node = node;
  const lines = createInterface({ input: node.stdout });
  const died = once(node, 'close').then(([code]) => assert.fail(`the node ended with ${code}`));
  const [line] = (await Promise.race([once(lines, 'line'), died])) as [string];
  const { grpc } = JSON.parse(line) as { grpc: string };
  const grpcurl = await goTool(GRPCURL);
  const env = environment();
  const PATH = `${dirname(grpcurl)}${delimiter}${env['PATH']}`;
  const calls = role('call').flatMap(callsOf);
  assert.ok(calls.length >= 4);
  for (const { command, answer } of calls) {
    const out = await shell(command.replaceAll('127.0.0.1:7701', grpc), folder, { ...env, PATH });
    assert.deepEqual(JSON.parse(out), answer, command);
  }
  const ended = once(node, 'close');
  died.catch(() => {});
  signal(node, 'SIGTERM');
  await ended;
});
