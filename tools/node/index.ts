// The server program as a library. Owns: configuration, composition of a node, its health and orderly end, sign-in of demo
// users. Does not own: storage, actors, wires, or the command line (tools/cli). What is light enough for every command of
// the command line is in internal.ts.
//
// Invariants: C1, C2 (config.ts), D1 (demo.ts), K1 (key-file.ts), N1 (node.ts), N2, N3 (stop.ts).

export type { Authored } from './authors.ts';
export { resolveConfig } from './config.ts';
export { StartError } from './errors.ts';
export { createLogger, type Logger } from './log.ts';
export { type RunningNode, type StartOptions, type StartStep, startNode } from './node.ts';
export { DEV_DEFAULTS, type NodeConfig } from './settings.ts';
export { type RunningHost, runWorker, startHost } from './supervisor/index.ts';
