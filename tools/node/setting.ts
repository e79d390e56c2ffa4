// What a setting is. Owns: the kinds of settings and how one is written down. Does not own: the tables (settings.ts,
// cluster-settings.ts), parsing (config.ts).

interface Common {
  /** One or two sentences for the operator's page. */
  readonly help: string;
  /** The flag of `starling dev` that sets it, where it has one of its own. */
  readonly flag?: string;
}

export interface TextSetting extends Common {
  readonly kind: 'text';
  readonly default: string;
}

export interface IntegerSetting extends Common {
  readonly kind: 'integer';
  readonly default: number;
  readonly min: number;
  readonly max: number;
}

export interface SwitchSetting extends Common {
  readonly kind: 'switch';
  readonly default: boolean;
}

export interface ChoiceSetting<C extends string = string> extends Common {
  readonly kind: 'choice';
  readonly default: C;
  readonly choices: readonly C[];
}

export type Setting = TextSetting | IntegerSetting | SwitchSetting | ChoiceSetting;

export const text = (value: string, help: string, flag?: string): TextSetting => ({
  kind: 'text',
  default: value,
  help,
  ...(flag === undefined ? {} : { flag }),
});

export const integer = (
  value: number,
  bounds: readonly [min: number, max: number],
  help: string,
  flag?: string,
): IntegerSetting => ({
  kind: 'integer',
  default: value,
  min: bounds[0],
  max: bounds[1],
  help,
  ...(flag === undefined ? {} : { flag }),
});

export const onOff = (value: boolean, help: string, flag?: string): SwitchSetting => ({
  kind: 'switch',
  default: value,
  help,
  ...(flag === undefined ? {} : { flag }),
});

export const choice = <const C extends string>(
  value: NoInfer<C>,
  choices: readonly C[],
  help: string,
): ChoiceSetting<C> => ({ kind: 'choice', default: value, choices, help });
