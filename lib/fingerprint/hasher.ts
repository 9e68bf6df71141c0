/** Hashes what a build reads from its contexts, each file once in a run, and checks afterwards whether it changed. */
import { stat } from 'node:fs/promises';
import type { ContextReads, IgnoreRules } from '../dockerfile/mod.ts';
import {
  type FilePart,
  fail,
  ok,
  type Problem,
  problem,
  type Result,
  type Span,
  wasCancelled,
} from '../model/mod.ts';
import { codeOf, messageOfDenied, PathList, SIGNATURE_FIELDS } from './batch.ts';
import { BatchPool, type BatchQueue } from './pool.ts';
import { sentMode } from './sent-mode.ts';
import { StatCache, toHex } from './stat-cache.ts';
import { StatTable } from './stat-table.ts';
import { type Found, walkContext } from './walk.ts';

/** One context as one build reads it. */
export interface ContextRequest {
  /** Absolute. */
  readonly root: string;
  /** As the user wrote it, for messages. */
  readonly written: string;
  readonly span?: Span;
  readonly reads: ContextReads;
  readonly ignore: IgnoreRules;
  readonly signal?: AbortSignal;
}

/** The content that a build reads from a context. */
export interface HashedContext {
  /** Absolute. */
  readonly root: string;
  /** Sorted by path. */
  readonly files: readonly FilePart[];
  /** Paths that are not in `files` but may be sent: their names or link targets are not UTF-8. Sorted. */
  readonly odd: readonly string[];
  /** Number of regular files. */
  readonly fileCount: number;
  /** Sum of their sizes. */
  readonly bytes: number;
  /** Stat signatures of the files, only for {@link ContextHasher.recheck}. */
  readonly stats: StatTable;
}

const BATCH_FILES = 512;
/** With fewer files or bytes, starting a thread costs more than it saves. */
const PARALLEL_FILES = 3000;
const PARALLEL_BYTES = 32 << 20;
/** Bytes per batch of reading, so that large files are distributed over the threads. */
const BATCH_BYTES = 8 << 20;
/** A batch of this size is one large file; reading it on this thread would delay the reaction to Ctrl-C too long. */
const LONG_BYTES = 256 << 20;
const EMPTY_SHA256 = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';
const UNREADABLE_SHOWN = 10;

/**
 * Hashes contexts. Lives for one run and reads everything once, so that builds with a common context share the work and
 * see one state of it; {@link ContextHasher.recheck} reads again. Must be closed.
 */
export class ContextHasher {
  readonly #directory: string | undefined;
  readonly #onStrange: (file: string) => void;
  readonly #pool: BatchPool;
  readonly #caches = new Map<string, StatCache>();
  readonly #tables = new Map<string, StatTable>();
  /** Earlier results of this run. */
  readonly #answers = new Map<string, Promise<Result<HashedContext>>>();
  /** Only one pass at a time: the next one finds most of its work done. */
  #last: Promise<unknown> = Promise.resolve();

  /**
   * `stateDirectory`: where hashes are cached between runs; undefined: nowhere. `workers`: extra threads. `onStrange` is
   * called with each cache file that is invalid.
   */
  constructor(
    options: {
      readonly stateDirectory?: string;
      readonly workers?: number;
      readonly onStrange?: (file: string) => void;
    } = {},
  ) {
    this.#directory = options.stateDirectory;
    this.#onStrange = options.onStrange ?? (() => undefined);
    this.#pool = new BatchPool(options.workers);
  }

  /**
   * Hashes what a build reads from a context. Problems: `context/missing`, `context/not-a-directory`,
   * `context/unreadable` (BuildKit's client would silently send such a file empty), `run/cancelled`.
   */
  hash(request: ContextRequest): Promise<Result<HashedContext>> {
    const question = questionOf(request);
    const known = this.#answers.get(question);
    if (known !== undefined) return known;
    const answer = this.#inTurn(async () => {
      const stats = this.#tables.get(request.root) ?? new StatTable();
      this.#tables.set(request.root, stats);
      const result = await this.#pass(request, stats);
      if (!result.ok) {
        // Problems are reported with the path as this build writes it, and a cancelled pass has no result. Paths that
        // were not checked must not look like deleted ones in the next pass.
        this.#answers.delete(question);
        this.#tables.delete(request.root);
      }
      return result;
    });
    this.#answers.set(question, answer);
    return answer;
  }

  /**
   * Checks the signatures of everything that `hash` saw again, and lists the paths that changed, sorted; empty: nothing
   * changed. For use after a build: if something changed meanwhile, it is not known whether it was sent before or after.
   * A touched file with equal content counts as changed, and so does a directory (`.`: the context itself) in which
   * entries were created or removed, since temporary files may have been sent.
   */
  recheck(request: ContextRequest, hashed: HashedContext): Promise<Result<readonly string[]>> {
    return this.#inTurn(async () => {
      const stats = new StatTable();
      const now = await this.#pass(request, stats);
      if (!now.ok) return now;
      const after = new Map(now.value.files.map((part) => [part.path, part]));
      const changed: string[] = [];
      for (const before of hashed.files) {
        const part = after.get(before.path);
        after.delete(before.path);
        const isSame = part !== undefined && isEqualPart(before, part);
        if (!isSame || !hashed.stats.isSame(before.path, stats)) changed.push(before.path);
      }
      // Only if this build reads all of it: another build with the same context may have checked it too.
      if (stats.row('.') !== undefined && !hashed.stats.isSame('.', stats)) changed.push('.');
      changed.push(...after.keys());
      return ok(changed.sort());
    });
  }

  /** Saves the hashes for the next run. */
  async save(): Promise<void> {
    await Promise.all([...this.#caches.values()].map((cache) => cache.save()));
  }

  /** Stops the threads. */
  close(): Promise<void> {
    return this.#pool.close();
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#last.then(work);
    this.#last = result.catch(() => undefined);
    return result;
  }

  async #pass(request: ContextRequest, stats: StatTable): Promise<Result<HashedContext>> {
    const problems = await checkRoot(request);
    if (problems !== undefined) return fail([problems]);
    if (request.reads !== 'all' && request.reads.length === 0) {
      return ok({ root: request.root, files: [], odd: [], fileCount: 0, bytes: 0, stats });
    }
    const cache = this.#cache(request.root);
    if (cache.size >= PARALLEL_FILES) this.#pool.start();
    const walk = await this.#walk(request, stats);
    if (!walk.ok) return walk;
    const read = await this.#read(request, walk.value, stats, cache);
    return read.ok ? ok(assemble(request.root, walk.value, stats)) : read;
  }

  #cache(root: string): StatCache {
    const cache = this.#caches.get(root) ?? StatCache.open(this.#directory, root, this.#onStrange);
    this.#caches.set(root, cache);
    return cache;
  }

  /** Walks the tree and stats files at the same time. */
  async #walk(request: ContextRequest, stats: StatTable): Promise<Result<Found>> {
    const first = stats.size;
    const full: PathList[] = [];
    let batch = new PathList();
    let queue: BatchQueue | undefined;
    const send = (parallel: boolean): BatchQueue => {
      const opened = queue ?? this.#pool.open(request.root, parallel);
      for (const paths of full.splice(0)) opened.add('stat', paths);
      return opened;
    };
    const found = walkContext(request.root, request.reads, request.ignore, (path, directory, name) => {
      const known = first === 0 ? undefined : stats.row(path);
      if (known !== undefined) return known;
      if (batch.count === BATCH_FILES) {
        full.push(batch);
        batch = new PathList();
        if (stats.size - first >= PARALLEL_FILES) queue = send(true);
      }
      batch.add(directory, name);
      return stats.add(path);
    });
    full.push(batch);
    const results = await send(false).drain(request.signal);
    if (results === undefined) return fail([wasCancelled()]);
    const failures = [...found.failures];
    let row = first;
    for (const { signatures, failures: failed } of results) {
      stats.fill(row, signatures);
      for (const { index, code } of failed) failures.push({ path: stats.path(row + index), code });
      row += signatures.length / SIGNATURE_FIELDS;
    }
    return failures.length > 0 ? fail(unreadable(request, failures)) : ok(found);
  }

  /** Finds the hash of every file: in this run, in the cache, or by reading it. */
  async #read(
    request: ContextRequest,
    found: Found,
    stats: StatTable,
    cache: StatCache,
  ): Promise<Result<void>> {
    const unread: number[] = [];
    let bytes = 0;
    for (const [index, row] of found.rows.entries()) {
      if (found.kinds[index] !== 'file' || stats.hash(row) !== undefined || stats.mode(row) === 0) continue;
      const hash = cache.find(found.paths[index] ?? '', stats.signatures, row);
      if (hash !== undefined) stats.setHash(row, hash);
      else {
        unread.push(row);
        bytes += stats.sizeBytes(row);
      }
    }
    if (unread.length === 0) return ok(undefined);
    const queue = this.#pool.open(request.root, unread.length >= PARALLEL_FILES || bytes >= PARALLEL_BYTES);
    for (const { paths, bytes: size } of splitForReading(unread, stats))
      queue.add('read', paths, size >= LONG_BYTES);
    const results = await queue.drain(request.signal);
    if (results === undefined) return fail([wasCancelled()]);
    const failures: { path: string; code: string }[] = [];
    let at = 0;
    for (const { signatures, hashes, startedAt, failures: failed } of results) {
      const failedCodes = new Map(failed.map(({ index, code }) => [index, code]));
      for (let index = 0; index < signatures.length / SIGNATURE_FIELDS; index += 1) {
        const row = unread[at++] ?? 0;
        const path = stats.path(row);
        const code = failedCodes.get(index);
        if (code !== undefined) failures.push({ path, code });
        if (code !== undefined || hashes === undefined) continue;
        stats.update(row, signatures, index, toHex(hashes, index));
        if (stats.mode(row) !== 0) cache.remember(path, signatures, hashes, index, startedAt);
      }
    }
    return failures.length > 0 ? fail(unreadable(request, failures)) : ok(undefined);
  }
}

/** Equal for requests that have the same result in one run. */
function questionOf({ root, reads, ignore }: ContextRequest): string {
  const wanted =
    reads === 'all' ? reads : reads.map(({ source, include, exclude }) => [source, include, exclude]);
  const rules = ignore.rules.map(({ pattern, isException }) => (isException ? `!${pattern}` : pattern));
  return JSON.stringify([root, wanted, rules]);
}

/** Rows in order, in batches. */
function splitForReading(
  rows: readonly number[],
  stats: StatTable,
): readonly { readonly paths: PathList; readonly bytes: number }[] {
  const batches: { readonly paths: PathList; readonly bytes: number }[] = [];
  let batch = new PathList();
  let bytes = 0;
  for (const row of rows) {
    if (batch.count >= BATCH_FILES || bytes >= BATCH_BYTES) {
      batches.push({ paths: batch, bytes });
      batch = new PathList();
      bytes = 0;
    }
    batch.add('', stats.path(row));
    bytes += stats.sizeBytes(row);
  }
  batches.push({ paths: batch, bytes });
  return batches;
}

function assemble(root: string, found: Found, stats: StatTable): HashedContext {
  const files: FilePart[] = [];
  let fileCount = 0;
  let bytes = 0;
  for (const [index, path] of found.paths.entries()) {
    const kind = found.kinds[index];
    const row = found.rows[index] ?? 0;
    if (kind === 'symlink') {
      files.push({ path, kind, mode: 0o777, content: found.links.get(path) ?? '' });
      continue;
    }
    const systemMode = stats.mode(row);
    // Deleted between the walk and its stat.
    if (systemMode === 0) continue;
    const mode = sentMode(systemMode);
    if (kind === 'file') {
      files.push({ path, kind, mode, content: stats.hash(row) ?? '' });
      fileCount += 1;
      bytes += stats.sizeBytes(row);
    } else if (kind === 'dir') files.push({ path, kind, mode, content: '' });
    // BuildKit sends sockets as empty files; pipes and devices keep their types.
    else if ((systemMode & 0o170000) === 0o140000)
      files.push({ path, kind: 'file', mode, content: EMPTY_SHA256 });
    else files.push({ path, kind: 'other', mode, content: String((systemMode & 0o170000) >> 12) });
  }
  files.sort((one, other) => (one.path < other.path ? -1 : 1));
  return { root, files, odd: [...found.odd].sort(), fileCount, bytes, stats };
}

function isEqualPart(one: FilePart, other: FilePart): boolean {
  return one.kind === other.kind && one.mode === other.mode && one.content === other.content;
}

async function checkRoot(request: ContextRequest): Promise<Problem | undefined> {
  const place = request.span === undefined ? {} : { span: request.span };
  try {
    if ((await stat(request.root)).isDirectory()) return undefined;
  } catch (error) {
    const code = codeOf(error);
    if (code !== 'ENOENT' && code !== 'ENOTDIR') return unreadable(request, [{ path: '.', code }])[0];
    return problem('context/missing', `the context ${request.written} does not exist`, {
      ...place,
      hint: `Create ${request.root} or correct the path; BuildKit would build with an empty context.`,
    });
  }
  return problem('context/not-a-directory', `the context ${request.written} is not a directory`, {
    ...place,
    hint: 'Name the directory that holds the files.',
  });
}

function unreadable(
  request: ContextRequest,
  failures: readonly { readonly path: string; readonly code: string }[],
): readonly Problem[] {
  const place = request.span === undefined ? {} : { span: request.span };
  const problems = failures.slice(0, UNREADABLE_SHOWN).map(({ path, code }): Problem => {
    const denied = messageOfDenied(code);
    const what = `${path} in the context ${request.written}`;
    if (denied !== undefined) return problem('system/permission', denied, place);
    return problem('context/unreadable', `${what} cannot be read (${reasonOf(code)})`, {
      ...place,
      hint: 'Make it readable, or exclude it with .dockerignore; BuildKit would treat it as empty, or fail.',
    });
  });
  const rest = failures.length - problems.length;
  if (rest > 0) {
    problems.push(
      problem(
        'context/unreadable',
        `${rest} more paths in the context ${request.written} cannot be read`,
        place,
      ),
    );
  }
  return problems;
}

function reasonOf(code: string): string {
  if (code === 'EACCES' || code === 'EPERM') return 'permission denied';
  if (code === 'EBUSY') return 'it is being written to';
  return code;
}
