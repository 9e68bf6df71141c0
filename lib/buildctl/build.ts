/**
 * One build through buildctl: temporary files, the call, and what came of it.
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
  /** Absolute: where the commands of secrets run, so that what they name is found from wherever bake-ts was called. */
  readonly root: string;
  readonly links: readonly Link[];
  /** The build is pinned to these. */
  readonly pins: readonly Pin[];
  /** The Dockerfile where it lies on this machine or in builds.yaml: failures and warnings show their lines in it. */
  readonly dockerfile?: SourceFile;
  readonly outputs: readonly BuildOutput[];
  /** A directory of this call alone; made here, removed by the caller. */
  readonly workDir: string;
  readonly locals: LocalSources;
  /** Arguments for the proxies of steps, besides those of the build. */
  readonly proxies?: ReadonlyMap<string, string>;
  readonly attempt: number;
  /** Which engine of a pool it is; said when the call is started. */
  readonly engine?: string;
  readonly signal?: AbortSignal;
  readonly emit: (event: EventBody) => void;
  /** Called for each line of progress. */
  readonly onProgress?: () => void;
  /** Called each time that something of the result begins to be put together: the image, files, the cache. */
  readonly onExport?: () => void;
  /** Called once when the image is made and its push begins. */
  readonly onPush?: () => void;
}

/** What buildctl made. */
export interface Built {
  /** Undefined where no output was an image. */
  readonly digest?: Digest;
  readonly mediaType?: string;
  readonly steps: { readonly total: number; readonly cached: number };
}

/** A build that did not come to its end: failed, or cancelled by the signal; and its steps so far, where it was begun. */
export type BuildFailure = (
  | { readonly kind: 'failed'; readonly problem: Problem }
  | { readonly kind: 'cancelled' }
) & { readonly steps?: Built['steps'] };

/** Runs one build. Never rejects for anything that buildctl, the engine or a registry does. */
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

/** buildctl fails over a cache that is not available here. */
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
  // buildctl leaves an old file where it is when no exporter answers: an old digest would pass for the new one.
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
  // It runs now, and has said nothing yet.
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

/** buildctl takes the value of an argument without one from its environment (cmd/buildctl/build/opt.go). */
function hasUser([, proxy]: readonly [string, string]): boolean {
  return namesUser(proxy);
}

/** The bytes of a manifest, index or config in the engine's content store; undefined where it is not there. */
export async function readContent(tool: Buildctl, digest: Digest): Promise<Uint8Array | undefined> {
  const end = await askBuildctl(tool, ['debug', 'get', digest]);
  return end.exitCode === 0 ? end.stdout : undefined;
}

/** How the engine's worker keeps images. */
export interface Worker {
  /** `containerd`: images live in containerd's store and builds can read one another there. `oci`: no such store. */
  readonly executor: 'containerd' | 'oci';
  /** `os/arch[/variant]` that it builds for where a build names none. */
  readonly platform?: string;
  /** Version of its buildkitd. */
  readonly version?: string;
}

/**
 * Asks the engine which worker it has (buildkit worker/label.go); undefined where it does not answer in time
 * (milliseconds; default: 20 s).
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

/** What is wrong where buildctl cannot be run at all. */
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
 * Where the Dockerfile of a build lies on this machine; one of builds.yaml is written to the call's own directory.
 * Undefined: it comes with a remote context.
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

/** The image of the frontend by the digest that it was looked up as; undefined where it was not, or is no external one. */
function pinnedSource({ build, pins }: Pick<BuildCall, 'build' | 'pins'>): string | undefined {
  const frontend = externalFrontend(build);
  const ref = frontend === undefined ? undefined : parseImageRef(frontend.image);
  if (ref === undefined || ref.digest !== undefined) return undefined;
  const name = formatImageRef(withDefaultTag(ref));
  const pin = pins.find((one) => formatImageRef(one.ref) === name);
  return pin === undefined ? undefined : `${name}@${pin.digest}`;
}

/** The file of the rules by which the engine reads images; undefined: there are none. */
async function writePolicy({ pins, links, workDir }: BuildCall): Promise<string | undefined> {
  const rules = sourcePolicy(pins, links);
  if (rules.length === 0) return undefined;
  const file = path.join(workDir, 'source-policy.json');
  await writeFile(file, JSON.stringify({ rules }));
  return file;
}
