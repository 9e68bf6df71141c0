/**
 * Whether a build can see the change of a file, judged only by paths, since the file may be gone. If paths do not decide
 * it, the answer is yes.
 */
import { realpath } from 'node:fs/promises';
import path from 'node:path';
import {
  type ContextReads,
  cleanPath,
  compileRules,
  type IgnoreRules,
  isIgnored,
  mayHoldExceptions,
  type PathRead,
} from '../dockerfile/mod.ts';
import type { FilePart } from '../model/mod.ts';

/** A directory or file on disk, and the paths whose changes affect it. */
export interface DiskLocation {
  /** Its real path, or its own path if it does not exist. */
  readonly real: string;
  /** Itself and all directories and links on the way to it: changing one of them changes what is found. */
  readonly way: ReadonlySet<string>;
}

/** Finds the real location of a path. `file` is absolute; `resolve` returns a real path and may cache it. */
export async function locateOnDisk(
  file: string,
  resolve: (file: string) => Promise<string> = realpath,
): Promise<DiskLocation> {
  const way = new Set<string>();
  let real = path.parse(file).root;
  for (const part of path.relative(real, file).split(path.sep)) {
    if (part === '') continue;
    const next = path.join(real, part);
    way.add(next);
    real = await resolve(next).catch(() => next);
    way.add(real);
  }
  return { real, way };
}

/** The path of a changed file relative to a location, with `/`; undefined if it is not below it. */
export function relativeTo(location: DiskLocation, changed: string): string | undefined {
  const relative = path.relative(location.real, changed);
  if (relative === '' || relative === '..' || relative.startsWith(`..${path.sep}`)) return undefined;
  return relative.split(path.sep).join('/');
}

/** Whether a build that reads these parts of a context may see a change of a file in it. */
export function isRead(reads: ContextReads, ignore: IgnoreRules, changed: string): boolean {
  if (isIgnored(ignore, changed)) return false;
  return reads === 'all' || reads.some((read) => touches(read, changed));
}

/**
 * Whether a build that reads these parts of a context may see something in one of its directories: the directory is read,
 * is below something that is read, or is on the way to it.
 */
export function mayReadIn(reads: ContextReads, ignore: IgnoreRules, directory: string): boolean {
  if (isIgnored(ignore, directory) && !mayHoldExceptions(ignore, directory)) return false;
  return reads === 'all' || reads.some((read) => reaches(read, directory));
}

/** The target of a link within its context: relative to the link's directory or, if absolute, to the context's root. */
export function linkTarget(link: string, text: string): string {
  if (text.startsWith('/')) return cleanPath(text);
  return cleanPath(path.posix.join(path.posix.dirname(link), text));
}

/** Whether two paths of a context are equal, or one is below the other. */
export function areNested(one: string, other: string): boolean {
  return isSameOrBelow(one, other) || isSameOrBelow(other, one);
}

/** Whether a changed file is at, below or above the target of a link that a build reads. */
export function isLinked(files: readonly FilePart[], changed: string): boolean {
  return files.some((part) => {
    if (part.path === changed) return true;
    if (part.kind !== 'symlink') return false;
    return areNested(changed, linkTarget(part.path, part.content));
  });
}

function isSameOrBelow(one: string, other: string): boolean {
  return other === '.' || one === other || one.startsWith(`${other}/`);
}

/** At, below or on the way to the source. Patterns of ignore files match slightly more than those of COPY. */
function touches(read: PathRead, changed: string): boolean {
  const { source, include, exclude } = read;
  if (!reaches(read, changed)) return false;
  const cleaned = cleanPath(source);
  const parts = cleaned === '.' ? [] : cleaned.split('/');
  const names = changed.split('/');
  const below = names.slice(parts.length).join('/');
  if (below === '' || cleaned.includes('**')) return true;
  if (include.length > 0 && !isIgnored(rulesOf(read, include), below)) return false;
  return exclude.length === 0 || !isIgnored(rulesOf(read, exclude), below);
}

/** Like {@link touches}, ignoring include and exclude patterns below the source. */
function reaches(read: PathRead, changed: string): boolean {
  const cleaned = cleanPath(read.source);
  const parts = cleaned === '.' ? [] : cleaned.split('/');
  return matches(read, parts.slice(0, changed.split('/').length).join('/'), changed);
}

function matches(read: PathRead, reach: string, changed: string): boolean {
  if (reach === '') return true;
  if (!/[*?[\\]/.test(reach)) return isSameOrBelow(changed, reach);
  // As an ignore rule it would be an exception.
  return reach.startsWith('!') || isIgnored(rulesOf(read, [reach]), changed);
}

const compiled = new WeakMap<PathRead, Map<string, IgnoreRules>>();

/** Rules of one instruction, compiled once: there may be thousands of changes. */
function rulesOf(read: PathRead, patterns: readonly string[]): IgnoreRules {
  const known = compiled.get(read) ?? new Map<string, IgnoreRules>();
  compiled.set(read, known);
  const key = patterns.join('\n');
  const rules = known.get(key) ?? compileRules(patterns);
  known.set(key, rules);
  return rules;
}
