/** Name patterns of Go's path.Match: `*`, `?`, `[a-z]`, `[^a]`, `\` before a literal character. */
import { compileWildcards } from '../util/wildcard.ts';

/** Whether bake treats the name of a target as a pattern. */
export function isPattern(name: string): boolean {
  return /[*?[\]]/.test(name);
}

/** Compiles a pattern; undefined if it is malformed (https://pkg.go.dev/path#Match). */
export function compilePattern(pattern: string): ((name: string) => boolean) | undefined {
  let source = '';
  let at = 0;
  while (at < pattern.length) {
    const char = pattern[at] as string;
    if (char === '*') {
      while (pattern[at] === '*') at += 1;
      source += '[^/]*';
    } else if (char === '?') {
      source += '[^/]';
      at += 1;
    } else if (char === '[') {
      const set = readSet(pattern, at);
      if (set === undefined) return undefined;
      source += set.source;
      at = set.end;
    } else {
      if (char === '\\') at += 1;
      const code = pattern.codePointAt(at);
      if (code === undefined) return undefined;
      source += code === HYPHEN ? '-' : inSet(code);
      at += code > 0xffff ? 2 : 1;
    }
  }
  return compileWildcards(source, 'su');
}

const HYPHEN = 0x2d;
/** A character that no name contains. */
const LAST = 0x10ffff;

interface CharacterSet {
  readonly source: string;
  readonly end: number;
}

function readSet(pattern: string, start: number): CharacterSet | undefined {
  let at = start + 1;
  const isNegated = pattern[at] === '^';
  if (isNegated) at += 1;
  let ranges = '';
  while (true) {
    if (pattern[at] === ']' && ranges !== '') break;
    const low = readMember(pattern, at);
    if (low === undefined) return undefined;
    at = low.end;
    let high = low;
    if (pattern[at] === '-') {
      const end = readMember(pattern, at + 1);
      if (end === undefined) return undefined;
      high = end;
      at = end.end;
    }
    // A reversed range matches nothing; in a regular expression it would be an error.
    ranges += low.code <= high.code ? `${inSet(low.code)}-${inSet(high.code)}` : '';
    if (ranges === '') ranges = String.fromCodePoint(LAST);
  }
  return { source: isNegated ? `[^${ranges}]` : `[${ranges}]`, end: at + 1 };
}

function readMember(
  pattern: string,
  start: number,
): { readonly code: number; readonly end: number } | undefined {
  const char = pattern[start];
  if (char === undefined || char === '-' || char === ']') return undefined;
  const at = char === '\\' ? start + 1 : start;
  const code = pattern.codePointAt(at);
  return code === undefined ? undefined : { code, end: at + (code > 0xffff ? 2 : 1) };
}

/** A character as written in a set of a regular expression. */
function inSet(code: number): string {
  const character = String.fromCodePoint(code);
  return /[\^$\\.*+?()[\]{}|/-]/.test(character) ? `\\${character}` : character;
}
