// Stands for the program of a node in the tests of local-node.ts: writes its ready file, answers, ends when it is told to.

import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  args: process.argv.slice(3),
  options: {
    data: { type: 'string' },
    'ready-file': { type: 'string', default: '' },
    set: { type: 'string', multiple: true, default: [] },
  },
});
const settings = new Map(values.set.map((each) => each.split('=') as [string, string]));
if (settings.get('mood') === 'broken') {
  console.error('this node can not start');
  process.exit(3);
}
const server = createServer((request, response) => {
  const code = /^\/exit\/(\d+)$/.exec(request.url ?? '')?.[1];
  response.end(process.env['MOOD'] ?? 'well', () => {
    if (code !== undefined) process.exit(Number(code));
  });
});
server.listen(Number(settings.get('http.port')), '127.0.0.1', () => {
  writeFileSync(values['ready-file'], `${JSON.stringify({ pid: process.pid })}\n`);
});
process.on('SIGTERM', () => process.exit(0));
