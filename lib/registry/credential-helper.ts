/**
 * Runs `docker-credential-NAME get`: the server's name goes to its standard input, a JSON object comes back.
 * Protocol: github.com/docker/docker-credential-helpers (client, credentials).
 */
import { spawn } from 'node:child_process';
import { fail, ok, type Problem, problem, type Result } from '../model/mod.ts';
import { isRecord, oneLine } from './problems.ts';
import type { Environment } from './proxy.ts';

/** What a helper knows about a server. */
export interface HelperAnswer {
  readonly username: string;
  readonly secret: string;
}

const TIMEOUT_MS = 30_000;
const OUTPUT_LIMIT = 64 * 1024;

/** Asks a helper; undefined where it has no credentials for that server. */
export async function runCredentialHelper(
  name: string,
  server: string,
  env: Environment,
  signal?: AbortSignal,
  timeoutMs: number = TIMEOUT_MS,
): Promise<Result<HelperAnswer | undefined>> {
  // A slash would run a program that is not on PATH.
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(name)) {
    return fail([
      problem('registry/bad-config', `The Docker config names a credential helper ${JSON.stringify(name)}`, {
        hint: 'A helper name has only letters, digits, dots, dashes and underscores',
      }),
    ]);
  }
  const program = `docker-credential-${name}`;
  const run = await runWithInput(program, server, env, signal, timeoutMs);
  if (run.kind === 'not-started') {
    return fail([
      helperProblem(
        `The credential helper ${program} cannot be started: ${run.why}`,
        `Install ${program} into PATH, or remove it from credsStore/credHelpers in the Docker config`,
      ),
    ]);
  }
  if (run.kind === 'timeout') {
    return fail([
      helperProblem(
        `The credential helper ${program} did not answer for ${server} in ${timeoutMs / 1000} s`,
        `Run \`echo ${server} | ${program} get\` by hand: it may be waiting for a password or a browser`,
      ),
    ]);
  }
  // Words of the helpers' library for "I have none", on standard output with a failing exit code.
  if (/credentials not found|no credentials server URL|no credentials username/i.test(run.stdout))
    return ok(undefined);
  if (run.exitCode === 0) {
    const answer = parseAnswer(run.stdout);
    if (answer !== undefined) return ok(answer.secret === '' ? undefined : answer);
    return fail([
      helperProblem(
        `The credential helper ${program} answered for ${server} in no form known`,
        `Run \`echo ${server} | ${program} get\` by hand`,
      ),
    ]);
  }
  // On failure nothing secret is printed by contract, and the words are needed to find the cause.
  const said = oneLine(`${run.stdout} ${run.stderr}`, 300);
  return fail([
    problem(
      'registry/credential-helper',
      `The credential helper ${program} failed for ${server} (exit code ${run.exitCode})`,
      {
        hint: `Run \`echo ${server} | ${program} get\` by hand; you may have to sign in anew`,
        ...(said === '' ? {} : { detail: said }),
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

type HelperRun =
  | { readonly kind: 'ended'; readonly exitCode: number; readonly stdout: string; readonly stderr: string }
  | { readonly kind: 'not-started'; readonly why: string }
  | { readonly kind: 'timeout' };

function runWithInput(
  program: string,
  input: string,
  env: Environment,
  signal: AbortSignal | undefined,
  timeoutMs: number,
): Promise<HelperRun> {
  return new Promise((resolve) => {
    const output = { stdout: '', stderr: '' };
    let timer: ReturnType<typeof setTimeout> | undefined;
    const settle = (run: HelperRun): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', stop);
      resolve(run);
    };
    let child: ReturnType<typeof spawn>;
    const stop = (): void => {
      child.kill('SIGKILL');
      // A grandchild may hold the pipes open.
      child.stdout?.destroy();
      child.stderr?.destroy();
      settle({ kind: 'timeout' });
    };
    try {
      child = spawn(program, ['get'], {
        env: { ...env },
        stdio: ['pipe', 'pipe', 'pipe'],
        windowsHide: true,
      });
    } catch (error) {
      // Deno throws at once where the permission to run is missing.
      resolve({ kind: 'not-started', why: error instanceof Error ? oneLine(error.message, 200) : 'unknown' });
      return;
    }
    timer = setTimeout(stop, timeoutMs);
    signal?.addEventListener('abort', stop, { once: true });
    child.on('error', (error: Error & { code?: string }) =>
      settle({
        kind: 'not-started',
        why: error.code === 'ENOENT' ? 'not found on PATH' : oneLine(error.message, 200),
      }),
    );
    for (const name of ['stdout', 'stderr'] as const) {
      child[name]?.setEncoding('utf8');
      child[name]?.on('data', (piece: string) => {
        if (output[name].length < OUTPUT_LIMIT) output[name] += piece;
      });
    }
    child.on('close', (code) => settle({ kind: 'ended', exitCode: code ?? -1, ...output }));
    // A helper may end without reading: the pipe's complaint says nothing that the exit code does not.
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(input);
  });
}

function helperProblem(message: string, hint: string): Problem {
  return problem('registry/credential-helper', message, { hint });
}
