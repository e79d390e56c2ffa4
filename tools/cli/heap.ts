// The heap of a node. V8's young generation is small by default, so that under load half-dead objects are copied again
// and again. With 64 MiB halves a node delivers a third more for a second of processor time (fan-out to 1,000 streams,
// 20 messages a second: 28,500 and 38,100 deliveries), for at most 192 MiB of memory. The size is fixed when a process
// begins, so the process puts itself in its own place: same id, same files, some 60 ms later.

import process from 'node:process';

const FLAG = '--max-semi-space-size';
const MEBIBYTES = 64;

/** The argument of Node.js that gives a process this room, for those who start one. */
export const ROOM_FOR_THE_YOUNG = `${FLAG}=${MEBIBYTES}`;

/** Starts the process anew with room for the young generation, unless it has been given a size or can't do so. */
export function makeRoomForTheYoung(): void {
  const given = [...process.execArgv, ...(process.env['NODE_OPTIONS'] ?? '').split(' ')];
  if (given.some((argument) => argument.startsWith(FLAG))) return;
  const program = [process.execPath, ROOM_FOR_THE_YOUNG, ...process.execArgv, ...process.argv.slice(1)];
  process.execve?.(process.execPath, program, process.env);
}
