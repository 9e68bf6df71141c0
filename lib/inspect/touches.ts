/**
 * Whether a change of a file can be seen by what a build reads, judged by paths alone: the file may be gone, so there is
 * nothing to look at. Where paths do not say, the answer is yes.
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

/** A directory or file of the disk as changes of paths can reach it. */
export interface DiskLocation {
  /** Its real path; its own path where it is not there. */
  readonly real: string;
  /** Itself and everything on the way to it (directories, links): a change of one of them changes what is found. */
  readonly way: ReadonlySet<string>;
}

/** Finds out where a path leads. `file` is absolute; `resolve` gives the real path of one, and may know it from before. */
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

/** The path of a changed file relative to a location, with `/`; undefined where it does not lie below it. */
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
 * Whether a build that reads these parts of a context may see something in a directory of it: it is read, lies below what
 * is read, or on the way to it.
 */
export function mayReadIn(reads: ContextReads, ignore: IgnoreRules, directory: string): boolean {
  if (isIgnored(ignore, directory) && !mayHoldExceptions(ignore, directory)) return false;
  return reads === 'all' || reads.some((read) => reaches(read, directory));
}

/** Where a link leads within its context: its text counts from its directory, and from the context's root where it is absolute. */
export function linkTarget(link: string, text: string): string {
  if (text.startsWith('/')) return cleanPath(text);
  return cleanPath(path.posix.join(path.posix.dirname(link), text));
}

/** Whether one of two paths of a context is the other one, or lies below it. */
export function areNested(one: string, other: string): boolean {
  return isSameOrBelow(one, other) || isSameOrBelow(other, one);
}

/** Whether a changed file lies at, below or above where links lead that a build meets. */
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

/** At, below or on the way to the source. The patterns of ignore files are those of COPY and a little wider. */
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

/** As {@link touches}, whatever is included or excluded below the source. */
function reaches(read: PathRead, changed: string): boolean {
  const cleaned = cleanPath(read.source);
  const parts = cleaned === '.' ? [] : cleaned.split('/');
  return matches(read, parts.slice(0, changed.split('/').length).join('/'), changed);
}

function matches(read: PathRead, reach: string, changed: string): boolean {
  if (reach === '') return true;
  if (!/[*?[\\]/.test(reach)) return isSameOrBelow(changed, reach);
  // As a rule it would be an exception.
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
