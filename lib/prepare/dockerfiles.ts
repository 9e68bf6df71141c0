/** Reads the Dockerfiles that a plan needs, each file once for all builds that use it. */
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
  /** Directory that paths in messages are relative to. */
  readonly cwd: string;
  readonly #byPath = new Map<string, Result<Dockerfile>>();
  /** Path → stat signature of the file before it was read. */
  readonly #signatures = new Map<string, string>();
  /** Path → file type and stats when it was first checked; undefined: it could not be checked. */
  readonly #entries = new Map<string, Entry | undefined>();
  /** Path that is not a regular file → the file that is read instead; see `findRead`. */
  readonly #found = new Map<string, string>();
  /** Paths of files that are not UTF-8. */
  readonly #notText = new Set<string>();
  readonly #factsByKey = new Map<string, DockerfileFacts>();
  readonly #counts = new WeakMap<Dockerfile, (name: string) => boolean>();
  readonly #problems = new Map<string, readonly Problem[]>();

  /** @param cwd directory that paths in messages are relative to */
  constructor(cwd: string) {
    this.cwd = cwd;
  }

  /**
   * The parsed Dockerfile of a build; undefined if it is in a remote context. The file is read synchronously: Dockerfiles
   * are small, planning is CPU-bound, and thousands of promises cost more than the reads.
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
    // A frontend that needs no such file may have none, but a file that is named must exist.
    if (isForeign && dockerfile.span === undefined && !existsSync(file))
      return ok(foreignFile({ path: dockerfile.written, text: '' }));
    const key = prefix + file;
    const known = this.#byPath.get(key);
    if (known !== undefined) return known;
    const read = this.#read(file, parse);
    this.#byPath.set(key, read);
    return read;
  }

  /** The path of the file that is read as a build's Dockerfile; undefined if it is inline or in a remote context. */
  pathOf(build: Build): string | undefined {
    const { dockerfile, context } = build;
    if (dockerfile.kind === 'inline') return undefined;
    if (context.ref.kind !== 'local' && !path.isAbsolute(dockerfile.path)) return undefined;
    if (this.#look(dockerfile.path)?.isFile === true) return dockerfile.path;
    const found = this.#found.get(dockerfile.path) ?? findRead(dockerfile.path);
    this.#found.set(dockerfile.path, found);
    return found;
  }

  /** The source of a build's Dockerfile; undefined if it is inline or in a remote context. */
  sourceOf(build: Build): SourceFile | undefined {
    if (build.dockerfile.kind === 'inline') return undefined;
    const dockerfile = this.dockerfileOf(build);
    return dockerfile?.ok === true ? dockerfile.value.source : undefined;
  }

  /** Whether the Dockerfile is valid UTF-8: other bytes are read as U+FFFD, so its content is not fully known. */
  isText(build: Build): boolean {
    const file = this.pathOf(build);
    return file === undefined || !this.#notText.has(file);
  }

  /**
   * Checks again: true if the Dockerfile was not touched since it was read, so that the engine got the same content. A
   * file that was edited and changed back counts as touched.
   */
  isUntouched(build: Build): boolean {
    if (build.dockerfile.kind === 'inline') return true;
    const file = this.pathOf(build);
    const source = this.sourceOf(build);
    if (file === undefined || source === undefined) return true;
    if (findRead(build.dockerfile.path) !== file) return false;
    // A frontend that needs no file had none.
    if (!this.#signatures.has(file)) return !existsSync(file);
    try {
      const signature = statSignature(statSync(file, { bigint: true }));
      return signature === this.#signatures.get(file) && readFileSync(file, 'utf8') === source.text;
    } catch {
      return false;
    }
  }

  /** The information for the planner. A Dockerfile that cannot be read is recorded; see `problemsOf`. */
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
   * What a build's Dockerfile reads, assuming that its base images have no triggers; undefined if it is not available or
   * cannot be read.
   */
  factsOf(build: Build): DockerfileFacts | undefined {
    const dockerfile = this.dockerfileOf(build);
    if (dockerfile?.ok !== true) return undefined;
    const facts = this.#inspect(build, dockerfile.value);
    return facts.ok ? facts.value : undefined;
  }

  /** Ids of the cache mounts in all stages of a build's Dockerfile; empty if it is not available. */
  cacheMountsOf(build: Build): readonly string[] {
    const dockerfile = this.dockerfileOf(build);
    return dockerfile?.ok === true ? [...declaredBy(dockerfile.value).cacheMounts] : [];
  }

  /** Problems with a build's Dockerfile that were found when the planner requested it. */
  problemsOf(build: string): readonly Problem[] {
    return this.#problems.get(build) ?? [];
  }

  #inspect(build: Build, dockerfile: Dockerfile): Result<DockerfileFacts> {
    // Rows of a matrix whose arguments are only used by steps share one inspection.
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

  /** Whether a Dockerfile may be a symlink; false only if it is known not to be one. */
  isLink(file: string): boolean {
    return this.#look(file)?.isFile !== true;
  }

  /** Checks a file once, both for resolving and for reading it. */
  #look(file: string): Entry | undefined {
    if (this.#entries.has(file)) return this.#entries.get(file);
    let entry: Entry | undefined;
    try {
      const found = lstatSync(file, { bigint: true, throwIfNoEntry: false });
      entry = found === undefined ? undefined : entryOf(found);
    } catch {
      // Reading it reports the reason.
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
      // A valid symlink would have been followed.
      if (entry?.isLink === true) return fail([unreadable(shown, LEADS_OUT)]);
      // Devices and pipes have no end, and reading a pipe blocks until somebody writes to it.
      if (found.isSpecial) return fail([unreadable(shown, 'not a regular file')]);
      if (found.isTooBig) return fail([tooBig(shown)]);
      this.#signatures.set(file, found.signature);
      // Reading as text is fastest; few files contain the replacement character for invalid UTF-8.
      const text = readFileSync(file, 'utf8');
      if (text.includes('\uFFFD') && !Buffer.from(text).equals(readFileSync(file))) this.#notText.add(file);
      return parse({ path: shown, text });
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
      return fail([deniedProblem(error) ?? unreadable(shown, code)]);
    }
  }
}

/** The part of a file's stats that is needed; the whole object is large. */
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

/** BuildKit's frontend gets it in one message (gRPC, 16 MiB in total); parsing more would be useless. */
const MAX_DOCKERFILE_BYTES = 8 * 1024 * 1024;

function tooBig(file: string): Problem {
  return problem('dockerfile/too-big', `\`${file}\` has more than 8 MiB`, {
    hint: 'Copy large files from the context instead of embedding them in the Dockerfile.',
  });
}

/** If the whole context is missing, that is reported rather than the missing Dockerfile. */
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

/** The hint for a missing context. */
export function hintForMissing(isBake: true | undefined): string {
  const start =
    isBake === true
      ? 'Paths are relative to the working directory if the file is given, and to the file if it is found.'
      : 'Paths are relative to the file they are written in.';
  return `${start} BuildKit would treat a missing directory as empty.`;
}

/** A missing Dockerfile is reported at the key in builds.yaml that names it (or the context in which it is expected). */
function showAt(found: Problem, build: Build): Problem {
  if (found.span !== undefined) return { ...found, build: build.name };
  const span = build.dockerfile.span ?? build.context.span ?? build.span;
  const own = 'Set `dockerfile:` (relative to the context) or `context:`.';
  const ofBake = 'Set `dockerfile` (relative to the context) or `context` of the target.';
  const hint = found.hint ?? (build.isBake === true ? ofBake : own);
  return { ...found, build: build.name, hint, ...(span === undefined ? {} : { span }) };
}
