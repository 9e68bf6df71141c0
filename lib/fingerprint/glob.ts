/** Wildcards in COPY and ADD sources: matches one path component like Go's `filepath.Match`. */
import { compileWildcards } from '../util/wildcard.ts';

/** True if a component contains a wildcard. */
export function hasWildcard(part: string): boolean {
  return /(?<!\\)(?:\\\\)*[*?[]/.test(part);
}

/** Compiles one component. A pattern that Go rejects matches everything, so that nothing is missed. */
export function compilePart(part: string): (name: string) => boolean {
  let source = '';
  const characters = Array.from(part);
  for (let at = 0; at < characters.length; at += 1) {
    const character = characters[at] ?? '';
    if (character === '*') source += '.*';
    else if (character === '?') source += '.';
    else if (character === '\\') {
      at += 1;
      source += quote(characters[at] ?? '\\');
    } else if (character === '[') {
      const end = classEnd(characters, at);
      if (end === undefined) return () => true;
      source += characters.slice(at, end + 1).join('');
      at = end;
    } else source += quote(character);
  }
  try {
    return compileWildcards(source, 'su');
  } catch {
    return () => true;
  }
}

/** A component without escapes; for components without wildcards. */
export function unescapePart(part: string): string {
  return part.replace(/\\(.)/gu, '$1');
}

function classEnd(characters: readonly string[], start: number): number | undefined {
  let at = start + (characters[start + 1] === '^' ? 2 : 1);
  for (const first = at; at < characters.length; at += 1) {
    if (characters[at] === '\\') at += 1;
    else if (characters[at] === ']' && at > first) return at;
  }
  return undefined;
}

function quote(character: string): string {
  return /[\\^$.*+?()[\]{}|/]/.test(character) ? `\\${character}` : character;
}
