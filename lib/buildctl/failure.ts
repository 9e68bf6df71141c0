/**
 * Turns buildctl's output into a problem that names the cause and what to do. BuildKit always exits with code 1, so only its
 * messages distinguish failures. The patterns were measured case by case with buildkit 0.27 to 0.34.
 */
import {
  type FrontendImage,
  isSameRepository,
  type Problem,
  type ProblemCode,
  parseImageRef,
  problem,
  type SourceFile,
  type Span,
} from '../model/mod.ts';
import { option } from '../util/option-words.ts';
import { type Excerpt, spanOfExcerpt, takeExcerpts } from './excerpt.ts';
import type { ProgressSummary } from './progress.ts';
import { findStep } from './step.ts';

interface Pattern {
  readonly match: RegExp;
  readonly code: ProblemCode;
  readonly message: (found: RegExpExecArray) => string;
  readonly hint?: string;
  readonly temporary?: boolean;
}

const FREE_SPACE =
  'See what uses it (`bake-ts engine du`), prune the cache (`bake-ts engine prune --keep 5GB`), or free space on it.';

const SIGN_IN =
  'Write them to config.json in DOCKER_CONFIG or ~/.docker: with `docker login`, or as docs/from-buildctl.md shows.';

/** The first pattern that matches determines the problem. */
const PATTERNS: readonly Pattern[] = [
  {
    // Not the state of an engine below such a directory.
    match: /(\S*\/bake-ts-\w{6})\/(?!\S*\/engine-state\/)\S+: no space left on device/,
    code: 'run/no-temp',
    message: (found) => `there is no room for temporary files: the disk of ${found[1]} is full`,
    hint: 'Free space there, or set TMPDIR to a directory on another disk.',
  },
  {
    // Written by buildctl itself: a result or its metadata.
    match: /(?:failed to copy to tar|error from receiver|metadata\.json).*no space left on device/,
    code: 'build/disk-full',
    message: () => 'the disk of this machine is full, where the result is written',
    hint: 'Free space there, or write to another disk.',
  },
  {
    match: /no space left on device/,
    code: 'engine/disk-full',
    message: () => 'the disk of the engine is full',
    hint: FREE_SPACE,
  },
  {
    match: /secret (\S+) too big/,
    code: 'build/secret-too-large',
    message: (found) => `the secret \`${found[1]}\` is larger than 500 KiB, the limit of BuildKit`,
  },
  {
    match: /message larger than max \((\d+) vs\. \d+\)/,
    code: 'build/too-large',
    message: (found) =>
      `the request for this build takes ${Math.ceil(Number(found[1]) / 1_000_000)} MB, more than BuildKit's limit of 16 MiB`,
    hint: 'Shrink the Dockerfile, which is sent twice or more: COPY large texts instead of heredocs, and use fewer ENV, ARG and LABEL.',
  },
  {
    match: /failed to read dockerfile: (\S+) exceeds maximum allowed size/,
    code: 'dockerfile/too-big',
    message: (found) => `\`${found[1]}\` is larger than 16 MiB, the limit of BuildKit`,
  },
  {
    match: /containerd[^\s"]*\.sock: connect: connection refused/,
    code: 'engine/lost',
    message: () => 'buildkitd cannot reach containerd',
    hint: 'See `bake-ts engine status` and `bake-ts engine logs`; start what is missing with `bake-ts engine up`.',
    // After a restart of containerd, buildkitd takes some seconds to notice (measured: up to four).
    temporary: true,
  },
  {
    match: /failure waiting for process/,
    code: 'engine/lost',
    message: () => 'containerd stopped during the build',
    hint: 'See `bake-ts engine logs`, then `bake-ts engine up` and run again.',
  },
  {
    match: /listing workers for Build|connection error: desc = "transport: Error while dialing/,
    code: 'engine/unreachable',
    message: () => 'buildkitd cannot be reached',
    hint: 'See `bake-ts engine status`; start the embedded one with `bake-ts engine up`.',
  },
  {
    // All that gRPC says when a connection ends (internal/transport/http2_client.go of grpc-go): the words after "server:" are
    // those of the kernel, which depend on how the machine went away.
    match:
      /error reading (?:from server|server preface): |keepalive ping failed to receive ACK|transport is closing|received prior goaway|connection is draining|connection reset by peer.*buildkitd|code = Unavailable/,
    code: 'engine/lost',
    message: () => 'the connection to buildkitd broke during the build',
    hint: 'See `bake-ts engine logs` and run again: buildkitd was stopped or crashed, and finished steps are cached.',
  },
  {
    match: /unknown instruction: BAKE_TS_LAYERS_ONLY/,
    code: 'build/links-not-split',
    message: () => 'the engine reads the config of a layers-only image',
  },
  {
    match: /failed to load cache key: (?:\S+: )*?(\S+@sha256:[0-9a-f]{64}): not found/,
    code: 'build/image-lost',
    message: (found) => `${found[1]} is gone from its registry`,
  },
  {
    // The engine's store does not have it, and nothing listens at the host of the store's names (lib/run/store-names.ts).
    match:
      /failed to load cache key: (?:\S+: )*?failed to do request: Head "https?:\/\/(127\.0\.0\.1:1)\/v2\/(bake\/[^"\s]+)\/manifests\/(sha256:[0-9a-f]{64})"/,
    code: 'build/image-lost',
    message: (found) => `${found[1]}/${found[2]}@${found[3]} is gone from the engine's store`,
  },
  {
    // An engine or frontend without support for our names requests local sources by the shared names.
    match: /no access allowed to dir "(?:[a-z0-9]+-)*(?:context|dockerfile)"/,
    code: 'build/source-name',
    message: () => 'the engine or the frontend does not support names of local sources',
    hint: 'Use a newer engine, or a newer frontend in the `# syntax` line (or `source:`).',
  },
  {
    match: /failed to resolve source metadata for 127\.0\.0\.1:1\/bake\//,
    code: 'build/parent-lost',
    message: () => "the engine no longer has the image of a build that this one's Dockerfile reads",
    temporary: true,
  },
  {
    // Older releases of buildctl do not read values of arguments from the environment.
    match: /invalid value build-arg:\w+_Proxy\b/,
    code: 'build/failed',
    message: () =>
      'this buildctl cannot use a proxy with a password: it cannot read arguments from its environment',
    hint: 'Use a newer one (such as that of `bake-ts engine install`), or a proxy without a user in its URL.',
  },
  {
    match: /toomanyrequests|429 Too Many Requests/i,
    code: 'registry/too-many-requests',
    message: () => 'a registry limits requests (429)',
    hint: `Run fewer builds at a time, ${option('-j 2')}, or log in: anonymous clients have lower limits.`,
    temporary: true,
  },
  {
    // An anonymous token is requested only without credentials.
    match: /failed to push ([^:\s]+(?::\d+)?[^:\s]*).*(?:anonymous token|no basic auth credentials)/i,
    code: 'registry/unauthorized',
    message: (found) =>
      `the registry requires a sign-in to push ${found[1]}, and there are no credentials for it`,
    hint: SIGN_IN,
  },
  {
    match: /failed to push ([^:\s]+(?::\d+)?[^:\s]*).*(?:401 Unauthorized|failed to authorize|unauthorized)/i,
    code: 'registry/unauthorized',
    message: (found) => `the registry requires a sign-in to push ${found[1]}`,
    hint: `There are no credentials for it, or it does not accept them. ${SIGN_IN}`,
  },
  {
    match: /failed to push ([^:\s]+(?::\d+)?[^:\s]*).*(?:denied|403 Forbidden)/i,
    code: 'registry/denied',
    message: (found) => `pushing to ${found[1]} is not allowed`,
    hint: 'Check that the repository exists and that this account may push to it.',
  },
  {
    // The last line has the repository, an earlier one the status.
    match:
      /unexpected status from \w+ request to \S+: (5\d\d)[\s\S]*failed to push ([^:\s]+(?::\d+)?[^:\s]*)/,
    code: 'registry/unavailable',
    message: (found) => `the registry failed while ${found[2]} was pushed (${found[1]})`,
    hint: 'Check the log of the registry and of any proxy before it, and run again; finished steps are cached.',
    temporary: true,
  },
  {
    match:
      /failed to push ([^:\s]+(?::\d+)?[^:\s]*).*(?:connection refused|no such host|i\/o timeout|connection reset|EOF|network is unreachable)/i,
    code: 'registry/unreachable',
    message: (found) => `the engine cannot reach the registry to push ${found[1]}`,
    hint: 'Check that the registry runs and that the engine (not only this machine) can reach it.',
    temporary: true,
  },
  {
    match: /server gave HTTP response to HTTPS client/,
    code: 'registry/http',
    message: () => 'the registry uses plain http, the engine expected https',
    hint: 'Set `registries: { HOST: { http: true } }` in builds.yaml, and the same in buildkitd.toml for images it pulls.',
  },
  {
    // On loopback, BuildKit uses plain http unless configured otherwise. Go's https servers answer that with a 400.
    match: /HTTP request to an HTTPS server|request to http:\/\/\S+: 400 Bad Request/,
    code: 'registry/http',
    message: () => 'the engine used plain http for a registry that seems to expect https',
    hint: 'Set in buildkitd.toml: `[registry."HOST"] http = false`, and `ca = […]` for a private authority.',
  },
  {
    match: /x509: |tls: (?:failed|bad|unknown|certificate)/,
    code: 'registry/tls',
    message: () => 'the certificate of a server is not trusted by the engine',
    hint: 'Add the authority to buildkitd.toml (`[registry."HOST"] ca = […]`).',
  },
  {
    match: /failed to push ([^:\s]+(?::\d+)?[^:\s]*)/,
    code: 'registry/push-failed',
    message: (found) => `pushing ${found[1]} failed`,
    hint: 'Run again; finished steps are cached.',
    temporary: true,
  },
  {
    match:
      /failed to resolve source metadata for ([^\s:@]+(?::\d+)?[^\s:@]*(?::[^\s:@]+)?(?:@sha256:[0-9a-f]{64})?): .*not found/,
    code: 'build/base-missing',
    message: (found) => `the base image ${found[1]} does not exist`,
    hint: 'Check its name and tag. If another build makes it, add that build to `contexts:`.',
  },
  {
    match:
      /failed to resolve source metadata for ([^\s:@]+(?::\d+)?[^\s:@]*(?::[^\s:@]+)?(?:@sha256:[0-9a-f]{64})?)/,
    code: 'build/base-unreachable',
    message: (found) => `the base image ${found[1]} cannot be looked up`,
    hint: 'Check that the engine can reach its registry; log in if it is private.',
  },
  {
    match: /target stage "([^"]+)" could not be found|target stage (\S+) could not be found/,
    code: 'build/target-missing',
    message: (found) => `the Dockerfile has no stage \`${found[1] ?? found[2]}\``,
    hint: 'Set `target` to a name after AS in a FROM line.',
  },
  {
    match: /failed to calculate checksum of ref [^:]+: "([^"]+)": not found|"([^"]+)": not found/,
    code: 'build/file-missing',
    message: (found) => `\`${found[1] ?? found[2]}\` is not in the context`,
    hint: 'Check the path (it is relative to the context, not to the Dockerfile) and .dockerignore.',
  },
  {
    match: /dockerfile parse error(?: on line \d+)?(?:: (.+))?/,
    code: 'build/dockerfile-syntax',
    message: (found) => `the Dockerfile does not parse${found[1] === undefined ? '' : `: ${found[1]}`}`,
  },
  {
    match: /failed to read dockerfile: open (\S+):/,
    code: 'build/dockerfile-missing',
    message: (found) => `there is no Dockerfile \`${found[1]}\``,
  },
  {
    match: /secret (\S+): not found/,
    code: 'build/secret-missing',
    message: (found) => `the Dockerfile requires the secret \`${found[1]}\`, which the build does not give`,
    hint: 'Add it under `secrets:`.',
  },
  {
    match: /no SSH key "([^"]*)" forwarded|invalid empty ssh agent socket/,
    code: 'build/ssh-missing',
    message: () => 'the Dockerfile requires an SSH agent or key that the build does not give',
    hint: 'Add it under `ssh:`, and check that SSH_AUTH_SOCK is set if it is the agent.',
  },
  {
    match: /granting entitlement (\S+) is not allowed by build daemon|(\S+) is not allowed/,
    code: 'build/entitlement',
    message: (found) => `the engine does not allow the entitlement ${found[1] ?? found[2]}`,
    hint: 'Start buildkitd with `--allow-insecure-entitlement`, or drop it from the build.',
  },
  {
    match: /^process did not complete successfully: exit code: 137(?!\d)/m,
    code: 'build/step-failed',
    message: () => 'a step was killed (exit code 137)',
    hint: `Give the engine more memory, the usual cause, or run fewer builds at a time, ${option('-j 1')}.`,
  },
  {
    match: /^process did not complete successfully: exit code: (\d+)/m,
    code: 'build/step-failed',
    message: (found) => `a step ended with exit code ${found[1]}`,
  },
  {
    match: /^process did not complete successfully: .*exec: "([^"]+)": .*(?:no such file|not found)/m,
    code: 'build/step-failed',
    message: (found) => `a step could not start: its image has no \`${found[1]}\``,
    hint: 'RUN without brackets needs a shell in the image, RUN with brackets the program itself.',
  },
  {
    match: /^process did not complete successfully: .*?([^:]+)$/m,
    code: 'build/step-failed',
    message: (found) => `a step failed:${found[1]}`,
  },
];

/** The command of a RUN step, as Go quotes it. Its text does not explain the failure. */
const COMMAND = /process "(?:[^"\\]|\\.)*" did not complete/g;

/**
 * Explains a failed call of buildctl.
 *
 * @param dockerfile the Dockerfile as it was sent, if it is local: the lines that BuildKit points at become the problem's place,
 *   and BuildKit's excerpt is dropped
 * @param frontend the frontend's image of builds.yaml
 */
export function explainFailure(
  build: string,
  exitCode: number | undefined,
  summary: ProgressSummary,
  dockerfile?: SourceFile,
  frontend?: FrontendImage,
): Problem {
  const { excerpts, rest } = takeExcerpts(summary.text);
  // Parser errors without an excerpt have the line number in their message.
  const line = /dockerfile parse error on line (\d+)/.exec(rest.join('\n'))?.[1];
  const inWords =
    line === undefined ? undefined : { file: '', firstLine: Number(line), lastLine: Number(line) };
  const excerpt = excerpts[0] ?? inWords;
  const step = summary.failedStep;
  const span = dockerfile === undefined ? undefined : spanOf(dockerfile, excerpt, step?.name);
  const text = (span === undefined ? summary.text : rest).join('\n').trim();
  // The last `error:` line is buildctl's own summary; a step's error is closer to the cause.
  const pushed = pushLog(summary);
  const sources = [step?.error ?? '', text, pushed]
    .filter((one) => one !== '')
    .map((one) =>
      one.replaceAll(COMMAND, 'process did not complete').replace(/^error: failed to solve: /m, ''),
    );
  const where = { build, ...(span === undefined ? {} : { span }) };
  for (const pattern of PATTERNS) {
    for (const source of sources) {
      const found = pattern.match.exec(source);
      if (found === null) continue;
      const isBase = pattern.code.startsWith('build/base-');
      if (isBase && frontend !== undefined && isSameImage(found[1] ?? '', frontend.image)) {
        const place = frontend.span === undefined ? {} : { span: frontend.span };
        return problem(pattern.code, `the frontend ${frontend.image} is not available`, {
          build,
          ...place,
          hint: 'Check `source:` and that the engine can reach its registry; log in if it is private.',
          ...detailOf(summary, text),
        });
      }
      const isFrontend = isBase && isSyntaxLine(span);
      if (isFrontend) {
        return problem(pattern.code, `the frontend ${found[1]} of the \`# syntax\` line is not available`, {
          ...where,
          hint: 'Check that the engine can reach its registry, or remove that line to use the built-in frontend.',
          ...detailOf(summary, text),
        });
      }
      const message = pattern.message(found);
      // The lines themselves and the step's output are more useful than buildctl's repetition of them.
      const isShown =
        span !== undefined &&
        (pattern.code === 'build/dockerfile-syntax' ||
          (pattern.code === 'build/step-failed' && step !== undefined));
      return problem(pattern.code, step === undefined ? message : `${message} (${step.name})`, {
        ...where,
        ...hintOf(pattern, summary),
        ...(pattern.temporary === true && !isTriedByEngine(pushed) ? { temporary: true } : {}),
        ...detailOf(summary, isShown ? '' : text),
      });
    }
  }
  return problem(
    'build/failed',
    `buildctl ended with ${exitCode === undefined ? 'a signal' : `exit code ${exitCode}`}`,
    { ...where, ...detailOf(summary, text) },
  );
}

/** A step that fails because of a full disk shows that only in its output. */
function hintOf({ code, hint }: Pattern, { failedLog }: ProgressSummary): { readonly hint?: string } {
  if (code === 'build/step-failed' && failedLog.some((line) => /no space left on device/i.test(line)))
    return { hint: `Its output mentions a full disk, most likely that of the engine. ${FREE_SPACE}` };
  return hint === undefined ? {} : { hint };
}

/**
 * BuildKit itself retries pushes that may succeed later: four times in seven seconds (util/resolver/retryhandler). Another retry
 * after that would take three times as long and mostly fail as well.
 */
function isTriedByEngine(pushed: string): boolean {
  return /^retrying in \d/m.test(pushed);
}

/** The engine's log of a failed push, with the final error; empty if no push failed. */
function pushLog({ failedStep, failedLog }: ProgressSummary): string {
  const error = failedStep?.error ?? '';
  return error.startsWith('failed to push ') ? [...failedLog, error].join('\n') : '';
}

/** The lines that BuildKit points at, or else those of the failed step. */
function spanOf(
  dockerfile: SourceFile,
  excerpt: Excerpt | undefined,
  step: string | undefined,
): Span | undefined {
  if (excerpt !== undefined) return spanOfExcerpt(dockerfile, excerpt);
  return step === undefined ? undefined : findStep(dockerfile, step);
}

/** If the frontend's image is not available, BuildKit points at the `# syntax=` line. */
function isSyntaxLine(span: Span | undefined): boolean {
  return span !== undefined && /^\s*#\s*syntax\s*=/i.test(span.source.text.slice(span.start, span.end));
}

/** Compares repositories; ignores tags and digests. */
function isSameImage(one: string, other: string): boolean {
  const [ref, wanted] = [parseImageRef(one), parseImageRef(other)];
  return ref !== undefined && wanted !== undefined && isSameRepository(ref, wanted);
}

function detailOf(summary: ProgressSummary, text: string): { readonly detail?: string } {
  const parts = [summary.failedLog.join('\n').trimEnd(), text].filter((one) => one !== '');
  return parts.length === 0 ? {} : { detail: parts.join('\n') };
}
