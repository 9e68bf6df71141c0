/** Lists and queries the engines of a pool. Which engine runs which build is decided in lib/pool. */
import {
  type EngineSettings,
  type EngineTarget,
  fail,
  formatPlatform,
  MEMBER_JOBS,
  ok,
  type PoolEntry,
  type Problem,
  parsePlatform,
  problem,
  type Result,
  tlsFor,
  type WorkerInfo,
} from '../model/mod.ts';
import { type RunProgram, thisSystem } from '../system/mod.ts';
import { option } from '../util/option-words.ts';
import { checkAddress, targetOfAddress } from './address.ts';
import { listPods } from './kubernetes.ts';
import type { EngineOptions } from './notice.ts';
import { formatAnswer, probeSocket } from './socket.ts';
import { checkTlsFiles } from './tls-files.ts';
import { isAtLeast, PACKAGES } from './versions.ts';
import { readWorker } from './worker.ts';

/** An engine of a pool. */
export interface MemberAddress extends EngineTarget {
  /** The name that is hashed and shown: its address; for a pod NAMESPACE/POD, prefixed with the context if two clusters have it. */
  readonly id: string;
  /** The configured platforms; empty: those of its own architecture. */
  readonly platforms: readonly string[];
  /** How many builds run at the same time. */
  readonly jobs: number;
  /** Labels that builds may require. */
  readonly labels: readonly string[];
}

/** What a member reports. */
export interface MemberState {
  /** Its worker. */
  readonly worker: WorkerInfo;
  /** Version of its buildkitd: `v0.34.2`; absent if not known. */
  readonly version?: string;
  /** Its platforms: as configured, otherwise those of its own architecture. */
  readonly platforms: readonly string[];
  /** How long the request took, including the start of buildctl. */
  readonly latencyMs: number;
}

/** The members, and problems of invalid entries. */
export interface Members {
  readonly members: readonly MemberAddress[];
  readonly problems: readonly Problem[];
}

/** Options for finding members. */
export interface ListOptions extends EngineOptions {
  /** `engine` of builds.yaml, for TLS. */
  readonly settings?: EngineSettings | undefined;
  /** Replaces running kubectl. */
  readonly run?: RunProgram;
}

/** Options for querying a member. */
export interface AskOptions extends EngineOptions {
  /** Path of buildctl. */
  readonly buildctl: string;
  /** Milliseconds; default: 10 s. */
  readonly timeoutMs?: number;
}

const QUESTION_MS = 10_000;

/**
 * Turns configured entries into members. Calls only kubectl. Problems: `engine/bad-address`, those of TLS files (members with
 * `tcp://` addresses are then left out), `engine/kubectl`, `engine/no-pods`.
 */
export async function listMembers(entries: readonly PoolEntry[], options: ListOptions): Promise<Members> {
  const listed = await Promise.all(entries.map((entry) => membersOf(entry, options)));
  const problems = listed.flatMap((one) => (one.ok ? [] : one.error));
  const members = distinguish(listed.flatMap((one) => (one.ok ? one.value : [])));
  const tls = members.find((member) => member.tls !== undefined)?.tls;
  const wrong = tls === undefined ? [] : await checkTlsFiles(tls);
  return {
    members: wrong.length === 0 ? members : members.filter((member) => member.tls === undefined),
    problems: [...problems, ...wrong],
  };
}

interface Found extends MemberAddress {
  readonly context?: string | undefined;
}

async function membersOf(entry: PoolEntry, options: ListOptions): Promise<Result<readonly Found[]>> {
  const { address = '', kubernetes, platforms, jobs = MEMBER_JOBS, labels, span } = entry;
  const rest = { platforms, jobs, labels };
  const place = span === undefined ? {} : { span };
  if (kubernetes !== undefined) {
    const pods = await listPods(kubernetes, options, options.run);
    if (!pods.ok) return fail([{ ...pods.error, ...place }]);
    const { context } = kubernetes;
    return ok(
      pods.value.map((pod) => ({
        id: `${pod.namespace}/${pod.name}`,
        address: pod.address,
        context,
        ...rest,
      })),
    );
  }
  const from = span === undefined ? `${option('--addr')} or BUILDKIT_HOST` : 'engine.pool';
  const wrong = checkAddress(address, from, thisSystem());
  if (wrong !== undefined) return fail([{ ...wrong, ...place }]);
  const tls = tlsFor(address, options.settings);
  return ok([{ id: address, address, ...rest, ...(tls === undefined ? {} : { tls }) }]);
}

/** Removes duplicates, since two selectors may find the same pod. The same name in two clusters is two pods. */
function distinguish(found: readonly Found[]): readonly MemberAddress[] {
  const byAddress = new Map<string, Found>();
  for (const one of found) if (!byAddress.has(one.address)) byAddress.set(one.address, one);
  const counts = new Map<string, Set<string>>();
  for (const { id, context = '' } of byAddress.values())
    counts.set(id, (counts.get(id) ?? new Set<string>()).add(context));
  const known = new Set<string>();
  return [...byAddress.values()].flatMap(({ context, ...member }) => {
    const isShared = (counts.get(member.id)?.size ?? 0) > 1;
    const id = isShared && context !== undefined ? `${context}/${member.id}` : member.id;
    if (known.has(id)) return [];
    known.add(id);
    return [{ ...member, id }];
  });
}

/**
 * Queries the state of a member. Problems: `engine/unreachable`, `engine/client-certificate`, `engine/server-certificate`,
 * `engine/tls-mismatch`, `engine/tls-files`, `engine/kubectl`, `engine/too-old`, `run/cancelled`, `system/permission`.
 */
export async function askMember(member: MemberAddress, options: AskOptions): Promise<Result<MemberState>> {
  const { buildctl, timeoutMs = QUESTION_MS, ...rest } = options;
  const begun = performance.now();
  const worker = await readWorker({ ...member, buildctl }, rest, timeoutMs);
  const latencyMs = Math.round(performance.now() - begun);
  if (!worker.ok) return fail([await withSocket(worker.error, member, rest)]);
  const { version, platforms } = worker.value;
  const old = version === undefined ? undefined : tooOld(member.id, version);
  if (old !== undefined) return fail([old]);
  return ok({
    worker: worker.value,
    ...(version === undefined ? {} : { version }),
    platforms: member.platforms.length > 0 ? member.platforms : nativePlatforms(platforms),
    latencyMs,
  });
}

/** Adds the socket's error, which is shorter than buildctl's message. */
async function withSocket(
  found: Problem,
  { address }: MemberAddress,
  { signal }: EngineOptions,
): Promise<Problem> {
  const target = targetOfAddress(address, thisSystem());
  if (found.code !== 'engine/unreachable' || target === undefined) return found;
  const answer = await probeSocket(target, 2_000, signal);
  if (answer.kind === 'accepts' || answer.kind === 'withheld') return found;
  const what =
    'host' in target && answer.kind === 'refused'
      ? 'nothing listens on its port'
      : `its ${'path' in target ? 'socket' : 'port'} ${formatAnswer(answer)}`;
  return { ...found, message: `there is no buildkitd at ${address}: ${what}` };
}

/** The oldest supported version. */
const OLDEST = PACKAGES.find(({ name }) => name === 'buildkit')?.minimumOnPath ?? '0';

/** Problem: `engine/too-old`. Versions that are not releases (`v0.0.0+unknown`, a commit) are accepted. */
export function tooOld(what: string, version: string): Problem | undefined {
  const release = /^v?([1-9]\d*\.\d+\.\d+|0\.[1-9]\d*\.\d+)/.exec(version)?.[1];
  if (release === undefined || isAtLeast(release, OLDEST)) return undefined;
  return problem('engine/too-old', `${what} runs BuildKit ${version}, and bake-ts needs ${OLDEST} or newer`, {
    hint: 'upgrade that buildkitd',
  });
}

/** Other architectures that processors run natively (containerd/platforms compare.go, `platformVector`). */
const RUNS_TOO: ReadonlyMap<string, readonly string[]> = new Map([
  ['amd64', ['386']],
  ['arm64', ['arm']],
]);

/**
 * Returns the platforms of an engine that are not emulated: its own architecture, which it lists first (buildkit
 * util/archutil/detect.go), in all variants, and others that such processors run natively: 386 on amd64, arm on arm64.
 *
 * @param platforms as reported by the engine, its own first
 * @returns normalised, in the same order
 */
export function nativePlatforms(platforms: readonly string[]): readonly string[] {
  const parsed = platforms.flatMap((one) => parsePlatform(one) ?? []);
  const [own] = parsed;
  if (own === undefined) return [];
  const native = [own.arch, ...(RUNS_TOO.get(own.arch) ?? [])];
  const kept = parsed.filter(({ os, arch }) => os === own.os && native.includes(arch));
  return [...new Set(kept.map(formatPlatform))];
}
