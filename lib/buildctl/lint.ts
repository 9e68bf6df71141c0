/**
 * The Dockerfile checks of BuildKit's frontend (buildkit frontend/dockerfile/linter), without building anything.
 *
 * Only `frontend.lint` is complete: warnings in the progress of other requests are lost if the request ends before they are sent
 * (measured). But buildctl prints only its text, exits with code 0 whatever was found, and does not report if an error cut the
 * checks short (a base image that does not exist, COPY without a destination), so that the rest is silently unchecked. Therefore
 * base images that cannot be looked up are read from the progress and replaced by stand-ins, and a second request,
 * `frontend.convertllb`, reports other errors.
 *
 * Dependencies of the build are replaced by the empty image, so that nothing has to be built.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import {
  type Build,
  type EngineTarget,
  familiarName,
  type Problem,
  parseImageRef,
  type SourceFile,
  targetOf,
} from '../model/mod.ts';
import { buildArgv, type FrontendFile } from './argv.ts';
import { notStarted, provideDockerfile } from './build.ts';
import { type Excerpt, takeExcerpts } from './excerpt.ts';
import { explainFailure } from './failure.ts';
import { ProgressReader } from './progress.ts';
import { type Buildctl, callBuildctl } from './tool.ts';

/** A finding of a rule. */
export interface LintFinding {
  /** As the frontend names it: `JSONArgsRecommended`. */
  readonly rule: string;
  readonly message: string;
  readonly url?: string;
  readonly excerpt?: Excerpt;
}

/** One Dockerfile to check, as one build uses it. */
export interface LintCall {
  readonly build: Build;
  /** Names of contexts that are replaced by the empty image. */
  readonly standIns: readonly string[];
  /** The engine contacts no registry or host: images are replaced by stand-ins, and the engine's own frontend is used. */
  readonly isolated?: boolean;
  /** The Dockerfile, if it is local, for the places of errors. */
  readonly dockerfile?: SourceFile;
  /** A directory for files that the call needs; removed by the caller. */
  readonly workDir: string;
  readonly signal?: AbortSignal;
}

/** The result of the checks. */
export interface LintAnswer {
  readonly findings: readonly LintFinding[];
  /** Images that could not be looked up and were replaced, as the frontend names them. */
  readonly unresolved: readonly string[];
  /** Why the Dockerfile could not be checked completely. */
  readonly problem?: Problem;
}

/** How many rounds of stand-ins are tried. */
const MOST_ROUNDS = 20;

/** Checks one Dockerfile. Problems: those of {@link explainFailure}, `engine/no-buildctl`. */
export async function lintDockerfile(tool: Buildctl, call: LintCall): Promise<LintAnswer> {
  const dockerfile = await provideDockerfile(call);
  const unresolved: string[] = [];
  const standIns = new Set(call.standIns);
  const policyFile = call.isolated === true ? await writeIsolation(call.workDir) : undefined;
  for (let round = 0; round < MOST_ROUNDS; round++) {
    const request = (id: string): readonly string[] =>
      lintArgv({ ...call, standIns: [...standIns] }, tool, { dockerfile, policyFile }, id);
    const lint = await ask(tool, call, request('frontend.lint'));
    if (lint.problem !== undefined) return { findings: [], unresolved, problem: lint.problem };
    const lost = lint.lost.filter((one) => !standIns.has(one.context));
    if (lost.length > 0) {
      for (const { context, image } of lost) {
        standIns.add(context);
        unresolved.push(image);
      }
      continue;
    }
    const findings = parseLintText(lint.text);
    const whole = await ask(tool, call, request('frontend.convertllb'));
    // With `# check=error=true` findings fail the request as well; the findings themselves are more useful.
    const { problem } = whole;
    const denied = DENIED.exec(problem?.detail ?? '')?.[1];
    if (denied !== undefined && !standIns.has(contextNameOf(denied))) {
      standIns.add(contextNameOf(denied));
      unresolved.push(denied);
      continue;
    }
    const isReported =
      problem === undefined || (findings.length > 0 && /lint violation/.test(problem.detail ?? ''));
    return { findings, unresolved, ...(isReported ? {} : { problem }) };
  }
  return { findings: [], unresolved };
}

/** The engine's message for an image that the policy denies; the progress has no step for it. */
const DENIED = /source "docker-image:\/\/([^"\s]+)" denied by policy/;

/** The named context that stands in for an image. */
function contextNameOf(image: string): string {
  const ref = parseImageRef(image);
  return ref === undefined ? image : familiarName(ref);
}

/** Only local sources are allowed (buildkit sourcepolicy/engine.go: the last matching rule applies). */
const ISOLATION = {
  rules: [
    { action: 'DENY', selector: { identifier: '*' } },
    { action: 'ALLOW', selector: { identifier: 'local://*' } },
  ],
};

async function writeIsolation(workDir: string): Promise<string> {
  const file = path.join(workDir, 'isolation.json');
  await mkdir(workDir, { recursive: true });
  await writeFile(file, JSON.stringify(ISOLATION));
  return file;
}

/** Files of a call. */
interface LintFiles {
  readonly dockerfile?: FrontendFile | undefined;
  readonly policyFile?: string | undefined;
}

/** The arguments of buildctl for a request to the frontend: those of the build without outputs, secrets and the like. */
export function lintArgv(
  call: Pick<LintCall, 'build' | 'standIns' | 'isolated'>,
  engine: EngineTarget,
  { dockerfile, policyFile }: LintFiles,
  requestId: string,
): readonly string[] {
  // Isolated: the engine's own frontend reads the file.
  const { frontendImage, ...rest } = call.build;
  const own = call.isolated === true || frontendImage === undefined ? {} : { frontendImage };
  const build: Build = {
    ...rest,
    ...own,
    buildctlOptions: [],
    outputs: [],
    attest: [],
    cacheFrom: [],
    cacheTo: [],
    secrets: [],
    ssh: [],
    noCache: false,
    noCacheFilter: [],
    entitlements: [],
    network: 'default',
  };
  const argv = buildArgv({
    build,
    ...targetOf(engine),
    links: call.standIns.map((contextName) => ({ contextName, kind: 'scratch' })),
    outputs: [],
    // Only ignore files are read from them, and these are sent each time.
    locals: { named: new Map() },
    secretPlaces: new Map(),
    ...(dockerfile === undefined ? {} : { dockerfile }),
    ...(policyFile === undefined ? {} : { policyFile }),
  });
  // With `cmdline` the frontend assumes that it is the one that `# syntax=` names (buildkit
  // frontend/dockerfile/builder/build.go).
  const asItIs = call.isolated === true ? ['--opt', 'cmdline=bake-ts'] : [];
  return [...argv, ...asItIs, '--opt', `requestid=${requestId}`];
}

/** Reads what `frontend.lint` prints (buildkit frontend/subrequests/lint/lint.go, `PrintTo`). */
export function parseLintText(text: string): readonly LintFinding[] {
  const findings: LintFinding[] = [];
  const lines = text.split(/\r?\n/);
  let at = lines.findIndex(isHead);
  while (at !== -1 && at < lines.length) {
    const next = lines.findIndex((line, index) => index > at && isHead(line));
    const end = next === -1 ? lines.length : next;
    const [, rule = '', url] = HEAD.exec(lines[at] ?? '') ?? [];
    const { excerpts, rest } = takeExcerpts(lines.slice(at + 1, end));
    const [excerpt] = excerpts;
    const words = rest
      .map((line) => line.trim())
      .filter((line) => line !== '')
      .join(' ');
    findings.push({
      rule,
      message: words === '' ? rule : words,
      ...(url === undefined ? {} : { url }),
      ...(excerpt === undefined ? {} : { excerpt }),
    });
    at = next;
  }
  return findings;
}

const HEAD = /^WARNING: ([A-Za-z][A-Za-z0-9]*)(?: - (https?:\/\/\S+))?$/;

function isHead(line: string): boolean {
  return HEAD.test(line);
}

interface Reply {
  readonly text: string;
  /** Images whose metadata could not be read, with the names of their stand-in contexts. */
  readonly lost: readonly { readonly context: string; readonly image: string }[];
  readonly problem?: Problem;
}

const METADATA = /^\[(?:internal|context ([^\]]+))\] load metadata for (\S+)/;

async function ask(tool: Buildctl, call: LintCall, argv: readonly string[]): Promise<Reply> {
  const lost = new Map<string, string>();
  const reader = new ProgressReader(
    call.build.name,
    (event) => {
      // A failure cancels the other look-ups; they are repeated in the next round.
      if (event.type !== 'vertex' || event.error === undefined || event.error.includes('context canceled'))
        return;
      const [, context, image] = METADATA.exec(event.name) ?? [];
      if (image === undefined) return;
      lost.set(context ?? contextNameOf(image), image);
    },
    call.dockerfile,
  );
  const end = await callBuildctl(tool, {
    argv,
    onErrorLine: (line) => reader.line(line),
    ...(call.signal === undefined ? {} : { signal: call.signal }),
  });
  const reply = {
    text: end.stdout.toString('utf8'),
    lost: [...lost].map(([context, image]) => ({ context, image })),
  };
  if (end.ended === 'never-started') return { ...reply, problem: notStarted(tool, end) };
  if (end.exitCode === 0 || end.ended === 'cancelled') return reply;
  return {
    ...reply,
    problem: explainFailure(
      call.build.name,
      end.exitCode,
      reader.summary(),
      call.dockerfile,
      call.build.frontendImage,
    ),
  };
}
