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

/** Finds out where a path leads. `file` is absolute. */
export async function locateOnDisk(file: string): Promise<DiskLocation> {
  const way = new Set<string>();
  let real = path.parse(file).root;
  for (const part of path.relative(real, file).split(path.sep)) {
    if (part === '') continue;
    const next = path.join(real, part);
    way.add(next);
    real = await realpath(next).catch(() => next);
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
 * Whether a changed file lies at, below or above where links lead that a build meets. A link's text counts from its
 * directory; from the context's root where it is absolute.
 */
export function isLinked(files: readonly FilePart[], changed: string): boolean {
  return files.some((part) => {
    if (part.path === changed) return true;
    if (part.kind !== 'symlink') return false;
    const target = part.content.startsWith('/')
      ? cleanPath(part.content)
      : cleanPath(path.posix.join(path.posix.dirname(part.path), part.content));
    return isSameOrBelow(changed, target) || isSameOrBelow(target, changed);
  });
}

function isSameOrBelow(one: string, other: string): boolean {
  return other === '.' || one === other || one.startsWith(`${other}/`);
}

/** At, below or on the way to the source. The patterns of ignore files are those of COPY and a little wider. */
function touches(read: PathRead, changed: string): boolean {
  const { source, include, exclude } = read;
  const cleaned = cleanPath(source);
  const parts = cleaned === '.' ? [] : cleaned.split('/');
  const names = changed.split('/');
  const reach = parts.slice(0, names.length).join('/');
  if (!matches(read, reach, changed)) return false;
  const below = names.slice(parts.length).join('/');
  if (below === '' || cleaned.includes('**')) return true;
  if (include.length > 0 && !isIgnored(rulesOf(read, include), below)) return false;
  return exclude.length === 0 || !isIgnored(rulesOf(read, exclude), below);
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
