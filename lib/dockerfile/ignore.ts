/**
 * `.dockerignore`: which paths of a context are left out. The rules of github.com/moby/patternmatcher and of the
 * filter that BuildKit's client walks with (github.com/tonistiigi/fsutil, filter.go), odd corners included: what counts
 * is the set of files that really travels.
 */
import { type Problem, problem, type Result, type SourceFile, spanOfLine } from '../model/mod.ts';
import { compileWildcards, DIRECTORIES } from '../util/wildcard.ts';

/** Compiled rules; make them with {@link parseIgnore} or {@link compileRules}. */
export interface IgnoreRules {
  readonly rules: readonly IgnoreRule[];
  /** True where a `!` rule may bring a path back. */
  readonly hasExceptions: boolean;
  /** Prefixes under which an exception can match; undefined where one of them has wildcards. */
  readonly exceptionPrefixes: readonly string[] | undefined;
}

/** One line. */
export interface IgnoreRule {
  readonly pattern: string;
  readonly isException: boolean;
  readonly matches: (path: string) => boolean;
}

/** What is known of a directory when its entries are judged: true for the rules that matched it or one above it. */
export type ParentMatches = readonly (boolean | undefined)[];

/** What the rules say of a path. */
export interface Verdict {
  readonly ignored: boolean;
  readonly matches: ParentMatches;
}

/** The verdict on nearly every path: one record for all of them, because a walk asks a hundred thousand times. */
export const UNMATCHED: Verdict = { ignored: false, matches: [] };

/** No rules: nothing is left out. */
export const NO_RULES: IgnoreRules = { rules: [], hasExceptions: false, exceptionPrefixes: [] };

/** Parses an ignore file. Problem: `dockerfile/ignore-pattern` for a pattern that BuildKit refuses. */
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

/** Compiles patterns (`!` marks an exception), as `--exclude` and the ignore file have them. */
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
 * Judges one path whose directory was judged before: `parent` is that directory's `matches` (empty for the top).
 * `matches` is to be handed on to the entries of a directory.
 */
export function judgePath(rules: IgnoreRules, path: string, parent: ParentMatches): Verdict {
  let ignored = false;
  let matches: boolean[] | undefined;
  for (const [index, rule] of rules.rules.entries()) {
    let isMatch = parent[index] === true;
    if (!isMatch) {
      // A rule that could change nothing is not looked at, and counts as not matching for what lies below.
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

/** True where an ignored directory may still hold something that an exception brings back. */
export function mayHoldExceptions(rules: IgnoreRules, directory: string): boolean {
  if (rules.exceptionPrefixes === undefined) return true;
  return rules.exceptionPrefixes.some((prefix) => `${prefix}/`.startsWith(`${directory}/`));
}

/** True where a path (relative, `/`) is left out, judged with every directory above it. */
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

/** Why Go's `filepath.Match` refuses a pattern; undefined where it does not. */
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
 * A pattern is compared as text where that is all it needs: the form is decided while it is read, and some patterns
 * with `**` at an end are compared as prefix or suffix even where they hold characters that look special.
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
      // With `u`, an escape of an ordinary letter is an error; without it, the letter itself.
    }
  }
  // What cannot be compiled must not hide a file: it leaves nothing out, and as an exception it keeps everything.
  return () => isException;
}
