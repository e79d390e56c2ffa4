// Writes the operator's page of settings from the table. Run: `node tools/node/config-page.ts > docs/operating/configuration.md`

import { SETTINGS, type Setting, type SettingKey, settingKeys, variableOf } from './settings.ts';

const HEAD = `# Configuration

<!-- Written by tools/node/config-page.ts from tools/node/settings.ts; a test compares them. -->

Values come from, each overriding the ones before: the defaults below, a file (\`--config FILE\` or \`STARLING_CONFIG\`),
environment variables, flags. A key that is not known is refused, with the nearest known one; all problems are reported
at once and the exit code is 2. Every key can be given as \`--set KEY=VALUE\`.

The file is one JSON object; dots in a key are levels of it:

\`\`\`json
{ "http": { "host": "0.0.0.0", "port": 7700 }, "log": { "level": "info" } }
\`\`\`

\`starling dev\` changes these defaults: \`demo.enabled\` is true and \`log.level\` is \`warn\`.

| key | variable | flag | value | default | meaning |
|---|---|---|---|---|---|
`;

/** The whole page. */
export function configurationPage(): string {
  return HEAD + settingKeys().map(row).join('');
}

function row(key: SettingKey): string {
  const setting: Setting = SETTINGS[key];
  const flag = setting.flag === undefined ? '' : `\`${setting.flag}\``;
  const shown = setting.default === '' ? 'empty' : `\`${setting.default}\``;
  return `| \`${key}\` | \`${variableOf(key)}\` | ${flag} | ${domain(setting)} | ${shown} | ${setting.help} |\n`;
}

function domain(setting: Setting): string {
  switch (setting.kind) {
    case 'text':
      return 'text';
    case 'switch':
      return '`true`, `false`';
    case 'choice':
      return setting.choices.map((name) => `\`${name}\``).join(', ');
    case 'integer':
      return `${setting.min} to ${setting.max}`;
  }
}

if (import.meta.main) process.stdout.write(configurationPage());
