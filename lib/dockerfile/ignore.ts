/**
 * `.dockerignore`: which paths of a context are excluded. Follows github.com/moby/patternmatcher and the filter of
 * BuildKit's client (github.com/tonistiigi/fsutil, filter.go) including their corner cases, since the set of files must
 * be exactly the set that is sent.
 */
import { type Problem, problem, type Result, type SourceFile, spanOfLine } from '../model/mod.ts';
import { compileWildcards, DIRECTORIES } from '../util/wildcard.ts';

/** Compiled rules; create them with {@link parseIgnore} or {@link compileRules}. */
export interface IgnoreRules {
  readonly rules: readonly IgnoreRule[];
  /** True if a `!` rule may include a path again. */
  readonly hasExceptions: boolean;
  /** Prefixes under which an exception can match; undefined if one of them has wildcards. */
  readonly exceptionPrefixes: readonly string[] | undefined;
}

/** One line. */
export interface IgnoreRule {
  readonly pattern: string;
  readonly isException: boolean;
  readonly matches: (path: string) => boolean;
}

/** The result for a directory, needed for its entries: true for each rule that matched it or a directory above it. */
export type ParentMatches = readonly (boolean | undefined)[];

/** The result for a path. */
export interface Verdict {
  readonly ignored: boolean;
  readonly matches: ParentMatches;
}

/** The result for nearly every path: a shared record, because a walk checks a hundred thousand paths. */
export const UNMATCHED: Verdict = { ignored: false, matches: [] };

/** No rules: nothing is excluded. */
export const NO_RULES: IgnoreRules = { rules: [], hasExceptions: false, exceptionPrefixes: [] };

/** Parses an ignore file. Problem: `dockerfile/ignore-pattern` for a pattern that BuildKit rejects. */
export function parseIgnore(source: SourceFile): Result<IgnoreRules> {
  const patterns: string[] = [];
  const problems: Problem[] = [];
  const text = source.text.startsWith('\uFEFF') ? source.text.slice(1) : source.text;
  for (const [index, line] of text.split('\n').entries()) {
    if (line.startsWith('#')) continue;
    let pattern = line.trim();
    if (pattern === '') continue;
    const isException = pattern.startsWith('!');
    if (isException) pattern = pattern.slice(1).trim();
    if (pattern !== '') {
      pattern = cleanGoPath(pattern);
      if (pattern.length > 1 && pattern.startsWith('/')) pattern = pattern.slice(1);
    }
    const fault = isException && pattern === '' ? '"!" is not followed by a pattern' : patternFault(pattern);
    if (fault === undefined) patterns.push(isException ? `!${pattern}` : pattern);
    else {
      problems.push(
        problem('dockerfile/ignore-pattern', `${source.path}: ${fault}`, {
          span: spanOfLine(source, index + 1),
          hint: 'Correct the pattern; BuildKit would reject the whole file.',
        }),
      );
    }
  }
  return problems.length > 0 ? { ok: false, error: problems } : { ok: true, value: compileRules(patterns) };
}

/** Compiles patterns (`!` marks an exception) as in `--exclude` and in ignore files. */
export function compileRules(patterns: readonly string[]): IgnoreRules {
  const rules: IgnoreRule[] = [];
  for (const raw of patterns) {
    const trimmed = raw.trim();
    if (trimmed === '') continue;
    const cleaned = cleanGoPath(trimmed);
    const isException = cleaned.startsWith('!');
    const pattern = isException ? cleaned.slice(1) : cleaned;
    rules.push({ pattern, isException, matches: compilePattern(pattern, isException) });
  }
  const prefixes = rules.filter((rule) => rule.isException).map((rule) => withoutTrailingGlob(rule.pattern));
  return {
    rules,
    hasExceptions: prefixes.length > 0,
    exceptionPrefixes: prefixes.some((prefix) => /[*[\]?^\\]/.test(prefix)) ? undefined : prefixes,
  };
}

/**
 * Checks one path whose directory was checked before: `parent` is that directory's `matches` (empty for the root). Pass
 * the returned `matches` of a directory when checking its entries.
 */
export function judgePath(rules: IgnoreRules, path: string, parent: ParentMatches): Verdict {
  let ignored = false;
  let matches: boolean[] | undefined;
  for (const [index, rule] of rules.rules.entries()) {
    let isMatch = parent[index] === true;
    if (!isMatch) {
      // A rule that cannot change the result is skipped, and counts as not matching for everything below.
      if (rule.isException !== ignored) continue;
      isMatch = rule.matches(path);
    }
    if (!isMatch) continue;
    ignored = !rule.isException;
    matches ??= [];
    matches[index] = true;
  }
  return matches === undefined ? UNMATCHED : { ignored, matches };
}

/** True if an excluded directory may contain something that an exception includes again. */
export function mayHoldExceptions(rules: IgnoreRules, directory: string): boolean {
  if (rules.exceptionPrefixes === undefined) return true;
  return rules.exceptionPrefixes.some((prefix) => `${prefix}/`.startsWith(`${directory}/`));
}

/** True if a path (relative, with `/`) is excluded, taking every directory above it into account. */
export function isIgnored(rules: IgnoreRules, path: string): boolean {
  let parent: ParentMatches = [];
  const parts = path.split('/');
  for (let count = 1; count <= parts.length; count += 1) {
    const part = parts.slice(0, count).join('/');
    const { ignored, matches } = judgePath(rules, part, parent);
    if (count === parts.length) return ignored;
    if (ignored && !mayHoldExceptions(rules, part)) return true;
    parent = matches;
  }
  return false;
}

/** Go's `filepath.Clean`. */
function cleanGoPath(path: string): string {
  const rooted = path.startsWith('/');
  const parts: string[] = [];
  for (const part of path.split('/')) {
    if (part === '' || part === '.') continue;
    if (part === '..' && parts.length > 0 && parts.at(-1) !== '..') parts.pop();
    else if (part !== '..' || !rooted) parts.push(part);
  }
  const joined = parts.join('/');
  if (rooted) return `/${joined}`;
  return joined === '' ? '.' : joined;
}

/** Why Go's `filepath.Match` rejects a pattern; undefined if it is valid. */
function patternFault(pattern: string): string | undefined {
  const fault = (what: string): string => `the pattern ${pattern} ${what}`;
  for (let at = 0; at < pattern.length; at += 1) {
    if (pattern[at] === '\\') {
      at += 1;
      if (at >= pattern.length) return fault('ends with a backslash');
    } else if (pattern[at] === '[') {
      at += pattern[at + 1] === '^' ? 2 : 1;
      for (let count = 0; ; count += 1) {
        if (at >= pattern.length) return fault('has a [ without ]');
        if (pattern[at] === ']' && count > 0) break;
        if (pattern[at] === ']' || pattern[at] === '-') return fault('has a bad character range');
        if (pattern[at] === '\\') at += 1;
        at += 1;
        if (pattern[at] !== '-') continue;
        at += 1;
        if (pattern[at] === ']' || pattern[at] === '-') return fault('has a bad character range');
        if (pattern[at] === '\\') at += 1;
        at += 1;
      }
    }
  }
  return undefined;
}

function withoutTrailingGlob(pattern: string): string {
  return pattern.replace(/\/\*\*$/, '').replace(/\/\*$/, '');
}

/**
 * Patterns are compared as text if possible. The kind of comparison is chosen while the pattern is read; some patterns
 * with `**` at an end are compared as prefix or suffix even if they contain special characters.
 */
function compilePattern(pattern: string, isException: boolean): (path: string) => boolean {
  let form: 'exact' | 'prefix' | 'suffix' | 'regexp' = 'exact';
  let source = '';
  const characters = Array.from(pattern);
  let tokens = 0;
  for (let at = 0; at < characters.length; at += 1, tokens += 1) {
    const character = characters[at] ?? '';
    if (character === '*' && characters[at + 1] === '*') {
      at += 1;
      if (characters[at + 1] === '/') at += 1;
      if (at + 1 >= characters.length) {
        if (form === 'exact') form = 'prefix';
        else {
          source += '.*';
          form = 'regexp';
        }
      } else {
        source += DIRECTORIES;
        form = 'regexp';
      }
      if (tokens === 0) form = 'suffix';
    } else if (character === '*') {
      source += '[^/]*';
      form = 'regexp';
    } else if (character === '?') {
      source += '[^/]';
      form = 'regexp';
    } else if ('.+()|{}$'.includes(character)) source += `\\${character}`;
    else if (character === '\\') {
      const next = characters[at + 1];
      if (next === undefined) source += '\\\\';
      else {
        at += 1;
        source += `\\${next}`;
        form = 'regexp';
      }
    } else {
      if (character === '[' || character === ']') form = 'regexp';
      source += character === '/' ? '\\/' : character;
    }
  }
  if (form === 'exact') return (path) => path === pattern;
  if (form === 'prefix') {
    const prefix = pattern.slice(0, -2);
    return (path) => path.startsWith(prefix);
  }
  if (form === 'suffix') {
    const suffix = pattern.slice(2);
    return (path) => path.endsWith(suffix) || (suffix.startsWith('/') && path === suffix.slice(1));
  }
  for (const flags of ['u', '']) {
    try {
      return compileWildcards(source, flags);
    } catch {
      // With the flag `u`, escaping an ordinary letter is an error; without it, it is the letter itself.
    }
  }
  // A pattern that cannot be compiled must not hide a file: it excludes nothing, and as an exception it includes
  // everything.
  return () => isException;
}
