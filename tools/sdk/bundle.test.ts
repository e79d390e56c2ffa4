import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';

const BYTES_MAX = 50 * 1024;

async function gzipped(entry: string): Promise<{ bytes: number; inputs: string[] }> {
  const result = await build({
    entryPoints: [fileURLToPath(new URL(entry, import.meta.url))],
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'browser',
    write: false,
    metafile: true,
    logLevel: 'silent',
  });
  const [file] = result.outputFiles;
  assert.ok(file !== undefined);
  return { bytes: gzipSync(file.contents, { level: 9 }).length, inputs: Object.keys(result.metafile.inputs) };
}

test('The SDK for browsers is at most 50 KB minified and gzipped, and does not carry the IndexedDB store.', async (t) => {
  const { bytes, inputs } = await gzipped('./index.ts');
  t.diagnostic(`bundle of tools/sdk/index.ts: ${bytes} bytes gzipped`);
  assert.ok(bytes <= BYTES_MAX, `${bytes} bytes`);
  assert.ok(!inputs.some((input) => input.endsWith('indexeddb.ts')));
  assert.ok(!inputs.some((input) => input.startsWith('runtime/')));
});
