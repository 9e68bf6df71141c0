/**
 * Runs `docker-credential-NAME get`: it reads the server's name from stdin and prints a JSON object. Protocol:
 * github.com/docker/docker-credential-helpers (client, credentials).
 */
import {
  type Environment,
  fail,
  ok,
  type Problem,
  problem,
  type Result,
  wasCancelled,
} from '../model/mod.ts';
import { runProgram, whyFailed } from '../system/mod.ts';
import { isRecord, oneLine } from './problems.ts';

/** What a helper knows about a server. */
export interface HelperAnswer {
  readonly username: string;
  readonly secret: string;
}

/** The input of {@link runCredentialHelper}. */
export interface HelperQuestion {
  /** What follows `docker-credential-` in the name of the program. */
  readonly name: string;
  readonly server: string;
  readonly env: Environment;
  readonly signal?: AbortSignal | undefined;
  readonly timeoutMs?: number;
}

const TIMEOUT_MS = 30_000;
const OUTPUT_LIMIT = 64 * 1024;

/** Runs a helper; undefined if it has no credentials for that server. */
export async function runCredentialHelper({
  name,
  server,
  env,
  signal,
  timeoutMs = TIMEOUT_MS,
}: HelperQuestion): Promise<Result<HelperAnswer | undefined>> {
  // A slash would run a program that is not on PATH.
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(name)) {
    return fail([
      problem('registry/bad-config', `The Docker config names a credential helper ${JSON.stringify(name)}`, {
        hint: 'Use only letters, digits, dots, dashes and underscores in its name',
      }),
    ]);
  }
  const program = `docker-credential-${name}`;
  const run = await runProgram({
    program,
    argv: ['get'],
    env,
    stdin: server,
    timeoutMs,
    stdoutLimit: OUTPUT_LIMIT,
    ...(signal === undefined ? {} : { signal }),
  });
  const byHand = `Run \`echo ${server} | ${program} get\` by hand`;
  if (run.denied !== undefined) return fail([run.denied]);
  if (run.ended === 'never-started') {
    const why = run.startError === 'ENOENT' ? 'not found on PATH' : oneLine(run.startError ?? 'unknown', 200);
    return fail([
      helperProblem(
        `The credential helper ${program} cannot be started: ${why}`,
        `Install ${program} into PATH, or remove it from credsStore/credHelpers in the Docker config`,
      ),
    ]);
  }
  if (run.ended === 'cancelled') return fail([wasCancelled()]);
  if (run.ended === 'timeout') {
    return fail([
      helperProblem(
        `The credential helper ${program} did not answer for ${server} in ${timeoutMs / 1000} s`,
        `${byHand}: it may be waiting for a password or a browser`,
      ),
    ]);
  }
  const said = run.stdout.toString();
  // Messages of the helpers' library for "no credentials", on stdout with a non-zero exit code.
  if (/credentials not found|no credentials server URL|no credentials username/i.test(said))
    return ok(undefined);
  if (run.exitCode === 0) {
    const answer = parseAnswer(said);
    if (answer !== undefined) return ok(answer.secret === '' ? undefined : answer);
    return fail([
      helperProblem(`The credential helper ${program} gave an invalid answer for ${server}`, byHand),
    ]);
  }
  // By contract, nothing secret is printed on failure, and the output is needed to find the cause.
  const detail = oneLine(`${said} ${run.stderr}`, 300);
  return fail([
    problem(
      'registry/credential-helper',
      `The credential helper ${program} failed for ${server} (${whyFailed(run)})`,
      {
        hint: `${byHand}; you may have to sign in again`,
        ...(detail === '' ? {} : { detail }),
      },
    ),
  ]);
}

function parseAnswer(text: string): HelperAnswer | undefined {
  try {
    const json: unknown = JSON.parse(text);
    if (!isRecord(json)) return undefined;
    const { Username: username, Secret: secret } = json;
    return typeof username === 'string' && typeof secret === 'string' ? { username, secret } : undefined;
  } catch {
    return undefined;
  }
}

function helperProblem(message: string, hint: string): Problem {
  return problem('registry/credential-helper', message, { hint });
}
