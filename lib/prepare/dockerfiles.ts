/**
 * Reads the Dockerfiles that a plan needs: each file once, however many builds use it.
 */
import { type BigIntStats, existsSync, lstatSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import {
  argumentFilter,
  type Dockerfile,
  type DockerfileFacts,
  declaredBy,
  foreignFile,
  inspectDockerfile,
  optionsOf,
  parseDockerfile,
} from '../dockerfile/mod.ts';
import {
  type Build,
  fail,
  hasForeignFrontend,
  ok,
  type Problem,
  problem,
  type Result,
  type SourceFile,
  unknownOptions,
} from '../model/mod.ts';
import type { DockerfileReads } from '../plan/mod.ts';
import { deniedProblem } from '../util/permission.ts';
import { statSignature } from '../util/stat-signature.ts';
import { findRead } from './default-dockerfile.ts';

/** Dockerfiles by build, read on first need. */
export class DockerfileLibrary {
  /** Directory that paths in messages are made relative to. */
  readonly cwd: string;
  readonly #byPath = new Map<string, Result<Dockerfile>>();
  /** Path → stat signature of the file before it was read. */
  readonly #signatures = new Map<string, string>();
  /** Path → what it was when it was first looked at; undefined: nothing that could be looked at. */
  readonly #entries = new Map<string, Entry | undefined>();
  /** Path of what is no regular file → of what is read for it; see `findRead`. */
  readonly #found = new Map<string, string>();
  /** Paths of those that are not UTF-8. */
  readonly #notText = new Set<string>();
  readonly #factsByKey = new Map<string, DockerfileFacts>();
  readonly #counts = new WeakMap<Dockerfile, (name: string) => boolean>();
  readonly #problems = new Map<string, readonly Problem[]>();

  /** @param cwd directory that paths in messages are made relative to */
  constructor(cwd: string) {
    this.cwd = cwd;
  }

  /**
   * The parsed Dockerfile of a build; undefined where it comes with a remote context. The file is read synchronously:
   * they are small, planning is CPU-bound, and thousands of promises cost more than the reads.
   */
  dockerfileOf(build: Build): Result<Dockerfile> | undefined {
    const { dockerfile } = build;
    const isForeign = hasForeignFrontend(build);
    const parse = isForeign ? (source: SourceFile) => ok(foreignFile(source)) : parseDockerfile;
    const prefix = isForeign ? 'foreign:' : '';
    if (dockerfile.kind === 'inline') {
      const key = `${prefix}inline:${dockerfile.text}`;
      const known = this.#byPath.get(key);
      if (known !== undefined) return known;
      const parsed = parse({ path: `${build.name}: dockerfile-inline`, text: dockerfile.text });
      this.#byPath.set(key, parsed);
      return parsed;
    }
    const file = this.pathOf(build);
    if (file === undefined) return undefined;
    // A frontend that reads no such file needs none; one that is named must be there.
    if (isForeign && dockerfile.span === undefined && !existsSync(file))
      return ok(foreignFile({ path: dockerfile.written, text: '' }));
    const key = prefix + file;
    const known = this.#byPath.get(key);
    if (known !== undefined) return known;
    const read = this.#read(file, parse);
    this.#byPath.set(key, read);
    return read;
  }

  /** The path of the file that is read as a build's Dockerfile; undefined for one in builds.yaml or in a remote context. */
  pathOf(build: Build): string | undefined {
    const { dockerfile, context } = build;
    if (dockerfile.kind === 'inline') return undefined;
    if (context.ref.kind !== 'local' && !path.isAbsolute(dockerfile.path)) return undefined;
    if (this.#look(dockerfile.path)?.isFile === true) return dockerfile.path;
    const found = this.#found.get(dockerfile.path) ?? findRead(dockerfile.path);
    this.#found.set(dockerfile.path, found);
    return found;
  }

  /** What a build's Dockerfile says, with its place; undefined for one in builds.yaml or in a remote context. */
  sourceOf(build: Build): SourceFile | undefined {
    if (build.dockerfile.kind === 'inline') return undefined;
    const dockerfile = this.dockerfileOf(build);
    return dockerfile?.ok === true ? dockerfile.value.source : undefined;
  }

  /** Whether what is known of a build's Dockerfile is all that it says: other bytes than UTF-8 are known as U+FFFD only. */
  isText(build: Build): boolean {
    const file = this.pathOf(build);
    return file === undefined || !this.#notText.has(file);
  }

  /**
   * Checks again: true where nobody touched the Dockerfile since it was read, so that it is what was sent to the engine
   * in between. One that was edited and edited back is touched.
   */
  isUntouched(build: Build): boolean {
    if (build.dockerfile.kind === 'inline') return true;
    const file = this.pathOf(build);
    const source = this.sourceOf(build);
    if (file === undefined || source === undefined) return true;
    if (findRead(build.dockerfile.path) !== file) return false;
    // A frontend that needs none had none.
    if (!this.#signatures.has(file)) return !existsSync(file);
    try {
      const signature = statSignature(statSync(file, { bigint: true }));
      return signature === this.#signatures.get(file) && readFileSync(file, 'utf8') === source.text;
    } catch {
      return false;
    }
  }

  /** What the planner wants to know; a Dockerfile that cannot be read is noted, see `problemsOf`. */
  readsOf(build: Build): DockerfileReads | undefined {
    const dockerfile = this.dockerfileOf(build);
    if (dockerfile === undefined)
      return {
        images: [],
        contexts: [],
        onbuild: [],
        unknowns: [{ kind: 'remote-dockerfile', text: 'the Dockerfile is inside a remote context' }],
      };
    if (!dockerfile.ok) {
      this.#problems.set(
        build.name,
        dockerfile.error.map((one) => missingContext(one, build) ?? showAt(one, build)),
      );
      return undefined;
    }
    const facts = this.#inspect(build, dockerfile.value);
    if (facts.ok) return facts.value;
    this.#problems.set(
      build.name,
      facts.error.map((one) => showAt(one, build)),
    );
    return undefined;
  }

  /**
   * What a build's Dockerfile says by itself, its base images taken to have no triggers; undefined where it is not at hand
   * or cannot be read.
   */
  factsOf(build: Build): DockerfileFacts | undefined {
    const dockerfile = this.dockerfileOf(build);
    if (dockerfile?.ok !== true) return undefined;
    const facts = this.#inspect(build, dockerfile.value);
    return facts.ok ? facts.value : undefined;
  }

  /** Ids of the cache mounts of a build's Dockerfile, whatever stages it needs; none where it is not at hand. */
  cacheMountsOf(build: Build): readonly string[] {
    const dockerfile = this.dockerfileOf(build);
    return dockerfile?.ok === true ? [...declaredBy(dockerfile.value).cacheMounts] : [];
  }

  /** What was wrong with a build's Dockerfile when the planner asked for it. */
  problemsOf(build: string): readonly Problem[] {
    return this.#problems.get(build) ?? [];
  }

  #inspect(build: Build, dockerfile: Dockerfile): Result<DockerfileFacts> {
    // A matrix of arguments that only steps use is inspected once.
    const counts = this.#counts.get(dockerfile) ?? argumentFilter(dockerfile);
    this.#counts.set(dockerfile, counts);
    const key = [
      build.dockerfile.kind === 'file' ? build.dockerfile.path : build.dockerfile.text,
      build.target ?? '',
      ...[...build.args].map(([name, value]) => (counts(name) ? `${name}=${value}` : name)),
      ...build.platforms,
      '|',
      ...build.contexts.keys(),
      '|',
      build.frontendImage?.image ?? '',
      ...unknownOptions(build),
    ].join('\0');
    const known = this.#factsByKey.get(key);
    if (known !== undefined) return { ok: true, value: known };
    const facts = inspectDockerfile(dockerfile, {
      ...optionsOf(build),
      contextNames: new Set(build.contexts.keys()),
      unknownBases: 'plain',
    });
    if (facts.ok) this.#factsByKey.set(key, facts.value);
    return facts;
  }

  /** Whether a Dockerfile may be a symlink; false only where it is known to be none. */
  isLink(file: string): boolean {
    return this.#look(file)?.isFile !== true;
  }

  /** Looks at a file once, so that checking where it leads and reading it do not both do. */
  #look(file: string): Entry | undefined {
    if (this.#entries.has(file)) return this.#entries.get(file);
    let entry: Entry | undefined;
    try {
      const found = lstatSync(file, { bigint: true, throwIfNoEntry: false });
      entry = found === undefined ? undefined : entryOf(found);
    } catch {
      // Reading it says why.
    }
    this.#entries.set(file, entry);
    return entry;
  }

  #read(file: string, parse: (source: SourceFile) => Result<Dockerfile>): Result<Dockerfile> {
    const relative = path.relative(this.cwd, file);
    const shown = relative.startsWith('..') ? file : relative;
    try {
      const entry = this.#look(file);
      const found = entry?.isLink === false ? entry : entryOf(statSync(file, { bigint: true }));
      // Else it would have been followed.
      if (entry?.isLink === true) return fail([unreadable(shown, LEADS_OUT)]);
      // Devices and pipes have no end, and reading a pipe waits for somebody at its other end.
      if (found.isSpecial) return fail([unreadable(shown, 'not a regular file')]);
      if (found.isTooBig) return fail([tooBig(shown)]);
      this.#signatures.set(file, found.signature);
      // Read as a text, which is the fastest way; few hold the sign for what is not UTF-8.
      const text = readFileSync(file, 'utf8');
      if (text.includes('\uFFFD') && !Buffer.from(text).equals(readFileSync(file))) this.#notText.add(file);
      return parse({ path: shown, text });
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
      return fail([deniedProblem(error) ?? unreadable(shown, code)]);
    }
  }
}

/** What counts of a file's stats, which are large. */
interface Entry {
  readonly isLink: boolean;
  readonly isFile: boolean;
  readonly isSpecial: boolean;
  readonly isTooBig: boolean;
  readonly signature: string;
}

function entryOf(found: BigIntStats): Entry {
  const isLink = found.isSymbolicLink();
  return {
    isLink,
    isFile: found.isFile(),
    isSpecial: !isLink && !found.isFile() && !found.isDirectory(),
    isTooBig: found.size > MAX_DOCKERFILE_BYTES,
    signature: statSignature(found),
  };
}

const LEADS_OUT = 'a symlink out of its directory, which BuildKit does not follow';

function unreadable(file: string, why: string): Problem {
  const what = why === 'ENOENT' ? 'there is no Dockerfile' : `the Dockerfile cannot be read (${why}):`;
  return problem('dockerfile/missing', `${what} \`${file}\``);
}

/** BuildKit's frontend gets it in one message (gRPC, 16 MiB in all); parsing more than that helps nobody. */
const MAX_DOCKERFILE_BYTES = 8 * 1024 * 1024;

function tooBig(file: string): Problem {
  return problem('dockerfile/too-big', `\`${file}\` has more than 8 MiB`, {
    hint: 'Copy large files from the context instead of embedding them in the Dockerfile.',
  });
}

/** Where the whole context is not there, that is what is wrong, and not that it has no Dockerfile. */
function missingContext(
  found: Problem,
  { name, context, dockerfile, span, isBake }: Build,
): Problem | undefined {
  if (found.code !== 'dockerfile/missing' || context.ref.kind !== 'local') return undefined;
  const isInside = dockerfile.kind === 'file' && dockerfile.path.startsWith(`${context.ref.path}${path.sep}`);
  if (!isInside || existsSync(context.ref.path)) return undefined;
  const place = context.span ?? span;
  return problem('context/missing', `the context of \`${name}\` does not exist: ${context.written}`, {
    build: name,
    ...(place === undefined ? {} : { span: place }),
    hint: hintForMissing(isBake),
  });
}

/** What to do about a context that is not there. */
export function hintForMissing(isBake: true | undefined): string {
  const start =
    isBake === true
      ? 'Paths are relative to the working directory if the file is given, and to the file if it is found.'
      : 'Paths are relative to the file they are written in.';
  return `${start} BuildKit would treat a missing directory as empty.`;
}

/** A missing Dockerfile is shown where builds.yaml names it (or the context it is looked for in). */
function showAt(found: Problem, build: Build): Problem {
  if (found.span !== undefined) return { ...found, build: build.name };
  const span = build.dockerfile.span ?? build.context.span ?? build.span;
  const own = 'Set `dockerfile:` (relative to the context) or `context:`.';
  const ofBake = 'Set `dockerfile` (relative to the context) or `context` of the target.';
  const hint = found.hint ?? (build.isBake === true ? ofBake : own);
  return { ...found, build: build.name, hint, ...(span === undefined ? {} : { span }) };
}
