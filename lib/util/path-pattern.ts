/**
 * Patterns for file paths, with rules close to .gitignore's:
 *
 * - With a slash at the start or inside, a pattern is the whole path from the root: `/var/cache/*`, `etc/motd`.
 * Otherwise it is the name of a file or directory at any depth: `*.pyc`.
 * - `*`, `?` and `[a-z]` (`[!a-z]`) do not match a slash; `**` as a whole part of the path matches any number of
 * directories.
 * - A match of a directory includes everything in it. A final slash changes nothing, a backslash escapes the next
 * character, and there is no negation.
 */
import { compileWildcards, DIRECTORIES } from './wildcard.ts';

/** A compiled pattern. */
export interface PathPattern {
  /** As written. */
  readonly text: string;
  /** @param path without a slash at its start and end */
  readonly matches: (path: string) => boolean;
}

/** Compiles a pattern; undefined: invalid. */
export function readPathPattern(text: string): PathPattern | undefined {
  const bare = text.replace(/\/+$/, '');
  const parts = bare.replace(/^\/+/, '').split('/');
  if (parts.some((part) => part === '' || part === '.' || part === '..') || bare.startsWith('!'))
    return undefined;
  const isWhole = bare.includes('/');
  const source = sourceOf(isWhole ? parts : ['**', ...parts]);
  if (source === undefined) return undefined;
  try {
    const matches = compileWildcards(source, 'su');
    return { text, matches: (path) => withParents(path).some(matches) };
  } catch {
    return undefined;
  }
}

/** `a/b/c`, `a/b`, `a`. */
function withParents(path: string): readonly string[] {
  const paths = [path];
  for (let end = path.lastIndexOf('/'); end > 0; end = path.lastIndexOf('/', end - 1))
    paths.push(path.slice(0, end));
  return paths;
}

function sourceOf(parts: readonly string[]): string | undefined {
  let source = '';
  for (const [at, part] of parts.entries()) {
    const isLast = at === parts.length - 1;
    if (part === '**') source += isLast ? '.*' : DIRECTORIES;
    else {
      const own = sourceOfPart(part);
      if (own === undefined) return undefined;
      source += isLast ? own : `${own}/`;
    }
  }
  return source;
}

const TOKEN = /\\(.)|\[([!^]?)(\]?[^\]]*)\]|(\*+)|(\?)|([^\\[*?])/suy;

function sourceOfPart(part: string): string | undefined {
  let source = '';
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < part.length) {
    const token = TOKEN.exec(part);
    if (token === null) return undefined;
    const [, escaped, negation, set, stars, any, plain] = token;
    if (set !== undefined) {
      const inside = set.replace(/[\\\]^[]/g, '\\$&');
      source += negation === '' ? `[${inside}]` : `[^/${inside}]`;
    } else if (stars !== undefined) source += '[^/]*';
    else if (any !== undefined) source += '[^/]';
    else source += (escaped ?? plain ?? '').replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
  }
  return source;
}
