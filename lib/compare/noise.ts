/**
 * Differences that are ignored. This lists what is known to differ between builds of the same inputs, with the reasons;
 * docs/verify.md says where each was observed. It only covers files that nothing executes: logs, caches, identifiers. In
 * files that are executed or protect something, only the varying part is ignored, and the rest must be equal. A different
 * type, mode, owner or attribute is never ignored, and neither is an added or removed file, except for files whose names
 * are times.
 */
import { type PathPattern, readPathPattern } from '../util/path-pattern.ts';
import type { FileChange, Tree } from './layer.ts';
import type { TarEntry } from './tar.ts';

/** Files that are known to differ. */
export interface KnownNoise {
  /** Stable: programs rely on it. */
  readonly name: string;
  /** In the syntax of `PathPattern`. */
  readonly paths: readonly string[];
  /** Why it varies. */
  readonly why: string;
  /**
   * Returns the bytes without the varying part, or undefined if they have an unexpected form; absent: the whole file
   * varies.
   */
  readonly settle?: (bytes: Buffer) => Buffer | undefined;
  /** Also ignored if only one image has such a file, since its name is a time. It must not be executable. */
  readonly comesAndGoes?: true;
}

/** All known noise. */
export const KNOWN_NOISE: readonly KnownNoise[] = [
  {
    name: 'python-bytecode',
    paths: ['*.pyc'],
    why: 'holds the modification time of its source (PEP 552); everything else in it must be equal',
    settle: settleBytecode,
  },
  {
    name: 'password-age',
    paths: ['/etc/shadow', '/etc/shadow-'],
    why: 'the third field is the day of the last change (shadow(5)); everything else in it must be equal',
    settle: settleShadow,
  },
  {
    name: 'machine-id',
    paths: ['/etc/machine-id', '/var/lib/dbus/machine-id'],
    why: 'a random identifier; it must be a valid one (machine-id(5))',
    settle: (bytes) => (/^[0-9a-f]{32}\n$/.test(bytes.toString('latin1')) ? Buffer.alloc(0) : undefined),
  },
  {
    name: 'apt-log',
    paths: ['/var/log/apt/history.log', '/var/log/apt/term.log'],
    why: 'when each call of apt began and ended',
  },
  {
    name: 'dpkg-log',
    paths: ['/var/log/dpkg.log', '/var/log/alternatives.log'],
    why: 'each line begins with the time',
  },
  {
    name: 'debootstrap-log',
    paths: ['/var/log/bootstrap.log'],
    why: 'the downloads of debootstrap, with times and rates',
  },
  {
    name: 'ldconfig-cache',
    paths: ['/var/cache/ldconfig/aux-cache'],
    why: 'inode numbers and times of libraries, for the next ldconfig; programs use /etc/ld.so.cache, which is compared',
  },
  {
    name: 'fontconfig-cache',
    paths: ['/var/cache/fontconfig/*.cache-*'],
    why: 'modification times of the directories of fonts',
  },
  {
    name: 'npm-log',
    paths: ['**/.npm/_logs/[0-9]*Z-debug-*.log'],
    why: 'the log of each call of npm; its name is the time',
    comesAndGoes: true,
  },
  {
    name: 'npm-cache',
    paths: ['**/.npm/_cacache/index-v5/**'],
    why: 'when each answer came; everything else in it, such as checksums of packages, must be equal',
    settle: settleNpmIndex,
  },
  {
    name: 'package-log',
    paths: [
      '/var/log/apk.log',
      ...['/var/log/dnf.log', '/var/log/dnf.librepo.log', '/var/log/dnf.rpm.log', '/var/log/dnf5.log'],
      ...['/var/log/hawkey.log', '/var/log/yum.log'],
      ...['/var/log/zypper.log', '/var/log/zypp/history'],
      '/var/log/pacman.log',
    ],
    why: 'each line begins with the time',
  },
];

/** Which differences are ignored. */
export interface DifferenceRules {
  /** Whether known noise is treated as any other difference. */
  readonly isStrict: boolean;
  /** All differences in these paths are ignored. */
  readonly ignore: readonly PathPattern[];
}

/** Nothing is ignored. */
export const ALL_COUNTS: DifferenceRules = { isStrict: true, ignore: [] };

/** Whether a difference is relevant (not ignored). */
export function counts({ noise, ignored }: FileChange): boolean {
  return noise === undefined && ignored === undefined;
}

/** Larger files are compared unchanged. */
const SETTLE_LIMIT = 8 * 1024 * 1024;

const COMPILED = KNOWN_NOISE.map((known) => ({
  known,
  patterns: known.paths.flatMap((text) => readPathPattern(text) ?? []),
}));

function knownAt(path: string): KnownNoise | undefined {
  return COMPILED.find(({ patterns }) => patterns.some(({ matches }) => matches(path)))?.known;
}

/** How to remove the varying part of a file before comparing; undefined: it is compared unchanged. */
export function settlerOf(path: string, sizeBytes: number): KnownNoise['settle'] {
  return sizeBytes > SETTLE_LIMIT ? undefined : knownAt(path)?.settle;
}

/** Marks each difference that a rule ignores. */
export function markChanges(
  changes: readonly FileChange[],
  before: Tree,
  after: Tree,
  { isStrict, ignore }: DifferenceRules,
): readonly FileChange[] {
  return changes.map((change) => {
    const named = change.path.replace(/(^|\/)\.wh\.(?!\.wh\.)([^/]+)$/, '$1$2');
    const ignored = ignore.find(({ matches }) => matches(named))?.text;
    if (ignored !== undefined) return { ...change, ignored };
    const noise = isStrict ? undefined : noiseIn(change, before, after);
    return noise === undefined ? change : { ...change, noise };
  });
}

function noiseIn({ path, what }: FileChange, before: Tree, after: Tree): string | undefined {
  const [one, other] = [before.get(path), after.get(path)];
  const known = knownAt(path);
  if (known === undefined) return undefined;
  if (one === undefined || other === undefined)
    return known.comesAndGoes === true && isPlainFile(one ?? other) ? known.name : undefined;
  const differsInContent = one.content !== other.content || one.sizeBytes !== other.sizeBytes;
  if (one.kind !== 'file' || other.kind !== 'file' || !differsInContent || what.length > 1) return undefined;
  if (known.settle === undefined) return known.name;
  return one.settled !== undefined && one.settled === other.settled ? known.name : undefined;
}

const RUNNABLE = 0o7111;

function isPlainFile(entry: TarEntry | undefined): boolean {
  return entry?.kind === 'file' && (entry.mode & RUNNABLE) === 0 && entry.attributes.size === 0;
}

/** PEP 552: four bytes of magic, four of flags; without flags, four of time and four of the source's size. */
function settleBytecode(bytes: Buffer): Buffer | undefined {
  if (bytes.length < 16 || bytes.readUInt32LE(4) !== 0) return undefined;
  return Buffer.concat([bytes.subarray(0, 8), bytes.subarray(12)]);
}

/** `name:password:day of the last change:…`, a line for each user. An empty day has another meaning than a number. */
function settleShadow(bytes: Buffer): Buffer {
  const text = bytes.toString('latin1');
  return Buffer.from(text.replace(/^([^:\n]*:[^:\n]*:)[1-9]\d*:/gm, '$1day:'), 'latin1');
}

/** cacache: lines of a checksum, a tab and JSON; the checksum is that of the JSON. */
function settleNpmIndex(bytes: Buffer): Buffer {
  const text = bytes.toString('latin1');
  return Buffer.from(
    text
      .replace(/^[0-9a-f]{40}(?=\t\{)/gm, '')
      .replace(/"time":\d+/g, '"time":0')
      .replace(/"(date|expires)":"[^"]*"/g, '"$1":""'),
    'latin1',
  );
}
