// The server program as a library. Owns: configuration, composition of a node, its health and orderly end, sign-in of demo
// users. Does not own: storage, actors, wires, or the command line (tools/cli).
//
// Invariants: C1, C2 (config.ts), D1 (demo.ts), K1 (key-file.ts), N1 (node.ts), N2, N3 (stop.ts).

export {
  ConfigError,
  type ConfigSources,
  defaultConfig,
  type Origin,
  type ResolvedConfig,
  resolveConfig,
} from './config.ts';
export { DEMO_USERS } from './demo.ts';
export { StartError } from './errors.ts';
export { announce, isAlive, type NodeAddress, readAnnouncement, writeAtomic } from './files.ts';
export { createLogger, type LogEntry, type Logger, type LogLevel } from './log.ts';
export { type RunningNode, type StartOptions, type StartStep, startNode } from './node.ts';
export { DEV_DEFAULTS, type NodeConfig, SETTINGS, type SettingKey } from './settings.ts';
export type { NodeEnd } from './stop.ts';
export { VERSION } from './version.ts';
