/**
 * A runner of GitLab CI in little: runs jobs of a `.gitlab-ci.yml` on this machine, each with a clone, a home and temporary
 * files of its own, and hands artifacts on.
 */
import assert from 'node:assert/strict';
import { cp, mkdir, readdir } from 'node:fs/promises';
import path from 'node:path';
import { parse } from 'yaml';
import { type CiStep, cloneAt, type Origin, runScript } from './ci-job.ts';
import { type Cleanup, makeTempDir } from './temp.ts';

/** A job that ran, and its clone. */
export interface GitlabJob extends CiStep {
  readonly project: string;
}

/** Where and with what jobs run. */
export interface GitlabOptions {
  readonly origin: Origin;
  /** A directory for PATH; see `makePrograms`. */
  readonly programs: string;
  /** What a runner's machine has in its environment, and what GitLab sets of the pipeline. */
  readonly env: Readonly<Record<string, string>>;
  readonly sha: string;
}

interface Definition {
  readonly extends?: string;
  readonly stage?: string;
  readonly variables?: Readonly<Record<string, string>>;
  readonly before_script?: readonly string[];
  readonly script?: readonly string[];
  readonly after_script?: readonly string[];
  readonly parallel?: { readonly matrix: readonly Readonly<Record<string, string | readonly string[]>>[] };
  readonly artifacts?: { readonly paths: readonly string[] };
}

type File = Readonly<Record<string, Definition>> & {
  readonly stages?: readonly string[];
  readonly variables?: Readonly<Record<string, string>>;
};

let jobs = 0;

/** Runs the named jobs, in the order of their stages; those of one stage get the artifacts of all stages before it. */
export async function runGitlab(
  t: Cleanup,
  text: string,
  names: readonly string[],
  options: GitlabOptions,
): Promise<readonly GitlabJob[]> {
  const file = parse(text) as File;
  const artifacts = await makeTempDir(t, 'artifacts-');
  const done: GitlabJob[] = [];
  const before = path.join(artifacts, 'all');
  await mkdir(before);
  let stage: string | undefined;
  let ofStage: string[] = [];
  for (const name of names) {
    const own = resolve(file, name);
    if (own.stage !== stage) {
      for (const dir of ofStage) await cp(dir, before, { recursive: true });
      [stage, ofStage] = [own.stage, []];
    }
    const job = { ...own, variables: { ...file.variables, ...own.variables } };
    const here = path.join(artifacts, name);
    await mkdir(here);
    ofStage.push(here);
    for (const row of rowsOf(job)) {
      const one = await runJob(t, name, job, row, before, options);
      done.push(one);
      if (one.exitCode !== 0) return done;
      for (const kept of job.artifacts?.paths ?? []) await keep(one.project, kept, here);
    }
  }
  return done;
}

/** Keeps what a pattern like `dir/*.json` names. */
async function keep(project: string, pattern: string, target: string): Promise<void> {
  const { dir, base } = path.parse(pattern);
  assert(base.startsWith('*'), pattern);
  const names = await readdir(path.join(project, dir));
  for (const name of names.filter((one) => one.endsWith(base.slice(1))))
    await cp(path.join(project, dir, name), path.join(target, dir, name));
}

function resolve(file: File, name: string): Definition {
  const job = file[name];
  assert(job !== undefined, `no job ${name}`);
  if (job.extends === undefined) return job;
  const base = resolve(file, job.extends);
  return { ...base, ...job, variables: { ...base.variables, ...job.variables } };
}

function rowsOf({ parallel }: Definition): readonly Readonly<Record<string, string>>[] {
  if (parallel === undefined) return [{}];
  return parallel.matrix.flatMap((entry) => {
    const lists = Object.entries(entry).filter(([, value]) => typeof value !== 'string');
    const plain = Object.fromEntries(Object.entries(entry).filter(([, value]) => typeof value === 'string'));
    const [axis, ...others] = lists;
    assert.equal(others.length, 0, 'one axis is known here');
    if (axis === undefined) return [plain as Record<string, string>];
    return (axis[1] as readonly string[]).map(
      (value) => ({ ...plain, [axis[0]]: value }) as Record<string, string>,
    );
  });
}

async function runJob(
  t: Cleanup,
  name: string,
  job: Definition,
  row: Readonly<Record<string, string>>,
  artifacts: string,
  { origin, programs, env: machine, sha }: GitlabOptions,
): Promise<GitlabJob> {
  const [builds, home] = [await makeTempDir(t, 'builds-'), await makeTempDir(t, 'home-')];
  const project = path.join(builds, 'shop');
  // As the runner does it, its own address of the repository has the token of the job.
  await cloneAt(origin.dir, sha, project);
  await cp(artifacts, project, { recursive: true });
  const set: Record<string, string> = {
    HOME: home,
    BAKE_TS_HOME: home,
    CI: 'true',
    GITLAB_CI: 'true',
    CI_PROJECT_DIR: project,
    CI_PROJECT_ID: '7',
    CI_JOB_ID: `${++jobs}`,
    CI_DEFAULT_BRANCH: 'main',
    CI_PROJECT_URL: 'https://gitlab.com/acme/shop',
    ...machine,
    ...row,
  };
  const given = Object.fromEntries(
    Object.entries(job.variables ?? {}).map(([key, value]) => [
      key,
      String(value).replace(/\$(\w+)/g, (_whole, other: string) => set[other] ?? ''),
    ]),
  );
  const lines = [...(job.before_script ?? []), ...(job.script ?? [])];
  const how = {
    name,
    cwd: project,
    env: { ...set, ...given, CI_SCRIPTS: builds, PATH: `${programs}:${machine['PATH'] ?? ''}` },
    shell: ['bash'],
  };
  const done = await runScript(['set -eo pipefail', ...lines].join('\n'), how);
  await runScript((job.after_script ?? []).join('\n'), how);
  return { ...done, project };
}
