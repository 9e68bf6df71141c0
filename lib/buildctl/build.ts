/**
 * One build through buildctl: temporary files, the call, and its result.
 */
import { mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import {
  type Build,
  type Digest,
  type EventBody,
  externalFrontend,
  fail,
  formatImageRef,
  formatPlatform,
  isActiveCache,
  namesUser,
  ok,
  type Pin,
  type Problem,
  parseImageRef,
  parsePlatform,
  parseWorkers,
  problem,
  type Result,
  type SourceFile,
  type TypedAttributes,
  targetOf,
  withDefaultTag,
} from '../model/mod.ts';
import { type ProgramEnd, thisSystem } from '../system/mod.ts';
import { type BuildOutput, type BuildRequest, buildArgv, type Link, type LocalSources } from './argv.ts';
import { type CommandSecrets, readSecretCommands } from './command-secrets.ts';
import { explainFailure } from './failure.ts';
import { readMetadata } from './metadata.ts';
import { ProgressReader } from './progress.ts';
import { hideSecrets } from './secret-output.ts';
import { sourcePolicy } from './source-policy.ts';
import { askBuildctl, type Buildctl, callBuildctl } from './tool.ts';

/** One build to run. */
export interface BuildCall {
  readonly build: Build;
  /** Absolute working directory of the secret commands, so that relative paths in them do not depend on where bake-ts was called. */
  readonly root: string;
  readonly links: readonly Link[];
  /** Digests that the build's images are pinned to. */
  readonly pins: readonly Pin[];
  /** The Dockerfile, if it is local or in builds.yaml; failures and warnings refer to its lines. */
  readonly dockerfile?: SourceFile;
  readonly outputs: readonly BuildOutput[];
  /** A directory for this call only; created here, removed by the caller. */
  readonly workDir: string;
  readonly locals: LocalSources;
  /** Arguments for the proxies of steps, besides those of the build. */
  readonly proxies?: ReadonlyMap<string, string>;
  readonly attempt: number;
  /** The pool's engine, for the event that reports the start. */
  readonly engine?: string;
  readonly signal?: AbortSignal;
  readonly emit: (event: EventBody) => void;
  /** Called for each line of progress. */
  readonly onProgress?: () => void;
  /** Called each time an exporter starts: image, files, cache. */
  readonly onExport?: () => void;
  /** Called once when the push of the image begins. */
  readonly onPush?: () => void;
}

/** The result of a build. */
export interface Built {
  /** Undefined if no output was an image. */
  readonly digest?: Digest;
  readonly mediaType?: string;
  readonly steps: { readonly total: number; readonly cached: number };
}

/** A build that failed or was cancelled by the signal, with its steps so far if it was started. */
export type BuildFailure = (
  | { readonly kind: 'failed'; readonly problem: Problem }
  | { readonly kind: 'cancelled' }
) & { readonly steps?: Built['steps'] };

/** Runs one build. Never rejects because of buildctl, the engine or a registry. */
export async function runBuild(tool: Buildctl, call: BuildCall): Promise<Result<Built, BuildFailure>> {
  await mkdir(call.workDir, { recursive: true });
  const secrets = await readSecretCommands(tool, call);
  if (!secrets.ok) {
    const { error } = secrets;
    return fail(error === undefined ? { kind: 'cancelled' } : { kind: 'failed', problem: error });
  }
  try {
    return await callWith(secrets.value, tool, call);
  } finally {
    await secrets.value.forget();
  }
}

/** Removes caches that are not available here, since buildctl would fail. */
function withActiveCaches(build: Build, env: Buildctl['env']): Build {
  const isActive = (cache: TypedAttributes): boolean => isActiveCache(cache, env);
  const { cacheFrom, cacheTo } = build;
  if (cacheFrom.every(isActive) && cacheTo.every(isActive)) return build;
  return { ...build, cacheFrom: cacheFrom.filter(isActive), cacheTo: cacheTo.filter(isActive) };
}

async function callWith(
  secrets: CommandSecrets,
  tool: Buildctl,
  call: BuildCall,
): Promise<Result<Built, BuildFailure>> {
  const metadataFile = path.join(call.workDir, 'metadata.json');
  // buildctl keeps an old file if no exporter answers: an old digest would be read as the new one.
  await rm(metadataFile, { force: true });
  const dockerfile = call.locals.dockerfile ?? (await provideDockerfile(call));
  const source = pinnedSource(call);
  const policyFile = await writePolicy(call);
  const request: BuildRequest = {
    build: withActiveCaches(call.build, tool.env),
    ...targetOf(tool),
    links: call.links,
    locals: call.locals,
    outputs: call.outputs,
    metadataFile,
    secretPlaces: secrets.places,
    ...(call.proxies === undefined ? {} : { proxies: call.proxies }),
    ...(dockerfile === undefined ? {} : { dockerfile }),
    ...(source === undefined ? {} : { source }),
    ...(policyFile === undefined ? {} : { policyFile }),
  };
  const argv = buildArgv(request);
  const output = await hideSecrets(call.build, tool.env, Object.values(secrets.values));
  const emit = (event: EventBody) => call.emit(output.hideInEvent(event));
  const reader = new ProgressReader(call.build.name, emit, call.dockerfile, call);
  if (call.signal?.aborted === true) return fail({ kind: 'cancelled' });
  const calling = callBuildctl(tool, {
    argv,
    values: { ...secrets.values, ...Object.fromEntries([...(call.proxies ?? [])].filter(hasUser)) },
    onErrorLine: (line) => {
      call.onProgress?.();
      reader.line(line);
    },
    ...(call.signal === undefined ? {} : { signal: call.signal }),
  });
  // Reported before buildctl prints anything.
  call.emit({
    type: 'node-started',
    build: call.build.name,
    attempt: call.attempt,
    argv: [tool.program, ...argv],
    ...(call.engine === undefined ? {} : { engine: call.engine }),
  });
  const end = await calling;
  const summary = reader.summary();
  if (end.ended === 'cancelled') return fail({ kind: 'cancelled', steps: summary.steps });
  if (end.ended === 'never-started') return fail({ kind: 'failed', problem: notStarted(tool, end) });
  if (end.exitCode !== 0) {
    return fail({
      kind: 'failed',
      steps: summary.steps,
      problem: output.hideInProblem(
        explainFailure(call.build.name, end.exitCode, summary, call.dockerfile, call.build.frontendImage),
      ),
    });
  }
  const image = await readMetadata(metadataFile);
  if (image === undefined) {
    const broken = problem(
      'build/failed',
      'the result that buildctl reports (--metadata-file) cannot be read',
      {
        build: call.build.name,
        hint: 'Check whether the disk of this machine is full.',
      },
    );
    return fail({ kind: 'failed', problem: broken, steps: summary.steps });
  }
  return ok({ ...image, steps: summary.steps });
}

/** For an argument without a value, buildctl reads it from its environment (cmd/buildctl/build/opt.go). */
function hasUser([, proxy]: readonly [string, string]): boolean {
  return namesUser(proxy);
}

/** Returns the bytes of a manifest, index or config from the engine's content store; undefined if it is not there. */
export async function readContent(tool: Buildctl, digest: Digest): Promise<Uint8Array | undefined> {
  const end = await askBuildctl(tool, ['debug', 'get', digest]);
  return end.exitCode === 0 ? end.stdout : undefined;
}

/** The engine's worker. */
export interface Worker {
  /** `containerd`: images live in containerd's store and builds can read one another there. `oci`: no such store. */
  readonly executor: 'containerd' | 'oci';
  /** `os/arch[/variant]` that it builds for by default. */
  readonly platform?: string;
  /** Version of its buildkitd. */
  readonly version?: string;
}

/**
 * Queries the engine's worker (buildkit worker/label.go); undefined if it does not answer in time (milliseconds; default: 20 s).
 */
export async function queryWorker(tool: Buildctl, timeoutMs?: number): Promise<Worker | undefined> {
  const end = await askBuildctl(tool, ['debug', 'workers', '--format', '{{json .}}'], timeoutMs);
  if (end.exitCode !== 0) return undefined;
  const [first] = parseWorkers(end.stdout.toString()) ?? [];
  // Workers name their own platform first.
  const platform = parsePlatform(first?.platforms[0] ?? '');
  return {
    executor: first?.executor === 'oci' ? 'oci' : 'containerd',
    ...(platform === undefined ? {} : { platform: formatPlatform(platform) }),
    ...(first?.version === undefined ? {} : { version: first.version }),
  };
}

/** The problem if buildctl cannot be started. */
export function notStarted(tool: Buildctl, { startError = '', denied }: ProgramEnd): Problem {
  if (denied !== undefined) return denied;
  return problem('engine/no-buildctl', `\`${tool.program}\` cannot be run (${startError})`, {
    hint:
      thisSystem() === 'linux'
        ? 'Install it with `bake-ts engine install`, or set BUILDCTL to its path.'
        : 'Install it (docs/elsewhere.md), or set BUILDCTL to its path.',
  });
}

/**
 * Returns the local Dockerfile of a build. An inline one is written to the call's directory. Undefined: it is part of a remote
 * context.
 */
export async function provideDockerfile(
  call: Pick<BuildCall, 'build' | 'workDir'>,
): Promise<BuildRequest['dockerfile']> {
  const { dockerfile, context } = call.build;
  if (dockerfile.kind === 'inline') {
    const dir = path.join(call.workDir, 'dockerfile');
    await mkdir(dir, { recursive: true });
    await writeFile(path.join(dir, 'Dockerfile'), dockerfile.text);
    return { dir, filename: 'Dockerfile' };
  }
  const isRemote = context.ref.kind !== 'local' && !path.isAbsolute(dockerfile.path);
  if (isRemote) return undefined;
  return { dir: path.dirname(dockerfile.path), filename: path.basename(dockerfile.path) };
}

/** The frontend's image with its pinned digest; undefined if it is not pinned or not external. */
function pinnedSource({ build, pins }: Pick<BuildCall, 'build' | 'pins'>): string | undefined {
  const frontend = externalFrontend(build);
  const ref = frontend === undefined ? undefined : parseImageRef(frontend.image);
  if (ref === undefined || ref.digest !== undefined) return undefined;
  const name = formatImageRef(withDefaultTag(ref));
  const pin = pins.find((one) => formatImageRef(one.ref) === name);
  return pin === undefined ? undefined : `${name}@${pin.digest}`;
}

/** Writes the source policy file; undefined: there are no rules. */
async function writePolicy({ pins, links, workDir }: BuildCall): Promise<string | undefined> {
  const rules = sourcePolicy(pins, links);
  if (rules.length === 0) return undefined;
  const file = path.join(workDir, 'source-policy.json');
  await writeFile(file, JSON.stringify({ rules }));
  return file;
}
