/**
 * Argo Workflows in little: runs the graph of a WorkflowTemplate on this machine, each task as a pod with a clone of its own. It
 * knows what our templates use, and fails for anything else.
 */
import assert from 'node:assert/strict';
import { mkdtemp, readFile } from 'node:fs/promises';
import path from 'node:path';
import { parse } from 'yaml';
import { cloneAt } from './ci-job.ts';
import { type PodContainer, type PodOptions, type PodVolume, runPod } from './pod.ts';
import { type Cleanup, makeTempDir } from './temp.ts';

/** What became of a job of a graph. */
export interface GraphJob {
  readonly id: string;
  /** `skipped`: it needs one that has not succeeded. */
  readonly result: 'succeeded' | 'failed' | 'skipped';
  readonly output: string;
}

interface Parameter {
  readonly name: string;
  readonly value?: string;
}

interface Task {
  readonly name: string;
  readonly template: string;
  readonly dependencies?: readonly string[];
  readonly arguments: { readonly parameters: readonly Parameter[] };
}

interface Template {
  readonly name: string;
  readonly dag?: { readonly failFast: boolean; readonly tasks: readonly Task[] };
  readonly inputs?: {
    readonly parameters: readonly Parameter[];
    readonly artifacts: readonly { path: string; git: { repo: string; revision: string } }[];
  };
  readonly outputs?: { readonly parameters: readonly { name: string; valueFrom: { path: string } }[] };
  readonly initContainers: readonly (PodContainer & { readonly mirrorVolumeMounts?: boolean })[];
  readonly script: PodContainer & { readonly source: string };
}

interface WorkflowTemplate {
  readonly spec: {
    readonly entrypoint: string;
    readonly arguments: { readonly parameters: readonly Parameter[] };
    readonly volumes: readonly PodVolume[];
    readonly templates: readonly Template[];
  };
}

/** Runs a workflow of the template, as `argo submit --from` does. */
export async function runArgo(
  t: Cleanup,
  text: string,
  given: Readonly<Record<string, string>>,
  options: PodOptions,
): Promise<readonly GraphJob[]> {
  const { spec } = parse(text) as WorkflowTemplate;
  const values = new Map<string, string>();
  for (const { name, value } of spec.arguments.parameters)
    values.set(`workflow.parameters.${name}`, given[name] ?? value ?? assert.fail(`no parameter ${name}`));
  const find = (name: string) => spec.templates.find((one) => one.name === name) ?? assert.fail(name);
  const { dag } = find(spec.entrypoint);
  // With the default, one that fails keeps others from being started.
  assert.equal(dag?.failFast, false);
  const done: GraphJob[] = [];
  const waiting = [...(dag?.tasks ?? [])];
  while (waiting.length > 0) {
    const at = waiting.findIndex(({ dependencies = [] }) =>
      dependencies.every((id) => done.some((one) => one.id === id)),
    );
    assert(at !== -1, 'tasks depend on one another in a circle, or on none that there is');
    const [task = assert.fail()] = waiting.splice(at, 1);
    const isBlocked = task.dependencies?.some(
      (id) => done.find((one) => one.id === id)?.result !== 'succeeded',
    );
    if (isBlocked === true) done.push({ id: task.name, result: 'skipped', output: '' });
    else done.push(await runTask(t, task, find(task.template), spec.volumes, values, options));
  }
  return done;
}

async function runTask(
  t: Cleanup,
  task: Task,
  template: Template,
  volumes: readonly PodVolume[],
  values: Map<string, string>,
  options: PodOptions,
): Promise<GraphJob> {
  const own = new Map(values);
  // A task may only read what its dependencies left, which is what `dependencies` are there for.
  for (const key of values.keys())
    if (key.startsWith('tasks.') && task.dependencies?.includes(key.split('.')[1] ?? '') !== true)
      own.delete(key);
  const given = task.arguments.parameters.map(
    ({ name, value = '' }) => [name, replaced(value, own)] as const,
  );
  for (const { name, value } of template.inputs?.parameters ?? []) {
    const found = given.find(([key]) => key === name)?.[1];
    own.set(`inputs.parameters.${name}`, found ?? replaced(value ?? assert.fail(`no ${name}`), own));
  }
  for (const [name] of given) assert(own.has(`inputs.parameters.${name}`), `no such input: ${name}`);
  // As Argo does it: in the JSON of the template.
  const read: Template = JSON.parse(
    replaced(JSON.stringify(template), new Map([...own].map(([key, value]) => [key, escaped(value)]))),
  );
  const dir = await makeTempDir(t, 'argo-');
  const paths: Record<string, string> = {};
  for (const { path: place, git } of read.inputs?.artifacts ?? [])
    paths[place] = await cloneAt(git.repo, git.revision, await mkdtemp(path.join(dir, 'source-')));
  const [output, ...others] = read.outputs?.parameters ?? [];
  assert.equal(others.length, 0);
  if (output !== undefined) paths[output.valueFrom.path] = path.join(dir, 'output');
  const containers = [
    ...read.initContainers.map(({ mirrorVolumeMounts, ...one }) => ({
      ...one,
      ...(mirrorVolumeMounts === true ? { volumeMounts: read.script.volumeMounts ?? [] } : {}),
    })),
    { ...read.script, script: read.script.source },
  ];
  const ran = await runPod(t, task.name, { containers, volumes }, paths, options);
  if (ran.exitCode !== 0) return { id: task.name, result: 'failed', output: ran.output };
  if (output !== undefined)
    values.set(
      `tasks.${task.name}.outputs.parameters.${output.name}`,
      await readFile(path.join(dir, 'output'), 'utf8'),
    );
  return { id: task.name, result: 'succeeded', output: ran.output };
}

function escaped(value: string): string {
  return JSON.stringify(value).slice(1, -1);
}

function replaced(text: string, values: ReadonlyMap<string, string>): string {
  return text.replace(
    /\{\{(.*?)\}\}/g,
    (_whole, name: string) => values.get(name.trim()) ?? assert.fail(name),
  );
}
