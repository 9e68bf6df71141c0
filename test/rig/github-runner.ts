/**
 * A runner of GitHub Actions in little: runs the jobs of a workflow on this machine, each with a workspace, a home and
 * temporary files of its own. It knows the actions that our workflows use, and fails for any other.
 */
import assert from 'node:assert/strict';
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { parse } from 'yaml';
import { type CiStep, type Origin, runScript } from './ci-job.ts';
import { runCommand } from './command.ts';
import { type Contexts, evaluate, interpolate, isTrue } from './github-expression.ts';
import { repoPath } from './paths.ts';
import { type Cleanup, makeTempDir } from './temp.ts';

/** What happened at GitHub. */
export interface GithubEvent {
  readonly name: 'push' | 'pull_request' | 'schedule' | 'workflow_dispatch';
  /** The commit that is checked out, and the ref that names it. */
  readonly sha: string;
  readonly ref: string;
  /** Of a pull request: where it goes, and the repository it comes from. */
  readonly baseRef?: string;
  readonly headRepository?: string;
}

/** A job that ran; `skipped`: its condition did not hold. */
export interface GithubJob {
  readonly id: string;
  readonly skipped: boolean;
  readonly steps: readonly CiStep[];
  readonly workspace: string;
  readonly home: string;
}

interface Step {
  readonly id?: string;
  readonly name?: string;
  readonly if?: string;
  readonly uses?: string;
  readonly run?: string;
  readonly shell?: string;
  readonly with?: Readonly<Record<string, unknown>>;
  readonly env?: Readonly<Record<string, unknown>>;
  readonly 'working-directory'?: string;
}

interface Job {
  readonly name?: string;
  readonly if?: string;
  readonly needs?: readonly string[];
  readonly permissions?: Readonly<Record<string, string>>;
  readonly strategy?: { readonly matrix: Readonly<Record<string, readonly string[]>> };
  readonly env?: Readonly<Record<string, unknown>>;
  readonly steps: readonly Step[];
}

/** A workflow, parsed. */
export interface Workflow {
  readonly env?: Readonly<Record<string, unknown>>;
  readonly jobs: Readonly<Record<string, Job>>;
}

/** Where and with what jobs run. */
export interface GithubOptions {
  readonly origin: Origin;
  /** A directory for PATH; see `makePrograms`. */
  readonly programs: string;
  /** What a runner's machine has in its environment. */
  readonly env: Readonly<Record<string, string>>;
  readonly secrets?: Readonly<Record<string, string>>;
  /** What `uses:` calls our action by. */
  readonly action?: string;
}

const REPOSITORY = 'acme/shop';
const SHELLS: Readonly<Record<string, readonly string[]>> = {
  default: ['bash', '-e'],
  bash: ['bash', '--noprofile', '--norc', '-eo', 'pipefail'],
};

/** Parses a workflow. */
export function parseWorkflow(text: string): Workflow {
  return parse(text) as Workflow;
}

/** Runs a whole workflow: each job when those that it needs have succeeded. Jobs of a matrix are jobs of their own. */
export async function runWorkflow(
  t: Cleanup,
  workflow: Workflow,
  event: GithubEvent,
  options: GithubOptions,
): Promise<readonly GithubJob[]> {
  const artifacts = await makeTempDir(t, 'artifacts-');
  const done: GithubJob[] = [];
  const waiting = new Map(Object.entries(workflow.jobs));
  while (waiting.size > 0) {
    const next = [...waiting].find(([, job]) => (job.needs ?? []).every((need) => !waiting.has(need)));
    assert(next !== undefined, 'jobs need one another in a circle');
    const [id, written] = next;
    const job = { ...written, env: { ...workflow.env, ...written.env } };
    waiting.delete(id);
    const needs = done.filter((one) => job.needs?.includes(one.id) === true);
    const isBlocked = needs.some((one) => one.skipped || hasFailed(one));
    const rows = matrixRows(job);
    for (const [index, matrix] of rows.entries()) {
      const run = new JobRun(t, id, job, event, options, artifacts, matrix, index);
      done.push(await run.run(isBlocked));
    }
  }
  return done;
}

/** Whether one of its steps failed. */
export function hasFailed({ steps }: GithubJob): boolean {
  return steps.some(({ exitCode }) => exitCode !== 0);
}

function matrixRows({ strategy }: Job): readonly Readonly<Record<string, string>>[] {
  const [axis, ...others] = Object.entries(strategy?.matrix ?? {});
  assert.equal(others.length, 0, 'one axis is known here');
  if (axis === undefined) return [{}];
  const [name, values] = axis;
  return values.map((value) => ({ [name]: value }));
}

class JobRun {
  readonly #t: Cleanup;
  readonly #id: string;
  readonly #job: Job;
  readonly #event: GithubEvent;
  readonly #options: GithubOptions;
  readonly #artifacts: string;
  readonly #steps: CiStep[] = [];
  readonly #outputs: Record<string, { outputs: Record<string, string> }> = {};
  readonly #fixed: Contexts;
  #workspace = '';
  #home = '';
  #temp = '';

  constructor(
    t: Cleanup,
    id: string,
    job: Job,
    event: GithubEvent,
    options: GithubOptions,
    artifacts: string,
    matrix: Readonly<Record<string, string>>,
    index: number,
  ) {
    this.#t = t;
    this.#id = id;
    this.#job = job;
    this.#event = event;
    this.#options = options;
    this.#artifacts = artifacts;
    const head = { repo: { full_name: event.headRepository ?? REPOSITORY } };
    this.#fixed = {
      github: {
        event_name: event.name,
        ref: event.ref,
        base_ref: event.baseRef,
        sha: event.sha,
        repository: REPOSITORY,
        workflow: 'Images',
        actor: 'somebody',
        token: 'the-token-of-the-job',
        event: event.name === 'pull_request' ? { pull_request: { head } } : {},
      },
      // Pull requests of forks get none.
      secrets: event.headRepository === undefined ? (options.secrets ?? {}) : {},
      matrix,
      strategy: { 'job-index': index },
    };
  }

  async run(isBlocked: boolean): Promise<GithubJob> {
    [this.#workspace, this.#home, this.#temp] = [
      await makeTempDir(this.#t, 'workspace-'),
      await makeTempDir(this.#t, 'home-'),
      await makeTempDir(this.#t, 'temp-'),
    ];
    const condition = this.#job.if;
    const skipped = isBlocked || (condition !== undefined && !isTrue(evaluate(condition, this.#contexts())));
    if (!skipped) await this.#runSteps(this.#job.steps, this.#outputs, this.#job.env ?? {}, {});
    return { id: this.#id, skipped, steps: this.#steps, workspace: this.#workspace, home: this.#home };
  }

  #contexts(steps: Contexts = this.#outputs, more: Contexts = {}): Contexts {
    return { ...this.#fixed, runner: { temp: this.#temp }, steps, ...more };
  }

  async #runSteps(
    steps: readonly Step[],
    outputs: Record<string, { outputs: Record<string, string> }>,
    env: Readonly<Record<string, unknown>>,
    more: Contexts,
  ): Promise<void> {
    for (const step of steps) {
      if (this.#steps.some(({ exitCode }) => exitCode !== 0)) return;
      const contexts = this.#contexts(outputs, more);
      if (step.if !== undefined && !isTrue(evaluate(step.if, contexts))) continue;
      if (step.uses !== undefined) await this.#use(step, step.uses, contexts);
      else await this.#runStep(step, outputs, { ...env, ...step.env }, contexts);
    }
  }

  async #runStep(
    step: Step,
    outputs: Record<string, { outputs: Record<string, string> }>,
    env: Readonly<Record<string, unknown>>,
    contexts: Contexts,
  ): Promise<void> {
    const files = path.join(this.#temp, '_files');
    await mkdir(files, { recursive: true });
    const names = ['GITHUB_OUTPUT', 'GITHUB_ENV', 'GITHUB_PATH', 'GITHUB_STEP_SUMMARY'];
    const own = Object.fromEntries(names.map((name) => [name, path.join(files, name)]));
    await writeFile(own['GITHUB_OUTPUT'] ?? '', '');
    const set = parseLines(await readOr(own['GITHUB_ENV']));
    const added = (await readOr(own['GITHUB_PATH']))
      .split('\n')
      .filter((line) => line !== '')
      .reverse();
    const given = Object.fromEntries(
      Object.entries(env).map(([name, value]) => [name, interpolate(String(value), contexts)]),
    );
    const { programs, env: machine } = this.#options;
    const done = await runScript(interpolate(step.run ?? '', contexts), {
      name: step.name ?? this.#id,
      cwd: path.resolve(this.#workspace, interpolate(step['working-directory'] ?? '.', contexts)),
      env: {
        HOME: this.#home,
        ...machine,
        ...this.#environment(),
        ...own,
        ...set,
        ...given,
        CI_SCRIPTS: files,
        PATH: [...added, programs, machine['PATH'] ?? ''].join(':'),
      },
      shell: SHELLS[step.shell ?? 'default'] ?? [],
    });
    this.#steps.push(done);
    if (step.id !== undefined) outputs[step.id] = { outputs: parseLines(await readOr(own['GITHUB_OUTPUT'])) };
  }

  #environment(): Readonly<Record<string, string>> {
    const { name, ref, sha, baseRef } = this.#event;
    return {
      CI: 'true',
      GITHUB_ACTIONS: 'true',
      GITHUB_EVENT_NAME: name,
      GITHUB_REF: ref,
      GITHUB_SHA: sha,
      GITHUB_BASE_REF: baseRef ?? '',
      GITHUB_REPOSITORY: REPOSITORY,
      GITHUB_SERVER_URL: 'https://github.com',
      GITHUB_WORKSPACE: this.#workspace,
      RUNNER_TEMP: this.#temp,
      RUNNER_OS: 'Linux',
    };
  }

  async #use(step: Step, uses: string, contexts: Contexts): Promise<void> {
    const given = Object.fromEntries(
      Object.entries(step.with ?? {}).map(([name, value]) => [name, interpolate(String(value), contexts)]),
    );
    if (uses === this.#options.action) return this.#useOurs(step, given);
    const [name] = uses.split('@');
    if (name === 'actions/checkout') return this.#checkOut(given);
    // Registries of tests take anybody.
    if (name === 'docker/login-action') return;
    const stored = path.join(this.#artifacts, given['name'] ?? '');
    if (name === 'actions/upload-artifact') {
      const file = given['path'] ?? '';
      await mkdir(stored, { recursive: true });
      return cp(file, path.join(stored, path.basename(file)));
    }
    if (name === 'actions/download-artifact') {
      const { pattern = '', path: target = '' } = given;
      assert(pattern.endsWith('*') && given['merge-multiple'] === 'true');
      const { readdir } = await import('node:fs/promises');
      for (const one of await readdir(this.#artifacts))
        if (one.startsWith(pattern.slice(0, -1)))
          await cp(path.join(this.#artifacts, one), target, { recursive: true });
      return;
    }
    throw new Error(`no such action here: ${uses}`);
  }

  async #useOurs(step: Step, given: Readonly<Record<string, string>>): Promise<void> {
    const action = parse(await readFile(repoPath('action.yml'), 'utf8'));
    const defaults = Object.entries(action.inputs as Record<string, { default?: string }>).map(
      ([name, input]) => [name, input.default ?? ''],
    );
    for (const name of Object.keys(given)) assert(Object.hasOwn(action.inputs, name), `no input ${name}`);
    const inputs = { ...Object.fromEntries(defaults), ...given };
    const own: Record<string, { outputs: Record<string, string> }> = {};
    const github = { ...(this.#fixed['github'] as object), action_path: repoPath('.') };
    await this.#runSteps(action.runs.steps, own, step.env ?? {}, { inputs, github });
    if (step.id === undefined) return;
    const outputs = Object.entries(action.outputs as Record<string, { value: string }>);
    this.#outputs[step.id] = {
      outputs: Object.fromEntries(
        outputs.map(([name, { value }]) => [name, interpolate(value, this.#contexts(own))]),
      ),
    };
  }

  /** As actions/checkout does it: one commit, or with `fetch-depth: 0` all branches; and a token in .git/config. */
  async #checkOut(given: Readonly<Record<string, string>>): Promise<void> {
    const { sha, ref } = this.#event;
    const git = async (...argv: readonly string[]): Promise<void> => {
      const done = await runCommand(['git', ...argv], { cwd: this.#workspace });
      assert.equal(done.exitCode, 0, done.stderr);
    };
    await git('init', '--quiet');
    await git('remote', 'add', 'origin', this.#options.origin.dir);
    const all = given['fetch-depth'] === '0';
    const wanted = all ? ['+refs/heads/*:refs/remotes/origin/*', sha] : ['--depth=1', sha];
    await git('fetch', '--quiet', 'origin', ...wanted);
    await git(
      'checkout',
      '--quiet',
      '--force',
      ...(ref.startsWith('refs/heads/') ? ['-B', ref.slice(11), sha] : ['--detach', sha]),
    );
    if (given['persist-credentials'] !== 'false')
      await git('config', 'http.https://github.com/.extraheader', 'AUTHORIZATION: basic dG9rZW4=');
  }
}

async function readOr(file: string | undefined): Promise<string> {
  return file === undefined ? '' : readFile(file, 'utf8').catch(() => '');
}

/** `name=value` lines, and `name<<mark` with lines up to the mark. */
function parseLines(text: string): Record<string, string> {
  const values: Record<string, string> = {};
  const lines = text.split('\n');
  for (let line = lines.shift(); line !== undefined; line = lines.shift()) {
    const [, name = '', mark = ''] = /^([\w-]+)<<(.*)$/.exec(line) ?? [];
    if (name !== '') values[name] = lines.splice(0, lines.indexOf(mark)).join('\n');
    else if (line.includes('=')) values[line.slice(0, line.indexOf('='))] = line.slice(line.indexOf('=') + 1);
    if (name !== '') lines.shift();
  }
  return values;
}
