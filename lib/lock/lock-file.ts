/**
 * `builds.lock`: outside images as written → digest, beside the root builds.yaml. JSON with one image a line, sorted, so
 * that git merges what two branches added. Read by a scanner of its own and not by `JSON.parse`, since a merge gone
 * wrong leaves conflict markers and doubled names, and both have to be told with their place.
 */
import { randomBytes } from 'node:crypto';
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import {
  type BuildSet,
  type Digest,
  fail,
  formatImageRef,
  isDigest,
  ok,
  type Problem,
  parseImageRef,
  problem,
  type Result,
  type SourceFile,
  type Span,
  withDefaultTag,
} from '../model/mod.ts';

/** Name of the file. */
export const LOCK_NAME = 'builds.lock';
const LOCK_VERSION = 1;

/** Digests that outside images are held to. */
export interface Lock {
  /** As the file has them: image as written → digest. */
  readonly images: ReadonlyMap<string, Digest>;
  /** The locked digest of an image, however it is written; undefined where it is not locked. */
  readonly digestOf: (written: string) => Digest | undefined;
}

/** Absolute path of a set's lock file. */
export function lockPath(set: BuildSet): string {
  return path.join(set.root, LOCK_NAME);
}

/**
 * Reads a set's lock file.
 *
 * @returns undefined where there is none; problems: `config/bad-lock`
 */
export async function readLock(set: BuildSet): Promise<Result<Lock | undefined>> {
  let text: string;
  try {
    text = await readFile(lockPath(set), 'utf8');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    if (code === 'ENOENT') return ok(undefined);
    return fail([problem('config/bad-lock', `\`${lockPath(set)}\` cannot be read (${code})`)]);
  }
  const [first] = set.files;
  const shown = first === undefined || first === '-' ? LOCK_NAME : path.join(path.dirname(first), LOCK_NAME);
  return parseLock({ path: shown, text });
}

/** Writes a set's lock file, whole or not at all. Problem: `run/lock-unwritten`. */
export async function writeLock(
  set: BuildSet,
  images: ReadonlyMap<string, Digest>,
): Promise<Problem | undefined> {
  const file = lockPath(set);
  const draft = `${file}.${randomBytes(6).toString('hex')}.tmp`;
  try {
    await writeFile(draft, formatLock(images));
    await rename(draft, file);
    return undefined;
  } catch (error) {
    await rm(draft, { force: true }).catch(() => undefined);
    const why = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    return problem('run/lock-unwritten', `\`${file}\` cannot be written (${why})`, {
      hint: 'The file lies beside builds.yaml; that folder must be writable.',
    });
  }
}

/** The text of a lock file. */
export function formatLock(images: ReadonlyMap<string, Digest>): string {
  const lines = [...images]
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([image, digest]) => `    ${JSON.stringify(image)}: ${JSON.stringify(digest)}`);
  const body = lines.length === 0 ? '{}' : `{\n${lines.join(',\n')}\n  }`;
  return `{\n  "version": ${LOCK_VERSION},\n  "images": ${body}\n}\n`;
}

/** Makes a lock of its images. Names that mean the same image are one; the first one counts. */
export function createLock(images: ReadonlyMap<string, Digest>): Lock {
  const byMeaning = new Map<string, Digest>();
  for (const [written, digest] of images) {
    const name = meaningOf(written);
    if (!byMeaning.has(name)) byMeaning.set(name, digest);
  }
  return { images, digestOf: (written) => byMeaning.get(meaningOf(written)) };
}

/** `alpine`, `docker.io/library/alpine:latest`: one image. */
export function meaningOf(written: string): string {
  const ref = parseImageRef(written);
  return ref === undefined ? written : formatImageRef(withDefaultTag(ref));
}

/** Reads the text of a lock file. Problems: `config/bad-lock`, each with its place. */
export function parseLock(source: SourceFile): Result<Lock> {
  const problems: Problem[] = [];
  const wrong = (message: string, span: Span, hint?: string): void => {
    problems.push(problem('config/bad-lock', message, { span, hint: hint ?? HINT }));
  };
  const conflict = /^(?:<{7}|={7}|>{7})(?: .*)?$/m.exec(source.text);
  if (conflict !== null) {
    wrong(
      `${LOCK_NAME} holds a merge conflict`,
      { source, start: conflict.index, end: conflict.index + conflict[0].length },
      'Keep the lines of both sides and take the marks away; of two digests for one image keep the newer, or keep either and run `bake-ts update`.',
    );
    return fail(problems);
  }
  const scanned = new Scanner(source).scan();
  if ('at' in scanned) {
    wrong(`${LOCK_NAME} is no JSON: expected ${scanned.expected}`, {
      source,
      start: scanned.at,
      end: Math.min(source.text.length, scanned.at + 1),
    });
    return fail(problems);
  }
  const version = scanned.members.find((one) => one.name === 'version');
  if (version?.value !== LOCK_VERSION) {
    wrong(
      version === undefined
        ? `${LOCK_NAME} does not say its version`
        : `${LOCK_NAME} has a version that is not known here`,
      version?.span ?? { source, start: 0, end: 1 },
      `This version of bake-ts reads version ${LOCK_VERSION}. If the file is damaged, delete it and run \`bake-ts lock\`.`,
    );
    return fail(problems);
  }
  const members = scanned.members.find((one) => one.name === 'images');
  if (typeof members?.value !== 'object') {
    wrong(`${LOCK_NAME} has no \`images\``, members?.span ?? { source, start: 0, end: 1 });
    return fail(problems);
  }
  const images = new Map<string, Digest>();
  const seen = new Map<string, { readonly digest: Digest; readonly name: string }>();
  for (const { name, value, span } of members.value) {
    if (parseImageRef(name) === undefined) wrong(`\`${name}\` is no image reference`, span);
    else if (typeof value !== 'string' || !isDigest(value)) {
      wrong(`\`${name}\` is not locked to a digest (\`sha256:\` and 64 hexadecimal digits)`, span);
    } else {
      const other = seen.get(meaningOf(name));
      if (other !== undefined && other.digest !== value) {
        wrong(
          `\`${name}\` is locked to two digests${other.name === name ? '' : ` (also as \`${other.name}\`)`}`,
          span,
          'Keep the line that you want, delete the other one.',
        );
      }
      seen.set(meaningOf(name), { digest: value, name });
      images.set(name, value);
    }
  }
  return problems.length > 0 ? fail(problems) : ok(createLock(images));
}

const HINT = 'Put the line right, or delete the file and run `bake-ts lock`.';

interface Member {
  readonly name: string;
  /** A nested object is the list of its members. */
  readonly value: string | number | readonly Member[];
  readonly span: Span;
}

interface Unexpected {
  readonly at: number;
  readonly expected: string;
}

/** The part of JSON (RFC 8259) that lock files use: objects, strings, numbers. */
class Scanner {
  readonly #source: SourceFile;
  #at = 0;
  #failure: Unexpected | undefined;

  constructor(source: SourceFile) {
    this.#source = source;
  }

  scan(): { readonly members: readonly Member[] } | Unexpected {
    const members = this.#object();
    if (this.#failure === undefined && this.#peek() !== '') this.#fail('the end of the file');
    return this.#failure ?? { members };
  }

  #object(): readonly Member[] {
    const members: Member[] = [];
    if (!this.#take('{', '`{`') || this.#skip('}')) return members;
    do {
      this.#peek();
      const start = this.#at;
      const name = this.#string('a name in quotes');
      if (name === undefined || !this.#take(':', '`:`')) return members;
      const value = this.#value();
      if (value === undefined) return members;
      members.push({ name, value, span: { source: this.#source, start, end: this.#at } });
    } while (this.#skip(','));
    this.#take('}', '`,` or `}`');
    return members;
  }

  #value(): Member['value'] | undefined {
    const next = this.#peek();
    if (next === '{') {
      const members = this.#object();
      return this.#failure === undefined ? members : undefined;
    }
    if (next === '"') return this.#string('a string');
    const number = this.#match(/-?\d+/y);
    if (number === undefined) this.#fail('a string in quotes');
    return number === undefined ? undefined : Number(number);
  }

  #string(expected: string): string | undefined {
    this.#peek();
    const quoted = this.#match(/"(?:[^"\\\n]|\\.)*"/y);
    try {
      if (quoted !== undefined) return JSON.parse(quoted) as string;
    } catch {
      this.#at -= quoted?.length ?? 0;
    }
    this.#fail(expected);
    return undefined;
  }

  #peek(): string {
    this.#match(/\s+/y);
    return this.#source.text[this.#at] ?? '';
  }

  #skip(mark: string): boolean {
    if (this.#peek() !== mark) return false;
    this.#at += 1;
    return true;
  }

  #take(mark: string, expected: string): boolean {
    if (this.#skip(mark)) return true;
    this.#fail(expected);
    return false;
  }

  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#source.text)?.[0];
    this.#at += found?.length ?? 0;
    return found;
  }

  #fail(expected: string): void {
    this.#failure ??= { at: this.#at, expected };
  }
}
