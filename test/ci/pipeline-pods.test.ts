/** Plans as objects of Argo Workflows and Tekton. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { parseAllDocuments } from 'yaml';
import { runCli } from '../../cli/app.ts';
import { TEST_PACKAGE } from '../rig/ci-job.ts';
import { createFakeIo } from '../rig/fake-io.ts';
import { assertGolden } from '../rig/golden.ts';
import { HEAD, printPipeline, SHOP } from '../rig/printed-pipeline.ts';
import { makeTempDir, writeTree } from '../rig/temp.ts';

const SYSTEMS = ['argo', 'tekton'] as const;
type System = (typeof SYSTEMS)[number];

// biome-ignore lint/suspicious/noExplicitAny: documents of somebody else's form.
type Any = any;

interface Job {
  readonly name: string;
  readonly needs: readonly string[];
  readonly parameters: Readonly<Record<string, string>>;
}

/** The jobs of either system. */
function jobsOf(system: System, documents: readonly Any[]): readonly Job[] {
  const valuesOf = (list: readonly Any[]) => Object.fromEntries(list.map(({ name, value }) => [name, value]));
  if (system === 'tekton')
    return documents[1].spec.tasks.map(({ name, runAfter = [], params }: Any) => ({
      name,
      needs: runAfter,
      parameters: valuesOf(params),
    }));
  const [{ dag }] = documents[0].spec.templates;
  return dag.tasks.map(({ name, dependencies = [], arguments: given }: Any) => ({
    name,
    needs: dependencies,
    parameters: valuesOf(given.parameters),
  }));
}

/** The script of the jobs. */
function scriptOf(system: System, documents: readonly Any[]): string {
  if (system === 'argo') return documents[0].spec.templates[1].script.source;
  return documents[0].spec.steps[1].script;
}

test('what is printed for a small graph', async (t) => {
  for (const system of SYSTEMS)
    assertGolden((await printPipeline(t, system, SHOP)).text, `ci/golden/${system}.yaml`);
});

test('a job waits for what its build reads, and takes that by what those jobs left', async (t) => {
  for (const system of SYSTEMS) {
    const { documents } = await printPipeline(t, system, { ...SHOP, top: ['api', 'site'] });
    const jobs = jobsOf(system, documents);
    assert.deepEqual(
      jobs.map(({ name, needs }) => [name, needs]),
      [
        ['build-os', []],
        ['build-site', []],
        ['build-base', ['build-os']],
        ['build-api', ['build-base']],
        ['build-web', ['build-base']],
        ['build-top', ['build-api', 'build-site']],
      ],
    );
    const left = (id: string) =>
      system === 'argo' ? `{{tasks.${id}.outputs.parameters.made}}` : `$(tasks.${id}.results.made)`;
    assert.equal(jobs.at(-1)?.parameters['parents'], `${left('build-api')} ${left('build-site')}`);
    assert.equal(jobs[0]?.parameters['parents'], undefined);
  }
});

test('names are labels of Kubernetes, whatever builds are called, and no two jobs have one', async (t) => {
  const long = 'x'.repeat(80);
  const names = ['a.b', 'a-b', 'A-B', '_x', 'x_', `${long}a`, `${long}b`, `${'y'.repeat(56)}_z`, 'on', '12'];
  for (const system of SYSTEMS) {
    // Not pushed, since most of them are no names of repositories.
    const graph = Object.fromEntries(names.map((name) => [`!${name}`, []]));
    const { documents } = await printPipeline(t, system, graph);
    const jobs = jobsOf(system, documents);
    assert.equal(new Set(jobs.map(({ name }) => name)).size, names.length);
    for (const { name } of jobs) assert.match(name, /^(?=.{1,63}$)[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/);
    assert.deepEqual(new Set(jobs.map(({ parameters }) => parameters['builds'])), new Set(names));
  }
});

test('more builds than one object can hold share jobs, which still wait for nothing else than they need', async (t) => {
  const graph = Object.fromEntries([
    ...Array.from({ length: 400 }, (_, at) => [`a${at}`, []]),
    ...Array.from({ length: 200 }, (_, at) => [`b${at}`, [`a${at}`]]),
  ]);
  const { documents, text } = await printPipeline(t, 'argo', graph);
  const jobs = jobsOf('argo', documents);
  assert(jobs.length <= 500 && jobs.length >= 250, `${jobs.length}`);
  assert.equal(new Set(jobs.flatMap(({ parameters }) => (parameters['builds'] ?? '').split(' '))).size, 600);
  assert.match(text, /# Note: Up to 2 builds share a job, since a pipeline may have 500 jobs\./);
  for (const { parameters, needs } of jobs.filter(({ name }) => name.startsWith('level-1'))) {
    const wanted = (parameters['builds'] ?? '').split(' ').map((name) => name.replace('b', 'a'));
    const made = jobs.filter(({ name }) => needs.includes(name));
    assert.equal(made.length, needs.length);
    for (const name of wanted)
      assert(
        made.some((one) => one.parameters['builds']?.split(' ').includes(name) === true),
        name,
      );
    assert(needs.length <= wanted.length);
  }
});

test('what Argo and Tekton take for templates of their own reaches bake-ts as it is, and nothing of it is run', async (t) => {
  const dir = await makeTempDir(t);
  const head = `vars: { N: "1" }\n${HEAD}`;
  const values = [
    '{{workflow.name}}',
    '{{{{=1}}}} {',
    "it's {{a}}",
    '$(params.package)',
    '$$(context.taskRun.name)',
    '$(touch pwned)',
    'a\n{{b}}\n$(params.x)\\{{',
    '\u0001{{1}}$(tasks.status)',
    ': # \u2028{{',
  ];
  for (const value of values) {
    for (const system of SYSTEMS) {
      const args = ['--var', `N=${value}`];
      const { text, documents } = await printPipeline(t, system, { a: [], b: ['a'] }, { args, head });
      const old = parseAllDocuments(text, { version: '1.1' }).map((one) => one.toJS());
      assert.deepEqual(old, documents);
      const script = scriptOf(system, documents);
      const known = system === 'argo' ? /\{\{/ : /\$\((?:params|context|tasks|workspaces|steps?)\b/;
      assert.doesNotMatch(script, known);
      execFileSync('bash', ['-n'], { input: script.replaceAll('$(results.made.path)', '/dev/null') });
      const call = script.split('\n').find((line) => line.startsWith('bake-ts run ')) ?? '';
      const words = execFileSync(
        'bash',
        ['-c', `builds=(a); parents=(); work=.\nbake-ts() { printf '%s\\0' "$@"; }\n${call}`],
        { cwd: dir, encoding: 'utf8' },
      ).split('\0');
      assert.equal(words[words.indexOf('--var') + 1], `N=${value}`);
    }
  }
  assert.equal(execFileSync('ls', [dir], { encoding: 'utf8' }), '');
});

test('names of objects are the wanted ones, or refused', async (t) => {
  const { documents } = await printPipeline(t, 'tekton', { a: [] }, { args: ['--name', 'shop'] });
  assert.deepEqual(
    documents.map(({ metadata }: Any) => metadata.name),
    ['shop-job', 'shop'],
  );
  assert.equal(documents[1].spec.tasks[0].taskRef.name, 'shop-job');
  const dir = await makeTempDir(t);
  await writeTree(dir, { 'builds.yaml': 'builds: { app: { dockerfile-inline: FROM scratch } }\n' });
  for (const system of SYSTEMS)
    for (const name of ['Shop', 'a b', '-a', 'a-', 'x'.repeat(53), '{{x}}']) {
      const io = createFakeIo(['ci', system, `--package=${TEST_PACKAGE}`, `--name=${name}`], { cwd: dir });
      assert.equal(await runCli(io), 2);
      assert.match(io.err(), /cli\/bad-value/);
      assert.equal(io.out(), '');
    }
});

test('nothing secret is printed, and every secret that is named may be missing', async (t) => {
  for (const system of SYSTEMS) {
    const { documents } = await printPipeline(t, system, SHOP);
    const found: Any[] = [];
    JSON.stringify(documents, (key, value) => {
      if (key === 'secret' || key === 'secretRef') found.push(value);
      return value;
    });
    assert.equal(found.length, 3);
    for (const one of found) assert.equal(one.optional, true);
  }
});
