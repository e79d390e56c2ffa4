// Links of the documentation that lead to files of the repository.

import { posix } from 'node:path';
import { lineAt, type SourceFile, type Violation } from './source.ts';

const LINK = /\]\(\s*<?([^)\s>]+)>?(?:\s+"[^"]*")?\s*\)|\b(?:src|href)="([^"]+)"/g;
const FENCED = /^```[\s\S]*?^```/gm;

/** Relative links of Markdown files that lead nowhere. `exists` answers for a path from the root. */
export function deadLinks(file: SourceFile, exists: (path: string) => boolean): Violation[] {
  if (!file.path.endsWith('.md')) return [];
  const prose = file.text.replace(FENCED, (block) => block.replace(/[^\n]/g, ' '));
  return [...prose.matchAll(LINK)].flatMap((match) => {
    const link = match[1] ?? match[2] ?? '';
    if (/^(?:[a-z][a-z0-9+.-]*:|#|\/\/)/i.test(link)) return [];
    const target = posix.normalize(posix.join(posix.dirname(file.path), withoutFragment(link)));
    if (exists(target.replace(/\/$/, ''))) return [];
    return [{ path: file.path, line: lineAt(prose, match.index), message: `${link} leads nowhere` }];
  });
}

function withoutFragment(link: string): string {
  return decodeURIComponent(link.replace(/[#?].*$/, ''));
}
