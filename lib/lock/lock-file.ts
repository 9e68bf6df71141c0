/**
 * `builds.lock`: external images as written → digest, next to the root builds.yaml. JSON with one image per line, sorted,
 * so that git can merge additions of two branches. A failed merge leaves conflict markers and duplicate names, which are
 * reported with their places.
 */
import path from 'node:path';
import type { Node } from 'yaml';
import {
  type BuildSet,
  type Digest,
  fail,
  formatImageRef,
  type ImageRef,
  isDigest,
  needsGrant,
  ok,
  type Problem,
  parseImageRef,
  problem,
  type Result,
  readablePaths,
  type SourceFile,
  type Span,
  withDefaultTag,
} from '../model/mod.ts';
import { isWithin, RealPaths, readRegularFile, writeFileWhole } from '../system/mod.ts';
import { deniedProblem } from '../util/permission.ts';

/** Name of the file. */
export const LOCK_NAME = 'builds.lock';
const LOCK_VERSION = 1;

/** An image that is pinned. */
export interface LockedRef {
  /** As written in the file, and in the Dockerfile for which it was locked. */
  readonly written: string;
  /** The same, parsed. */
  readonly ref: ImageRef;
  /** The digest to which it is pinned. */
  readonly digest: Digest;
}

/** Digests that external images are pinned to. */
export interface Lock {
  /** In the order of the file. */
  readonly images: readonly LockedRef[];
  /** The locked digest of an image, in any spelling; undefined if it is not locked. */
  readonly digestOf: (ref: ImageRef) => Digest | undefined;
}

/** Absolute path of a set's lock file. */
export function lockPath(set: BuildSet): string {
  return path.join(set.root, LOCK_NAME);
}

/**
 * Reads a set's lock file.
 *
 * @returns undefined if there is none; problems: `config/bad-lock`
 */
export async function readLock(set: BuildSet): Promise<Result<Lock | undefined>> {
  const real = new RealPaths().of(lockPath(set));
  if (!isWithin(real, readablePaths(set.grants)))
    return fail([needsGrant({ what: `${lockPath(set)} links to ${real}`, grant: `read:${real}` })]);
  let text: string;
  try {
    text = readRegularFile(lockPath(set), MAX_BYTES).toString('utf8');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    if (code === 'ENOENT') return ok(undefined);
    return fail([
      deniedProblem(error) ?? problem('config/bad-lock', `\`${lockPath(set)}\` cannot be read (${code})`),
    ]);
  }
  const [first] = set.files;
  // If builds come from standard input (`-`), the lock file is in the working directory.
  const shown = first === undefined ? LOCK_NAME : path.join(path.dirname(first), LOCK_NAME);
  return parseLock({ path: shown, text });
}

/** Enough for some hundred thousand images. */
const MAX_BYTES = 16 * 1024 * 1024;

/** Writes a set's lock file atomically. Problem: `run/lock-unwritten`. */
export async function writeLock(set: BuildSet, images: readonly LockedRef[]): Promise<Problem | undefined> {
  const file = lockPath(set);
  try {
    await writeFileWhole(file, formatLock(images), { isDurable: true });
    return undefined;
  } catch (error) {
    const denied = deniedProblem(error);
    if (denied !== undefined) return denied;
    const why = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    return problem('run/lock-unwritten', `\`${file}\` cannot be written (${why})`, {
      hint: 'Make the directory of builds.yaml writable.',
    });
  }
}

/** The text of a lock file. */
export function formatLock(images: readonly Pick<LockedRef, 'written' | 'digest'>[]): string {
  const lines = [...images]
    .sort((one, other) => (one.written < other.written ? -1 : 1))
    .map(({ written, digest }) => `    ${JSON.stringify(written)}: ${JSON.stringify(digest)}`);
  const body = lines.length === 0 ? '{}' : `{\n${lines.join(',\n')}\n  }`;
  return `{\n  "version": ${LOCK_VERSION},\n  "images": ${body}\n}\n`;
}

/** Makes a lock from images. Different names of the same image have the same digest. */
export function createLock(images: readonly LockedRef[]): Lock {
  const byName = new Map(images.map(({ ref, digest }) => [fullName(ref), digest]));
  return { images, digestOf: (ref) => byName.get(fullName(ref)) };
}

/** Equal for all names of one image: `alpine`, `docker.io/library/alpine:latest`. */
export function fullName(ref: ImageRef): string {
  return formatImageRef(withDefaultTag(ref));
}

/** Parses the text of a lock file. Problems: `config/bad-lock`, each with its place. */
export async function parseLock(source: SourceFile): Promise<Result<Lock>> {
  const unedited = readUnedited(source.text);
  if (unedited !== undefined) return ok(createLock(unedited));
  const conflict = /^(?:<{7}|={7}|>{7})(?: .*)?$/m.exec(source.text);
  if (conflict !== null) {
    const span = { source, start: conflict.index, end: conflict.index + conflict[0].length };
    return fail([
      wrong(
        `${LOCK_NAME} contains a merge conflict`,
        span,
        'Keep the lines of both sides and remove the markers. If an image has two digests, keep one and run `bake-ts update`.',
      ),
    ]);
  }
  const members = await readMembers(source);
  if (!members.ok) return members;
  const start = { source, start: 0, end: 1 };
  const version = members.value.find((one) => one.name === 'version');
  if (version?.value !== LOCK_VERSION) {
    return fail([
      wrong(
        version === undefined ? `${LOCK_NAME} has no \`version\`` : `${LOCK_NAME} has an unknown version`,
        version?.span ?? start,
        `Use a bake-ts that reads this version (this one reads ${LOCK_VERSION}). If the file is damaged, delete it and run \`bake-ts lock\`.`,
      ),
    ]);
  }
  const images = members.value.find((one) => one.name === 'images');
  if (images?.members === undefined)
    return fail([wrong(`${LOCK_NAME} has no \`images\``, images?.span ?? start)]);
  return readImages(images.members);
}

const HINT = 'Correct the line, or delete the file and run `bake-ts lock`.';

function wrong(message: string, span: Span, hint: string = HINT): Problem {
  return problem('config/bad-lock', message, { span, hint });
}

/** The images of a file that is exactly what `formatLock` writes; undefined: it is not. */
function readUnedited(text: string): readonly LockedRef[] | undefined {
  try {
    const { images } = JSON.parse(text) as { readonly images: Readonly<Record<string, unknown>> };
    const found: LockedRef[] = [];
    for (const [written, digest] of Object.entries(images)) {
      const ref = parseImageRef(written);
      if (ref === undefined || typeof digest !== 'string' || !isDigest(digest)) return undefined;
      found.push({ written, ref, digest });
    }
    const names = new Set(found.map(({ ref }) => fullName(ref)));
    return names.size === found.length && formatLock(found) === text ? found : undefined;
  } catch {
    return undefined;
  }
}

function readImages(members: readonly Member[]): Result<Lock> {
  const problems: Problem[] = [];
  const images = new Map<string, LockedRef>();
  const byName = new Map<string, LockedRef>();
  for (const { name: written, value, span } of members) {
    const ref = parseImageRef(written);
    if (ref === undefined) {
      problems.push(wrong(`\`${written}\` is not a valid image reference`, span));
    } else if (typeof value !== 'string' || !isDigest(value)) {
      const expected = '`sha256:` and 64 hexadecimal digits';
      problems.push(wrong(`\`${written}\` is not locked to a digest (${expected})`, span));
    } else {
      const image = { written, ref, digest: value };
      const other = byName.get(fullName(ref));
      if (other !== undefined && other.digest !== value) {
        const also = other.written === written ? '' : ` (also as \`${other.written}\`)`;
        const message = `\`${written}\` is locked to two digests${also}`;
        problems.push(wrong(message, span, 'Keep one of the lines and delete the other.'));
      }
      byName.set(fullName(ref), image);
      images.set(written, image);
    }
  }
  return problems.length > 0 ? fail(problems) : ok(createLock([...images.values()]));
}

interface Member {
  readonly name: string;
  /** Undefined: not a scalar. */
  readonly value?: unknown;
  /** Members of a nested map, including duplicate names. */
  readonly members?: readonly Member[];
  readonly span: Span;
}

/** The members of the file's map, with places. JSON is a subset of YAML 1.2, and the YAML package reports places. */
async function readMembers(source: SourceFile): Promise<Result<readonly Member[]>> {
  const { isMap, isScalar, parseDocument } = await import('yaml');
  const document = parseDocument(source.text, { uniqueKeys: false, prettyErrors: false });
  if (document.errors.length > 0) {
    return fail(
      document.errors.map(({ message, pos: [start, end] }) =>
        wrong(`${LOCK_NAME} cannot be read: ${message}`, { source, start, end }),
      ),
    );
  }
  const membersOf = (node: unknown): readonly Member[] | undefined =>
    isMap<Node, Node | null>(node)
      ? node.items.map(({ key, value }) => {
          const members = membersOf(value);
          const [start = 0, keyEnd = start + 1] = key.range ?? [];
          return {
            name: isScalar(key) ? String(key.value) : '',
            span: { source, start, end: value?.range?.[1] ?? keyEnd },
            ...(isScalar(value) ? { value: value.value } : {}),
            ...(members === undefined ? {} : { members }),
          };
        })
      : undefined;
  const members = membersOf(document.contents);
  return members === undefined
    ? fail([wrong(`${LOCK_NAME} is not a map`, { source, start: 0, end: Math.min(1, source.text.length) })])
    : ok(members);
}
