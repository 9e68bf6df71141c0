/**
 * Pipelines, checked with what others check them with: actionlint (GitHub), the JSON schema of GitLab's own editor that gitlab-ci-local
 * brings along, and the schemas of Argo's and Tekton's objects. `.ci/pipeline-checks.mjs` provides them.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { type TestContext, test } from 'node:test';
import { Ajv, type ValidateFunction } from 'ajv';
import { parse, parseAllDocuments } from 'yaml';
import { runCommand } from '../rig/command.ts';
import { repoPath } from '../rig/paths.ts';
import { type PipelineSystem, printPipeline, SHOP } from '../rig/printed-pipeline.ts';
import { makeTree } from '../rig/temp.ts';

const checks = process.env['BAKE_TS_TEST_PIPELINE_CHECKS'] ?? '';
const runtimes = process.env['BAKE_TS_TEST_RUNTIMES'] ?? '';
const skip = checks === '' || runtimes === '' ? 'nothing to check with: npm test provides it' : false;

const BOTH = 'platforms: [linux/amd64, linux/arm64]';
const LABELS = {
  github: 'self-hosted,arm',
  gitlab: 'arm',
  argo: 'kubernetes.io/arch=arm64,disk=ssd',
  tekton: 'kubernetes.io/arch=arm64',
};

/** What is printed of a graph with all kinds of jobs, of one build, and of names and values that are hard to write down. */
async function printAll(t: TestContext, system: PipelineSystem): Promise<readonly string[]> {
  const splits = system === 'github' || system === 'gitlab' ? [['--split=level'], ['--split=build']] : [[]];
  const odd = ['--set', "*.labels.x={{a}} ${{ b }} $(params.c) ': # \u2028", '--name=shop'];
  const runner = `--runner=linux/arm64=${LABELS[system]}`;
  const texts: string[] = [];
  for (const split of splits)
    for (const [graph, args] of [
      [SHOP, []],
      [SHOP, [runner]],
      [{ '!on': [], '!3.10': [], '!A_b': [] }, []],
      [SHOP, system === 'argo' || system === 'tekton' ? odd : odd.slice(0, 2)],
    ] as const) {
      const more = { base: BOTH, os: 'platforms: [linux/arm64]' };
      texts.push((await printPipeline(t, system, graph, { args: [...split, ...args], more })).text);
    }
  return texts;
}

test('actionlint finds nothing in workflows', { skip }, async (t) => {
  const lint = async (text: string) => {
    const dir = await makeTree(t, { 'images.yml': text });
    const argv = [path.join(checks, 'actionlint'), '-no-color', '-pyflakes=', path.join(dir, 'images.yml')];
    return runCommand(argv, { cwd: dir });
  };
  const texts = await printAll(t, 'github');
  for (const text of texts) assert.equal((await lint(text)).stdout, '');
  const wrong = await lint((texts[0] ?? '').replace('needs: [level-0]', 'needs: [level-9]'));
  assert.match(wrong.stdout, /level-9/);
});

test('the schema of GitLab takes its files, and so does its imitation', { skip }, async (t) => {
  const lint = async (text: string) => {
    const cwd = await makeTree(t, { '.gitlab-ci.yml': text });
    const git = await runCommand(['git', 'init', '--quiet', cwd]);
    assert.equal(git.exitCode, 0, git.stderr);
    const program = repoPath('node_modules/gitlab-ci-local/dist/index.js');
    const done = await runCommand([path.join(runtimes, 'node'), program, '--list'], { cwd });
    return { ...done, all: `${done.stdout}${done.stderr}` };
  };
  const texts = await printAll(t, 'gitlab');
  for (const text of texts) {
    const { exitCode, all } = await lint(text);
    assert.equal(exitCode, 0, all);
    assert.match(all, /json schema validated/);
  }
  const wrong = await lint((texts[0] ?? '').replace('when: always', 'when: sometimes'));
  assert.notEqual(wrong.exitCode, 0);
  assert.match(wrong.all, /when/);
});

// biome-ignore lint/suspicious/noExplicitAny: documents of somebody else's form.
type Any = any;

const validators = new Map<string, ValidateFunction>();

/** What `kubectl` and the server find wrong with an object: unknown fields, too, which a schema alone lets through. */
function problemsOf(object: Any): readonly string[] {
  const validate = validators.get(object.kind) ?? validatorOf(object.kind);
  validators.set(object.kind, validate);
  if (validate(object)) return [];
  return (validate.errors ?? []).map(
    (one) => `${one.instancePath} ${one.message} ${JSON.stringify(one.params)}`,
  );
}

function validatorOf(kind: string): ValidateFunction {
  const schema = JSON.parse(readFileSync(path.join(checks, `${kind}.json`), 'utf8'));
  return new Ajv({ strict: false, validateFormats: false, validateSchema: false }).compile(closed(schema));
}

/** As Kubernetes reads its schemas: fields that are not named are unknown, and some are a number or a text. */
function closed(schema: Any): Any {
  if (schema['x-kubernetes-int-or-string'] === true) return { type: ['integer', 'string'] };
  const { properties, items, additionalProperties: more } = schema;
  const fields = Object.entries(properties ?? {}).map(([name, one]) => [name, closed(one)]);
  const isOpen = schema['x-kubernetes-preserve-unknown-fields'] === true || properties === undefined;
  return {
    ...schema,
    ...(properties === undefined ? {} : { properties: Object.fromEntries(fields) }),
    ...(items === undefined ? {} : { items: closed(items) }),
    ...(typeof more === 'object'
      ? { additionalProperties: closed(more) }
      : isOpen
        ? {}
        : { additionalProperties: false }),
  };
}

test("Argo's and Tekton's own schemas take their objects", { skip }, async (t) => {
  const kinds = new Set<string>();
  for (const system of ['argo', 'tekton'] as const)
    for (const text of await printAll(t, system)) {
      // The run that stands there as a comment, too.
      const [, comment = ''] = /with kubectl create:\n((?:# {3}.*\n)+)/.exec(text) ?? [];
      const run = comment === '' ? [] : [parse(comment.replace(/^# {3}/gm, ''))];
      for (const object of [...parseAllDocuments(text).map((one) => one.toJS()), ...run]) {
        kinds.add(object.kind);
        assert.deepEqual(problemsOf(object), [], object.kind);
        const wrong = structuredClone(object);
        wrong.spec.unknown = 1;
        assert.notDeepEqual(problemsOf(wrong), []);
      }
    }
  assert.deepEqual([...kinds].sort(), ['Pipeline', 'PipelineRun', 'Task', 'WorkflowTemplate']);
});
