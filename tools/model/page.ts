// Keeps the generated parts of docs/model.md: two tables, and the trace of each mutant.

import { traceText } from './pan-report.ts';
import { markdownTable } from './report.ts';
import type { CaseResult } from './run-cases.ts';

/** A part of the page between its marks; `name` is `table:protocol`, `table:mutant` or `trace:<case>`. */
function part(name: string): RegExp {
  return new RegExp(`(<!-- ${name} -->\n)[\\s\\S]*?(<!-- end -->)`);
}

/** The page with its generated parts made anew from results; parts without a result stay as they are. */
export function refreshPage(page: string, results: readonly CaseResult[]): string {
  const tables = (['protocol', 'mutant'] as const).flatMap((kind) => {
    const rows = results.filter(({ one }) => one.kind === kind);
    return rows.length === 0 ? [] : [[`table:${kind}`, markdownTable(rows)] as const];
  });
  const traces = results.flatMap(({ one, outcome }) =>
    outcome === undefined || outcome.steps.length === 0
      ? []
      : [[`trace:${one.name}`, `\`\`\`text\n${traceText(outcome.steps)}\`\`\`\n`] as const],
  );
  return [...tables, ...traces].reduce(
    (text, [name, body]) => text.replace(part(name), (_, open: string, close: string) => open + body + close),
    page,
  );
}
