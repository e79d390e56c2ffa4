// Where settings come from. Owns: precedence (defaults < file < environment < flags), parsing, refusal of what is not
// known. Does not own: the table (settings.ts). Invariants:
// C1  Every problem is found and named in one go, with its source; nothing is guessed or ignored.
// C2  A key that is not in the table is refused, with the nearest one that is.

import { suggestion } from './nearest.ts';
import {
  type NodeConfig,
  SETTINGS,
  type Setting,
  type SettingKey,
  settingKeys,
  variableOf,
} from './settings.ts';

/** Where a value came from. */
export type Origin = 'default' | 'file' | 'environment' | 'flag';

export interface ConfigSources {
  /** Values that replace the table's defaults, e.g. those of `starling dev`. */
  readonly defaults?: Partial<NodeConfig>;
  /** The parsed configuration file, and its name for messages. */
  readonly file?: { readonly name: string; readonly value: unknown };
  /** The process environment; only `STARLING_*` is looked at. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** Flags by dotted key. */
  readonly flags?: Readonly<Record<string, string>>;
}

export interface ResolvedConfig {
  readonly config: NodeConfig;
  readonly origins: Readonly<Record<SettingKey, Origin>>;
}

/** What is wrong with a configuration; each problem is one sentence. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(problems.join('\n'));
    this.problems = problems;
  }
}

/** Variables that the CLI reads itself, which are therefore no unknown settings. */
export const CLI_VARIABLES = ['STARLING_ADDRESS', 'STARLING_TOKEN', 'STARLING_CONTEXT', 'STARLING_CONFIG'];

// Kubernetes puts these into every container of a namespace that has a service named `starling…`.
const INJECTED = /^STARLING(_[A-Z0-9_]+)?_(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT(_\d+_(TCP|UDP)(_\w+)?)?)$/;

type Value = string | number | boolean;

/**
 * Resolves the configuration.
 * @throws ConfigError with all that is wrong
 */
export function resolveConfig(sources: ConfigSources): ResolvedConfig {
  const problems: string[] = [];
  const values = new Map<SettingKey, Value>();
  const origins = new Map<SettingKey, Origin>();
  for (const key of settingKeys()) {
    values.set(key, sources.defaults?.[key] ?? SETTINGS[key].default);
    origins.set(key, 'default');
  }
  const take = (origin: Origin, name: string, key: SettingKey, raw: unknown): void => {
    const parsed = parseValue(SETTINGS[key], raw, origin === 'file');
    if ('problem' in parsed) {
      problems.push(`${name} ${parsed.problem}`);
      return;
    }
    values.set(key, parsed.value);
    origins.set(key, origin);
  };
  if (sources.file !== undefined) {
    const { name, value } = sources.file;
    for (const [path, raw] of flatten(name, value, problems)) {
      const key = knownKey(path);
      if (key === undefined)
        problems.push(`${name}: unknown key "${path}"${suggestion(path, settingKeys())}`);
      else take('file', `${name}: "${path}"`, key, raw);
    }
  }
  fromEnvironment(sources.environment ?? {}, problems, take);
  for (const [path, raw] of Object.entries(sources.flags ?? {})) {
    const key = knownKey(path);
    if (key === undefined) problems.push(`--set: unknown key "${path}"${suggestion(path, settingKeys())}`);
    else take('flag', SETTINGS[key].kind === 'switch' ? path : flagName(key), key, raw);
  }
  const config = Object.fromEntries(values) as unknown as NodeConfig;
  problems.push(...contradictions(config));
  if (problems.length > 0) throw new ConfigError(problems);
  return { config, origins: Object.fromEntries(origins) as Record<SettingKey, Origin> };
}

/** All values at their defaults but those given. */
export function defaultConfig(overrides: Partial<NodeConfig> = {}): NodeConfig {
  return resolveConfig({ defaults: overrides }).config;
}

function flagName(key: SettingKey): string {
  return (SETTINGS[key] as Setting).flag ?? key;
}

function knownKey(path: string): SettingKey | undefined {
  return Object.hasOwn(SETTINGS, path) ? (path as SettingKey) : undefined;
}

function fromEnvironment(
  environment: Readonly<Record<string, string | undefined>>,
  problems: string[],
  take: (origin: Origin, name: string, key: SettingKey, raw: unknown) => void,
): void {
  const byVariable = new Map(settingKeys().map((key) => [variableOf(key), key]));
  for (const [variable, raw] of Object.entries(environment)) {
    if (!variable.startsWith('STARLING_') || raw === undefined || CLI_VARIABLES.includes(variable)) continue;
    const key = byVariable.get(variable);
    if (key !== undefined) take('environment', variable, key, raw);
    else if (!INJECTED.test(variable)) {
      problems.push(`environment: unknown variable ${variable}${suggestion(variable, byVariable.keys())}`);
    }
  }
}

/** The leaves of a configuration file by dotted key. */
function flatten(name: string, value: unknown, problems: string[]): [string, unknown][] {
  if (!isObject(value)) {
    problems.push(`${name}: must be one JSON object`);
    return [];
  }
  const leaves: [string, unknown][] = [];
  const walk = (prefix: string, object: Record<string, unknown>): void => {
    for (const [part, child] of Object.entries(object)) {
      const path = prefix === '' ? part : `${prefix}.${part}`;
      if (isObject(child)) walk(path, child);
      else leaves.push([path, child]);
    }
  };
  walk('', value);
  return leaves;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A file carries JSON types; environment and flags carry text. */
function parseValue(setting: Setting, raw: unknown, typed: boolean): { value: Value } | { problem: string } {
  const shown = JSON.stringify(raw);
  switch (setting.kind) {
    case 'text':
      return typeof raw === 'string' ? { value: raw } : { problem: `must be text, not ${shown}` };
    case 'choice':
      return typeof raw === 'string' && setting.choices.includes(raw)
        ? { value: raw }
        : { problem: `must be one of ${setting.choices.join(', ')}, not ${shown}` };
    case 'switch': {
      if (typed ? raw === true : raw === 'true') return { value: true };
      if (typed ? raw === false : raw === 'false') return { value: false };
      return { problem: `must be true or false, not ${shown}` };
    }
    case 'integer': {
      const number = typed ? raw : typeof raw === 'string' && /^-?\d{1,16}$/.test(raw) ? Number(raw) : raw;
      const ok = typeof number === 'number' && Number.isSafeInteger(number);
      return ok && number >= setting.min && number <= setting.max
        ? { value: number }
        : { problem: `must be an integer from ${setting.min} to ${setting.max}, not ${shown}` };
    }
  }
}

function contradictions(config: NodeConfig): string[] {
  const problems: string[] = [];
  if ((config['tls.cert_file'] === '') !== (config['tls.key_file'] === '')) {
    problems.push('tls.cert_file and tls.key_file: both or neither must be set');
  }
  problems.push(...clusterContradictions(config));
  if (config.data === '') problems.push('data: must not be empty');
  if (config['limits.timeline_rows_max'] < config['limits.sync_gap_max']) {
    problems.push('limits.timeline_rows_max: must be at least limits.sync_gap_max');
  }
  const sameHost = config['grpc.host'] === '' || config['grpc.host'] === config['http.host'];
  if (config['http.port'] !== 0 && config['http.port'] === config['grpc.port'] && sameHost) {
    problems.push(`http.port and grpc.port: must differ, both are ${config['http.port']}`);
  }
  return problems;
}

function clusterContradictions(config: NodeConfig): string[] {
  const problems: string[] = [];
  if ((config['nats.servers'] === '') !== (config['cassandra.contact_points'] === '')) {
    problems.push('nats.servers and cassandra.contact_points: a member of a cluster needs both');
  }
  for (const [key, rule] of NAME_RULES) {
    if (!rule.test(config[key])) problems.push(`${key}: must match ${rule.source}, not "${config[key]}"`);
  }
  for (const part of ['nats', 'cassandra'] as const) {
    if ((config[`${part}.cert_file`] === '') !== (config[`${part}.key_file`] === ''))
      problems.push(`${part}.cert_file and ${part}.key_file: both or neither must be set`);
    if ((config[`${part}.user`] === '') !== (config[`${part}.password`] === ''))
      problems.push(`${part}.user and ${part}.password: both or neither must be set`);
  }
  const ways = ['nats.user', 'nats.token', 'nats.creds_file', 'nats.nkey_file'] as const;
  const chosen = ways.filter((key) => config[key] !== '');
  if (chosen.length > 1) problems.push(`${chosen.join(' and ')}: only one of them may be set`);
  if (![1, 3, 5].includes(config['nats.replicas'])) problems.push('nats.replicas: must be 1, 3 or 5');
  return problems;
}

const NAME_RULES = [
  ['cluster.name', /^[a-z0-9-]{1,32}$/],
  ['node.name', /^[A-Za-z0-9-]{1,63}$/],
  ['node.role', /^[a-z][a-z0-9-]{0,31}$/],
  ['cassandra.keyspace', /^[a-z][a-z0-9_]{0,47}$/],
] as const;
