/** Describes the differences between two keys so that a person can act on them. */
import { MAIN_CONTEXT } from '../dockerfile/mod.ts';
import {
  type FilePart,
  hideInStep,
  isSealed,
  type KeyParts,
  showSealed,
  soundsSecret,
} from '../model/mod.ts';
import { parseJson } from '../util/json.ts';

const SHOWN = 20;
const LONGEST = 100;
/** Characters that are shown before the first difference. */
const BEFORE = 30;

/**
 * Lists what changed from one key to another, one line each: at most `limit` lines, then the number of further ones.
 * Values of arguments and options are not shown if their names sound like secrets, or if `isSecret` is true for one of
 * the two values. Empty: the keys are equal.
 */
export function diffKeys(
  before: KeyParts,
  after: KeyParts,
  limit: number = SHOWN,
  isSecret: (value: string) => boolean = () => false,
): readonly string[] {
  const isHidden = (name: string, ...values: readonly (string | undefined)[]): boolean =>
    soundsSecret(name) || values.some((value) => value !== undefined && (isSealed(value) || isSecret(value)));
  const lines = [
    ...(before.version === after.version
      ? []
      : [`the format of keys changed (version ${before.version} → ${after.version})`]),
    ...diffDockerfiles(before.dockerfile, after.dockerfile),
    ...(before.target === after.target
      ? []
      : [`target ${before.target || '(last stage)'} → ${after.target || '(last stage)'}`]),
    ...diffPlatforms(before.platforms, after.platforms),
    ...diffMaps(before.args, after.args, (name, old, now) => {
      if (isHidden(name, old, now)) return `arg ${name} ${wordOf(old, now)}`;
      if (old === undefined) return `arg ${name} added: ${quote(now)}`;
      return now === undefined ? `arg ${name} removed` : `arg ${name}: ${quoteBoth(old, now)}`;
    }),
    ...diffMaps(before.images, after.images, (name, old, now) =>
      old === undefined || now === undefined
        ? `image ${name} ${old === undefined ? 'added' : 'is no longer used'}`
        : `image ${name} moved ${shortDigest(old)} → ${shortDigest(now)}`,
    ),
    ...diffMaps(before.parents, after.parents, (name, old, now) =>
      old === undefined || now === undefined
        ? `build for context ${name} ${wordOf(old, now)}`
        : `build for context ${name} has another result ${shortDigest(old)} → ${shortDigest(now)}`,
    ),
    ...diffMaps(before.options, after.options, (name, old, now) => {
      if (isHidden(name, old, now)) return `${name} ${wordOf(old, now)}`;
      if (old === undefined) return `${name} added: ${quote(listOf(name, now))}`;
      return now === undefined
        ? `${name} removed`
        : `${name}: ${quoteBoth(listOf(name, old), listOf(name, now))}`;
    }),
    ...diffContexts(before.files, after.files),
  ];
  return atMost(lines.map(showSealed), limit);
}

/** At most `limit` lines, then the number of further ones. */
export function atMost(lines: readonly string[], limit: number = SHOWN): readonly string[] {
  if (lines.length <= limit) return lines;
  return [...lines.slice(0, limit), `and ${lines.length - limit} more`];
}

/** Describes the differences between two maps, by name. */
export function diffMaps(
  before: Readonly<Record<string, string>>,
  after: Readonly<Record<string, string>>,
  describe: (name: string, old: string | undefined, now: string | undefined) => string,
): readonly string[] {
  // Not accessed as properties: an argument may be called `constructor`.
  const [old, now] = [new Map(Object.entries(before)), new Map(Object.entries(after))];
  return [...new Set([...old.keys(), ...now.keys()])]
    .sort()
    .filter((name) => old.get(name) !== now.get(name))
    .map((name) => describe(name, old.get(name), now.get(name)));
}

/** Describes the differences between two lists of platforms. */
export function diffPlatforms(before: readonly string[], after: readonly string[]): readonly string[] {
  const added = after.filter((one) => !before.includes(one)).map((one) => `platform ${one} added`);
  const removed = before.filter((one) => !after.includes(one)).map((one) => `platform ${one} removed`);
  if (added.length + removed.length > 0) return [...added, ...removed];
  return before.join() === after.join() ? [] : [`platforms in another order: ${after.join(', ')}`];
}

/** Removed and added instructions; if their numbers are equal, they are shown as edits. */
function diffDockerfiles(before: string, after: string): readonly string[] {
  if (before === after) return [];
  const old = before.split('\n');
  const now = after.split('\n');
  const gone = difference(old, now);
  const come = difference(now, old);
  if (gone.length + come.length === 0) return ['Dockerfile: instructions in another order'];
  if (gone.length === come.length) {
    return gone.map((line, index) => `Dockerfile: ${showEdit(line, come[index] ?? '')}`);
  }
  return [
    ...gone.map((line) => `Dockerfile: ${showLine(line)} removed`),
    ...come.map((line) => `Dockerfile: ${showLine(line)} added`),
  ];
}

/** Lines of one list that are missing in the other; repeated lines count. */
function difference(lines: readonly string[], others: readonly string[]): readonly string[] {
  const counts = new Map<string, number>();
  for (const line of others) counts.set(line, (counts.get(line) ?? 0) + 1);
  return lines.filter((line) => {
    const count = counts.get(line) ?? 0;
    counts.set(line, count - 1);
    return count <= 0;
  });
}

/** A line without users and passwords in URLs, and without values that look like secrets. */
export function showLine(line: string): string {
  return shorten(hideInStep(line).trim());
}

function showEdit(before: string, after: string): string {
  const [old, now] = [before, after].map((line) => hideInStep(line).trim());
  if (old === undefined || now === undefined || old === now)
    return `${shorten(now ?? '')} changed in a part that is not shown`;
  return shortenBoth(old, now).join(' became ');
}

function diffContexts(before: KeyParts['files'], after: KeyParts['files']): readonly string[] {
  const [old, now] = [new Map(Object.entries(before)), new Map(Object.entries(after))];
  return [...new Set([...old.keys(), ...now.keys()])]
    .sort()
    .flatMap((name) =>
      diffFiles(old.get(name) ?? [], now.get(name) ?? []).map((line) => `${labelOf(name)}: ${line}`),
    );
}

/** The display name of a context. */
export function labelOf(context: string): string {
  return context === MAIN_CONTEXT ? 'context' : `context ${context}`;
}

function diffFiles(before: readonly FilePart[], after: readonly FilePart[]): readonly string[] {
  const old = new Map(before.map((part) => [part.path, part]));
  const lines: [path: string, text: string][] = [];
  for (const now of after) {
    const was = old.get(now.path);
    old.delete(now.path);
    if (was === undefined) lines.push([now.path, `${now.path} added`]);
    else for (const text of diffPart(was, now)) lines.push([now.path, text]);
  }
  for (const path of old.keys()) lines.push([path, `${path} removed`]);
  return lines.sort(([one], [other]) => (one < other ? -1 : 1)).map(([, text]) => text);
}

function diffPart(was: FilePart, now: FilePart): readonly string[] {
  if (was.kind !== now.kind) return [`${now.path} was a ${was.kind} and is a ${now.kind}`];
  const lines: string[] = [];
  if (was.content !== now.content) {
    lines.push(
      now.kind === 'symlink'
        ? `${now.path} points to ${now.content} instead of ${was.content}`
        : `${now.path} changed`,
    );
  }
  if (was.mode !== now.mode) {
    lines.push(`mode of ${now.path} ${was.mode.toString(8)} → ${now.mode.toString(8)}`);
  }
  return lines;
}

function wordOf(old: string | undefined, now: string | undefined): string {
  if (old === undefined) return 'added';
  return now === undefined ? 'removed' : 'changed';
}

function quote(text: string | undefined): string {
  return JSON.stringify(shorten(text ?? ''));
}

function quoteBoth(old: string, now: string): string {
  return shortenBoth(old, now)
    .map((text) => JSON.stringify(text))
    .join(' → ');
}

function shorten(text: string): string {
  return text.length <= LONGEST ? text : `${text.slice(0, LONGEST - 1)}…`;
}

/** Shortens the equal parts before and after the difference of two texts, so that the difference is visible. */
function shortenBoth(old: string, now: string): readonly [string, string] {
  const longest = Math.max(old.length, now.length);
  if (longest <= LONGEST) return [old, now];
  let same = 0;
  while (same < Math.min(old.length, now.length) && old[same] === now[same]) same += 1;
  if (same < LONGEST - BEFORE) return [shorten(old), shorten(now)];
  // The first word is kept: it is the instruction.
  const head = /^\S{1,19} /.exec(old)?.[0] ?? '';
  const cut = (text: string) => `${head}…${shorten(text.slice(same - BEFORE))}`;
  return [cut(old), cut(now)];
}

/** The items of a list, which keys store as JSON. */
function listOf(name: string, value: string | undefined): string {
  if (name !== 'outputs' || value === undefined) return value ?? '';
  const list = parseJson(Buffer.from(value));
  return Array.isArray(list) ? list.join('; ') : value;
}

/** `sha256:0123456789ab…` */
export function shortDigest(digest: string): string {
  return digest.replace(/^(sha256:[0-9a-f]{12})[0-9a-f]+$/, '$1…');
}
