#!/usr/bin/env node
// The binary `starling`. Owns: the process: arguments, exit code, a closed pipe.

import { enableCompileCache } from 'node:module';
import { relative } from 'node:path';
import process from 'node:process';
import { makeRoomForTheYoung } from './heap.ts';

const [, , command = '', next = '-'] = process.argv;
/** `node show` and the like only ask one. */
const runsNode = command === 'dev' || (command === 'node' && next.startsWith('-'));
if (runsNode) makeRoomForTheYoung();

// Before anything large is loaded: a start from compiled code takes a good third less.
enableCompileCache();

const { processIo } = await import('./io.ts');
const { run } = await import('./program.ts');

// `starling export | head` closes the pipe; that is the reader's wish and no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});

const path = process.argv[1] ?? '';
const self = path.endsWith('.ts') ? `node ${relative(process.cwd(), path)}` : 'starling';
process.exitCode = await run(process.argv.slice(2), processIo(self));
// A node that has ended must not stay because a library still waits for a server that is away.
if (runsNode) process.exit();
