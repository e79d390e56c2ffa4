// `make interop`: clients that others wrote use a real node: grpcurl over native gRPC, and the official gRPC-web client.

import { mkdir, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { goTool } from '../conformance/go-tool.ts';
import { tryGrpcWeb } from './grpc-web.ts';
import { GRPCURL, tryGrpcurl } from './grpcurl.ts';
import { startDevNode } from './node.ts';
import { Steps } from './steps.ts';

const program = await goTool(GRPCURL);
const steps = new Steps();
const node = await startDevNode();
try {
  // One that fails does not keep the other from being tried; `steps` has both outcomes.
  await tryGrpcurl(program, node, steps).catch(() => undefined);
  await tryGrpcWeb(node, steps).catch(() => undefined);
} finally {
  await node.stop();
}
const out = fileURLToPath(new URL('../../out/', import.meta.url));
await mkdir(out, { recursive: true });
const results = [
  { name: 'interop.passed', value: steps.passed, unit: 'steps' },
  { name: 'interop.failed', value: steps.failed, unit: 'steps' },
];
await writeFile(`${out}interop.json`, `${JSON.stringify(results, undefined, 2)}\n`);
console.log(`${steps.passed} passed, ${steps.failed} failed`);
process.exitCode = steps.failed === 0 && steps.passed > 0 ? 0 : 1;
