/** The data of a recorded run, and validation of its summary, which may have been written by anybody. */
import { type ChangedFiles, isDigest, type Outcome, type RunSummary } from '../model/mod.ts';
import { isTime } from './event-fields.ts';

/** How a run ended. `did-not-end`: it was killed, or its machine went down. */
export type KeptResult = 'succeeded' | 'failed' | 'cancelled' | 'running' | 'did-not-end';

/** A commit of git. */
export interface CommitState {
  /** Full id. */
  readonly id: string;
  /** False: files differed from it, or there were new files that git does not ignore. Absent: not known. */
  readonly clean?: boolean;
}

/** The result for one build. */
export interface KeptBuild {
  /** Its name. */
  readonly build: string;
  /** Its result. */
  readonly result: Outcome['kind'];
  /** How long it took (milliseconds). */
  readonly durationMs: number;
  /** Size of its image, compressed; absent if not known. */
  readonly sizeBytes?: number;
  /** Digest of its image; absent if there is none. */
  readonly digest?: string;
  /** Why it was built or skipped, in one sentence; absent in runs of older versions, and if it was never decided. */
  readonly reason?: string;
  /** What is wrong, in one sentence. */
  readonly problem?: string;
}

/** What is known at the start of a run, except the commit. */
export interface RunHead {
  /** As `bake-ts history` lists it. */
  readonly runId: string;
  /** ISO 8601. */
  readonly startedAt: string;
  /** Of bake-ts. */
  readonly version: string;
  /** `node 24.9.0`, `deno 2.9.6`. */
  readonly runtime: string;
  /** Directory of the project, absolute. */
  readonly root: string;
  /** Files that the builds were read from. */
  readonly files: readonly string[];
  /** Command-line arguments after the program's name, without sensitive values. */
  readonly command?: readonly string[];
  /** The commit that was checked out; absent without repository or git, or if not known yet. */
  readonly commit?: CommitState;
  /** For a round of a watch, the changes that led to it. */
  readonly changed?: ChangedFiles;
}

/** The result of a run. */
export interface RunEnd {
  readonly result: 'succeeded' | 'failed' | 'cancelled';
  readonly durationMs: number;
  readonly builds: readonly KeptBuild[];
  /** Problems of the run as a whole, one sentence each. */
  readonly problems: readonly string[];
}

/** The content of summary.json. */
export interface SummaryFile extends RunHead {
  /** Version of the format. */
  readonly form: number;
  /** The process of the run, in the format of lib/engine/owner.ts. */
  readonly owner?: unknown;
  readonly end?: RunEnd;
}

export const SUMMARY_FORM = 1;

/** What `history` shows of a build's outcome. */
export function keptBuild(outcome: Outcome): KeptBuild {
  const { build, kind, durationMs, sizeBytes, digest, reason, problem } = outcome;
  return {
    build,
    result: kind,
    durationMs,
    ...(sizeBytes === undefined ? {} : { sizeBytes }),
    ...(digest === undefined ? {} : { digest }),
    ...(reason === undefined ? {} : { reason: reason.text }),
    ...(problem === undefined ? {} : { problem: problem.message }),
  };
}

/** The result of a run, from its summary event. */
export function runEnd({ ok, cancelled, durationMs, outcomes, problems }: RunSummary): RunEnd {
  return {
    result: cancelled ? 'cancelled' : ok ? 'succeeded' : 'failed',
    durationMs,
    builds: outcomes.map(keptBuild),
    problems: problems.map(({ message }) => message),
  };
}

type Unknown = Readonly<Record<string, unknown>>;
const KINDS: ReadonlySet<unknown> = new Set<Outcome['kind']>([
  'built',
  'retagged',
  'unchanged',
  'failed',
  'cancelled',
  'blocked',
]);
const RESULTS: ReadonlySet<unknown> = new Set<RunEnd['result']>(['succeeded', 'failed', 'cancelled']);

/** A valid summary of this version. */
export function isSummaryFile(value: unknown): value is SummaryFile {
  if (!isObject(value) || value['form'] !== SUMMARY_FORM) return false;
  const { runId, startedAt, version, runtime, root, files, command, commit, changed, end } = value;
  return (
    [runId, version, runtime, root].every(isText) &&
    isText(startedAt) &&
    isTime(Date.parse(startedAt)) &&
    isListOf(files, isText) &&
    (command === undefined || isListOf(command, isText)) &&
    (commit === undefined || isCommit(commit)) &&
    (changed === undefined || isChanged(changed)) &&
    (end === undefined || isEnd(end))
  );
}

function isCommit(value: unknown): boolean {
  if (!isObject(value)) return false;
  const { id, clean } = value;
  return isText(id) && (clean === undefined || typeof clean === 'boolean');
}

function isChanged(value: unknown): value is ChangedFiles {
  return isObject(value) && isListOf(value['files'], isText) && isCount(value['total']);
}

function isEnd(value: unknown): boolean {
  if (!isObject(value)) return false;
  const { result, durationMs, builds, problems } = value;
  return (
    RESULTS.has(result) && isCount(durationMs) && isListOf(builds, isKeptBuild) && isListOf(problems, isText)
  );
}

function isKeptBuild(value: unknown): value is KeptBuild {
  if (!isObject(value)) return false;
  const { build, result, durationMs, sizeBytes, digest, reason, problem } = value;
  return (
    isText(build) &&
    KINDS.has(result) &&
    isCount(durationMs) &&
    (sizeBytes === undefined || isCount(sizeBytes)) &&
    (digest === undefined || (isText(digest) && isDigest(digest))) &&
    (reason === undefined || isText(reason)) &&
    (problem === undefined || isText(problem))
  );
}

function isObject(value: unknown): value is Unknown {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0;
}

function isListOf<T>(value: unknown, isOne: (one: unknown) => one is T): value is readonly T[] {
  return Array.isArray(value) && value.every(isOne);
}
