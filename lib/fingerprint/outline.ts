/**
 * A compact form of a build's inputs: enough to report on another machine what changed since, small enough to be stored
 * in a registry next to images, and without anything that reveals a value. Values, lines and files are represented by
 * *marks*, digests cut to eighteen bits: one of 262,144 changes is not noticed, and a dictionary attack on a mark leaves
 * one of 262,144 words, with no way to tell which one is right. Equal texts always have equal marks, so many outlines
 * reveal no more than one. Everything that sounds secret or contains a sensitive value is left out.
 */
import { createHash } from 'node:crypto';
import path from 'node:path';
import {
  type BuildKey,
  type FilePart,
  holdsNamedPair,
  isDigest,
  KEY_VERSION,
  type KeyParts,
  soundsSecret,
} from '../model/mod.ts';
import { atMost, diffMaps, diffPlatforms, labelOf, shortDigest, showLine } from './diff.ts';
import { computeKey } from './key.ts';

/** The compact inputs of one build. */
export interface InputsOutline {
  readonly key: BuildKey;
  /** `KEY_VERSION` of the version that created it. */
  readonly version: number;
  readonly target: string;
  readonly platforms: readonly string[];
  /** Marks of the instructions in order; `*` and one mark: there were too many. */
  readonly dockerfile: string;
  /** Name → mark; only `*`: there were too many. */
  readonly args: Marks;
  /** External image as written → prefix of its digest. */
  readonly images: Marks;
  readonly parents: Marks;
  readonly options: Marks;
  /** Context → path → mark; `src/` represents everything below `src`. */
  readonly files: Readonly<Record<string, Marks>>;
  /** Whether arguments or options were left out because they may be secret. */
  readonly hides: boolean;
}

type Marks = Readonly<Record<string, string>>;

/** Three base64 characters: eighteen bits. */
const MARK_LENGTH = 3;
const MARK = /^[\w-]{3}$/;
/** As written by `shortDigest`. */
const HEAD = /^sha256:[0-9a-f]{12}…$/;
const LONGEST = 4096;
const MARKED_LINES = /^(?:\*[\w-]{3}|(?:[\w-]{3})*)$/;
const MOST_NAMES = 100;
const MOST_LINES = 300;
/** Represents everything if there was too much. */
const ALL = '*';
/** Files that often contain secrets; their content is left out. */
const SECRET_FILE =
  /(?:^|\/)(?:\.env[^/]*|\.npmrc|\.netrc|\.pypirc|\.git-credentials|\.dockercfg|id_[a-z0-9]+|[^/]*(?:secret|password|passwd|credential|token)[^/]*|[^/]*\.(?:pem|key|p12|pfx|jks|kdbx))$/i;

type IsSecret = (text: string) => boolean;

/**
 * Outlines the inputs of a build.
 *
 * @param mostFiles maximum number of entries for files; beyond that, directories represent what is below them
 * @param isSecret whether a text contains a sensitive value
 */
export function outlineInputs(
  key: BuildKey,
  parts: KeyParts,
  mostFiles: number,
  isSecret: IsSecret,
): InputsOutline {
  const args = visible(parts.args, isSecret);
  const options = visible(parts.options, isSecret);
  const contexts = Object.entries(parts.files);
  const share = Math.max(1, Math.floor(mostFiles / Math.max(1, contexts.length)));
  return {
    key,
    version: parts.version,
    target: isSecret(parts.target) ? '' : parts.target,
    platforms: parts.platforms,
    dockerfile: markLines(visibleLines(parts.dockerfile, isSecret)),
    args: marksOf('arg', args),
    images: headsOf(parts.images, isSecret),
    parents: marksOf('parent', Object.entries(parts.parents)),
    options: marksOf('option', options),
    files: Object.fromEntries(
      contexts.map(([name, files]) => [name, foldFiles(files.filter(isShown(isSecret)), share)]),
    ),
    hides: args.length < Object.keys(parts.args).length || options.length < Object.keys(parts.options).length,
  };
}

/** Parses untrusted data: undefined if it is not an outline. Invalid parts are left out. */
export function readOutline(value: unknown): InputsOutline | undefined {
  if (!isObject(value)) return undefined;
  const { key, version, target, platforms, dockerfile, files, hides } = value;
  if (typeof key !== 'string' || typeof version !== 'number') return undefined;
  if (typeof dockerfile !== 'string' || !MARKED_LINES.test(dockerfile)) return undefined;
  return {
    key,
    version,
    target: isShowable(target) ? target : '',
    platforms: Array.isArray(platforms) ? platforms.filter(isShowable) : [],
    dockerfile,
    args: readMarks(value['args']),
    images: readMarks(value['images']),
    parents: readMarks(value['parents']),
    options: readMarks(value['options']),
    files: isObject(files)
      ? Object.fromEntries(
          Object.entries(files)
            .filter(([name]) => isShowable(name))
            .map(([name, marks]) => [name, readMarks(marks)]),
        )
      : {},
    hides: hides === true,
  };
}

/** Options of the comparison. */
export interface OutlineDiffOptions {
  /** Maximum number of lines; default: that of `diffKeys`. */
  readonly limit?: number;
  readonly isSecret: IsSecret;
  /** Named contexts whose builds have no result yet. */
  readonly without?: ReadonlySet<string>;
}

/** Lists what changed since an outline was made, like `diffKeys`; empty: nothing. */
export function diffOutline(
  before: InputsOutline,
  parts: KeyParts,
  { limit, isSecret, without = new Set() }: OutlineDiffOptions,
): readonly string[] {
  if (before.version !== KEY_VERSION)
    return [`the format of keys changed (version ${before.version} → ${KEY_VERSION})`];
  const key = without.size === 0 ? computeKey(parts) : undefined;
  if (key === before.key) return [];
  const now = outlineInputs(key ?? '', { ...parts, files: {} }, 0, isSecret);
  const named = (what: string) => (name: string, old: string | undefined, next: string | undefined) => {
    if (name === ALL) return `${what}s changed`;
    if (old === undefined) return `${what} ${name} added`;
    return next === undefined ? `${what} ${name} removed` : `${what} ${name} changed`;
  };
  const lines = [
    ...diffLines(before.dockerfile, visibleLines(parts.dockerfile, isSecret)),
    ...(before.target === now.target
      ? []
      : [`target ${before.target || '(last stage)'} → ${now.target || '(last stage)'}`]),
    ...diffPlatforms(before.platforms, now.platforms),
    ...diffMaps(before.args, now.args, named('arg')),
    ...diffMaps(before.images, now.images, (name, old, next) => {
      if (old === undefined) return `image ${name} added`;
      return next === undefined
        ? `image ${name} is no longer used`
        : `image ${name} changed ${shortDigest(old)} → ${shortDigest(next)}`;
    }),
    ...diffMaps(leaveOut(before.parents, without), leaveOut(now.parents, without), (name, old, next) => {
      if (old === undefined) return `build for context ${name} added`;
      return next === undefined
        ? `build for context ${name} removed`
        : `build for context ${name} has another result`;
    }),
    ...diffMaps(before.options, now.options, (name, old, next) => {
      if (name === ALL) return 'options changed';
      if (old === undefined) return `${name} added`;
      return next === undefined ? `${name} removed` : `${name} changed`;
    }),
    ...diffContexts(before.files, parts.files, isSecret),
  ];
  if (lines.length === 0 && key !== undefined)
    lines.push(
      before.hides || now.hides
        ? 'an argument changed (its name is not recorded, since the value may be secret)'
        : 'something changed that shared records do not detail',
    );
  return atMost(lines, limit);
}

/** Names and values that may be shown; ids of secrets are not secret. */
function visible(values: Readonly<Record<string, string>>, isSecret: IsSecret): [string, string][] {
  return Object.entries(values).filter(
    ([name, value]) => (name === 'secrets' || !soundsSecret(name)) && !isSecret(name) && !isSecret(value),
  );
}

function visibleLines(dockerfile: string, isSecret: IsSecret): readonly string[] {
  return dockerfile.split('\n').filter((line) => line !== '' && !isSecret(line) && !holdsNamedPair(line));
}

function mark(kind: string, text: string): string {
  // The salt contains the kind of value, so that a word in another place has another mark.
  return createHash('sha256')
    .update(`bake-ts outline ${kind}\0${text}`)
    .digest('base64url')
    .slice(0, MARK_LENGTH);
}

function marksOf(kind: string, values: readonly (readonly [string, string])[]): Marks {
  if (values.length > MOST_NAMES) return { [ALL]: mark(`${kind}s`, JSON.stringify(values)) };
  return Object.fromEntries(values.map(([name, value]) => [name, mark(`${kind} ${name}`, value)]));
}

/** Digests of external images are not secret, and prefixes of them are more useful. */
function headsOf(images: KeyParts['images'], isSecret: IsSecret): Marks {
  const shown = Object.entries(images).filter(([name]) => !isSecret(name));
  if (shown.length > MOST_NAMES) return marksOf('image', shown);
  return Object.fromEntries(
    shown.map(([name, digest]) => [name, isDigest(digest) ? shortDigest(digest) : mark('image', digest)]),
  );
}

function markLines(lines: readonly string[]): string {
  if (lines.length > MOST_LINES) return `${ALL}${mark('lines', lines.join('\n'))}`;
  return lines.map((line) => mark('line', line)).join('');
}

function diffLines(before: string, lines: readonly string[]): readonly string[] {
  const now = markLines(lines);
  if (before === now) return [];
  if (before.startsWith(ALL) || now.startsWith(ALL)) return ['Dockerfile: instructions changed'];
  const old = new Map<string, number>();
  for (let at = 0; at < before.length; at += MARK_LENGTH) {
    const one = before.slice(at, at + MARK_LENGTH);
    old.set(one, (old.get(one) ?? 0) + 1);
  }
  const come = lines.filter((line) => {
    const count = old.get(mark('line', line)) ?? 0;
    old.set(mark('line', line), count - 1);
    return count <= 0;
  });
  const gone = before.length / MARK_LENGTH - (lines.length - come.length);
  if (gone + come.length === 0) return ['Dockerfile: instructions in another order'];
  // With as many removed as added lines, they are shown as edits.
  if (gone === come.length) return come.map((line) => `Dockerfile: ${showLine(line)} is new`);
  return [
    ...come.map((line) => `Dockerfile: ${showLine(line)} added`),
    ...(gone > 0 ? [`Dockerfile: ${gone === 1 ? 'an instruction' : `${gone} instructions`} removed`] : []),
  ];
}

function isShown(isSecret: IsSecret): (part: FilePart) => boolean {
  return (part) => !isSecret(part.path);
}

function contentOf({ path: file, kind, mode, content }: FilePart): string {
  return `${kind} ${mode.toString(8)} ${kind === 'file' && SECRET_FILE.test(file) ? '' : content}`;
}

function markFile(part: FilePart): string {
  return mark('file', `${part.path}\0${contentOf(part)}`);
}

/** The mark of all files below a directory, in the order of their paths. */
function markAll(files: readonly FilePart[]): string {
  const hash = createHash('sha256').update('bake-ts outline files');
  for (const part of files) hash.update(`\0${part.path}\0${contentOf(part)}`);
  return hash.digest('base64url').slice(0, MARK_LENGTH);
}

/** A directory and everything below it. */
interface Folder {
  /** With a trailing slash; `./` for the context itself. */
  readonly name: string;
  readonly all: FilePart[];
  readonly own: FilePart[];
  readonly folders: Map<string, Folder>;
}

/** Expands directories from the top, small ones of a level first, within the limit; the others represent their content. */
function foldFiles(files: readonly FilePart[], most: number): Marks {
  const root = makeTree(files);
  const marks = new Map<string, string>();
  if (files.length === 0) return {};
  let count = 1;
  let level = [root];
  while (level.length > 0) {
    const next: Folder[] = [];
    level.sort((one, other) => sizeOf(one) - sizeOf(other) || (one.name < other.name ? -1 : 1));
    for (const folder of level) {
      const more = sizeOf(folder) - 1;
      if (count + more > most) {
        marks.set(folder.name, markAll(folder.all));
        continue;
      }
      count += more;
      for (const part of folder.own) marks.set(part.path, markFile(part));
      next.push(...folder.folders.values());
    }
    level = next;
  }
  return Object.fromEntries([...marks].sort(([one], [other]) => (one < other ? -1 : 1)));
}

function sizeOf({ own, folders }: Folder): number {
  return own.length + folders.size;
}

function makeTree(files: readonly FilePart[]): Folder {
  const make = (name: string): Folder => ({ name, all: [], own: [], folders: new Map() });
  const root = make('./');
  for (const part of files) {
    let folder = root;
    folder.all.push(part);
    const steps = part.path.split('/');
    for (let depth = 1; depth < steps.length; depth++) {
      const name = `${steps.slice(0, depth).join('/')}/`;
      const below = folder.folders.get(name) ?? make(name);
      folder.folders.set(name, below);
      folder = below;
      folder.all.push(part);
    }
    folder.own.push(part);
  }
  return root;
}

function diffContexts(
  before: InputsOutline['files'],
  after: KeyParts['files'],
  isSecret: IsSecret,
): readonly string[] {
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort();
  const [old, now] = [new Map(Object.entries(before)), new Map(Object.entries(after))];
  return names.flatMap((name) => {
    const files = (now.get(name) ?? []).filter(isShown(isSecret));
    return diffFiles(old.get(name) ?? {}, files).map((line) => `${labelOf(name)}: ${line}`);
  });
}

function diffFiles(before: Marks, files: readonly FilePart[]): readonly string[] {
  const old = new Map(Object.entries(before));
  const folded = new Map<string, FilePart[]>();
  for (const name of old.keys()) if (name.endsWith('/')) folded.set(name, []);
  const lines: [string, string][] = [];
  for (const part of files) {
    const below = folded.get(folderOver(part.path, folded) ?? '');
    if (below !== undefined) {
      below.push(part);
      continue;
    }
    const was = old.get(part.path);
    old.delete(part.path);
    if (was === undefined) lines.push([part.path, `${part.path} added`]);
    else if (was !== markFile(part)) lines.push([part.path, `${part.path} changed`]);
  }
  for (const [name, below] of folded) {
    const was = old.get(name);
    old.delete(name);
    if (below.length === 0) lines.push([name, `${name} removed`]);
    else if (was !== markAll(below)) lines.push([name, name === './' ? 'files changed' : `${name} changed`]);
  }
  for (const name of old.keys()) lines.push([name, `${name} removed`]);
  return lines.sort(([one], [other]) => (one < other ? -1 : 1)).map(([, text]) => text);
}

function folderOver(file: string, folded: ReadonlyMap<string, unknown>): string | undefined {
  if (folded.size === 0) return undefined;
  if (folded.has('./')) return './';
  for (let dir = path.posix.dirname(file); dir !== '.' && dir !== '/'; dir = path.posix.dirname(dir))
    if (folded.has(`${dir}/`)) return `${dir}/`;
  return undefined;
}

function leaveOut(marks: Marks, names: ReadonlySet<string>): Marks {
  return Object.fromEntries(Object.entries(marks).filter(([name]) => !names.has(name)));
}

function readMarks(value: unknown): Marks {
  if (!isObject(value)) return {};
  const entries = Object.entries(value).filter(
    (one): one is [string, string] =>
      isShowable(one[0]) && isShowable(one[1]) && (MARK.test(one[1]) || HEAD.test(one[1])),
  );
  return Object.fromEntries(entries);
}

/** Protects terminals against control characters from people who can write to the registry. */
function isShowable(text: unknown): text is string {
  return typeof text === 'string' && text.length <= LONGEST && !/\p{C}/u.test(text);
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
