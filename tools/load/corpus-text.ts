// What people say. Owns: words in two languages, emoji, long bodies, and text that careless code would harm.

import type { Seeded } from './seeded.ts';

const CHINESE =
  '今天下午三点开会请大家准时参加我们讨论一下新版本的计划好的收到没问题谢谢你辛苦了明天见吃饭了吗这个需求先放一放'.split(
    '',
  );
const ENGLISH =
  'the a we should ship it today tomorrow please review this thanks looks good to me can you check meeting at three lunch later done naïve café résumé'.split(
    ' ',
  );
const EMOJI = ['😀', '🎉', '👍🏽', '👩‍👩‍👧‍👦', '🇨🇳', '❤️', '🏳️‍🌈', '🀄', '𠮷'];
const AWKWARD = [
  '"quotes" and \\backslashes\\',
  'line one\nline two\r\nline three',
  'tab\tand\u2028separators\u2029',
  'عربي and עברית mixed',
  'e\u0301 is not é',
  '<script>alert(1)</script> & more',
  '{"type":"message"}',
  '\u200b',
  ' leading and trailing ',
  'ﷺ ﷽ Ω≈ç√∫',
];
const SURNAMES = ['王', '李', '张', '刘', '陈', '杨', '赵', '黄', '周', '吴'];
const GIVEN = ['伟', '芳', '娜', '敏', '静', '丽', '强', '磊', '军', '洋'];
const FIRST = ['Alice', 'Bob', 'Chloë', 'Dmitri', 'Eve', 'Farah', 'Gus', 'Hana', 'Ivo', 'José'];

/** Name of the nth person. */
export function displayName(n: number): string {
  const at = Math.floor(n / 2);
  return n % 2 === 0
    ? `${SURNAMES[at % 10]}${GIVEN[Math.floor(at / 10) % 10]}`
    : `${FIRST[at % 10]} ${String.fromCharCode(65 + (Math.floor(at / 10) % 26))}.`;
}

/** Bytes of the longest body. */
export const LONG_BYTES = 60_000;

/** The nth thing said: mostly short; one in 2,000 is of LONG_BYTES, one in 50 of some kilobytes. At least one byte. */
export function corpusText(n: number, random: Seeded): string {
  if (n % 2_000 === 999) return exactly(LONG_BYTES, random);
  if (n % 50 === 25) return exactly(500 + random.below(6_000), random);
  if (random.below(60) === 0) return random.pick(AWKWARD);
  return sentence(1 + random.below(24), random);
}

function sentence(words: number, random: Seeded): string {
  const isChinese = random.below(2) === 0;
  const drawn = Array.from({ length: words }, () => random.pick(isChinese ? CHINESE : ENGLISH));
  const emoji = random.below(5) === 0 ? ` ${random.pick(EMOJI)}` : '';
  return `${drawn.join(isChinese ? '' : ' ')}${emoji}`;
}

// Text of exactly so many bytes of UTF-8; the end is padded, never cut within a character.
function exactly(bytes: number, random: Seeded): string {
  const parts: string[] = [];
  let size = 0;
  for (;;) {
    const part = `${sentence(20, random)}\n`;
    const more = Buffer.byteLength(part);
    if (size + more > bytes) return `${parts.join('')}${'.'.repeat(bytes - size)}`;
    parts.push(part);
    size += more;
  }
}
