/**
 * Tekton in little: runs a Pipeline on this machine, each of its tasks as a pod. It knows what our pipelines use, and fails for
 * anything else.
 */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { parseAllDocuments } from 'yaml';
import type { GraphJob } from './argo-runner.ts';
import { type PodContainer, type PodOptions, type PodVolume, runPod } from './pod.ts';
import { type Cleanup, makeTempDir } from './temp.ts';

interface TaskSpec {
  readonly params?: readonly { readonly name: string; readonly default?: string }[];
  readonly results?: readonly { readonly name: string }[];
  readonly volumes?: readonly PodVolume[];
  readonly steps: readonly PodContainer[];
}

interface PipelineTask {
  readonly name: string;
  readonly taskRef?: { readonly name: string };
  readonly taskSpec?: TaskSpec;
  readonly onError?: string;
  readonly runAfter?: readonly string[];
  readonly when?: readonly {
    readonly input: string;
    readonly operator: string;
    readonly values: readonly string[];
  }[];
  readonly params?: readonly { readonly name: string; readonly value: string }[];
}

interface Documents {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly spec: TaskSpec & {
    readonly params: readonly { readonly name: string; readonly default?: string }[];
    readonly tasks: readonly PipelineTask[];
    readonly finally: readonly PipelineTask[];
  };
}

/** What a container may leave as its termination message, which is how results come out of it; Tekton needs some of it. */
const RESULT_BYTES = 3072;

/** Runs a pipeline, as a PipelineRun does. */
export async function runTekton(
  t: Cleanup,
  text: string,
  given: Readonly<Record<string, string>>,
  options: PodOptions,
): Promise<readonly GraphJob[]> {
  const documents = parseAllDocuments(text).map((one) => one.toJS() as Documents);
  const pipeline = documents.find(({ kind }) => kind === 'Pipeline') ?? assert.fail('no Pipeline');
  const specOf = ({ taskRef, taskSpec }: PipelineTask): TaskSpec =>
    taskSpec ??
    documents.find(({ kind, metadata }) => kind === 'Task' && metadata.name === taskRef?.name)?.spec ??
    assert.fail(`no task ${taskRef?.name}`);
  const values = new Map<string, string>();
  for (const { name, default: value } of pipeline.spec.params)
    values.set(`params.${name}`, given[name] ?? value ?? assert.fail(`no parameter ${name}`));
  const done: GraphJob[] = [];
  const waiting = [...pipeline.spec.tasks];
  while (waiting.length > 0) {
    const at = waiting.findIndex((task) => needsOf(task).every((id) => done.some((one) => one.id === id)));
    assert(at !== -1, 'tasks need one another in a circle, or one that there is not');
    const [task = assert.fail()] = waiting.splice(at, 1);
    // Without it nothing more is started when a task has failed.
    assert.equal(task.onError, 'continue');
    const needs = needsOf(task).map((id) => done.find((one) => one.id === id));
    const isMissing = referencesOf(task).some((one) => !values.has(one));
    const isSkipped = isMissing || needs.some((one) => one?.result === 'skipped');
    if (isSkipped) done.push({ id: task.name, result: 'skipped', output: '' });
    else done.push(await runTask(t, task, specOf(task), values, options));
  }
  const hasFailed = done.some(({ result }) => result === 'failed');
  values.set('tasks.status', hasFailed ? 'Failed' : 'Succeeded');
  for (const task of pipeline.spec.finally) {
    const holds = (task.when ?? []).every(({ input, operator, values: wanted }) => {
      assert.equal(operator, 'in');
      return wanted.includes(replaced(input, values));
    });
    if (!holds) done.push({ id: task.name, result: 'skipped', output: '' });
    else done.push(await runTask(t, task, specOf(task), values, options));
  }
  return done;
}

/** Results of other tasks that a task reads. */
function referencesOf({ params = [] }: PipelineTask): readonly string[] {
  return params.flatMap(({ value }) =>
    [...value.matchAll(/\$\((tasks\.[^)]+)\)/g)].map(([, one = '']) => one),
  );
}

function needsOf(task: PipelineTask): readonly string[] {
  return [...(task.runAfter ?? []), ...referencesOf(task).map((one) => one.split('.')[1] ?? '')];
}

async function runTask(
  t: Cleanup,
  task: PipelineTask,
  spec: TaskSpec,
  values: Map<string, string>,
  options: PodOptions,
): Promise<GraphJob> {
  const own = new Map<string, string>();
  const given = new Map((task.params ?? []).map(({ name, value }) => [name, replaced(value, values)]));
  for (const { name, default: value } of spec.params ?? [])
    own.set(`params.${name}`, given.get(name) ?? value ?? assert.fail(`no parameter ${name}`));
  for (const name of given.keys()) assert(own.has(`params.${name}`), `no such parameter: ${name}`);
  const dir = await makeTempDir(t, 'tekton-');
  for (const { name } of spec.results ?? []) own.set(`results.${name}.path`, path.join(dir, name));
  const containers = spec.steps.map((step) => ({
    ...step,
    ...(step.script === undefined ? {} : { script: replaced(step.script, own) }),
    env: (step.env ?? []).map(({ name, value }) => ({ name, value: replaced(value, own) })),
  }));
  const ran = await runPod(t, task.name, { containers, volumes: spec.volumes ?? [] }, {}, options);
  if (ran.exitCode !== 0) return { id: task.name, result: 'failed', output: ran.output };
  for (const { name } of spec.results ?? []) {
    const result = await readFile(path.join(dir, name), 'utf8');
    assert(result.length < RESULT_BYTES, `${task.name} leaves ${result.length} bytes`);
    values.set(`tasks.${task.name}.results.${name}`, result);
  }
  return { id: task.name, result: 'succeeded', output: ran.output };
}

/** What looks like a variable of Tekton; anything else in `$(…)` is the shell's. */
function replaced(text: string, values: ReadonlyMap<string, string>): string {
  return text.replace(
    /\$\(((?:params|results|tasks|context|workspaces)\.[\w.-]+)\)/g,
    (_whole, name: string) => values.get(name) ?? assert.fail(`no ${name}`),
  );
}
