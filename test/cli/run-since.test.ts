/** `run --since` in a real git repository, with a buildctl that only notes what it is called for. */
import assert from 'node:assert/strict';
import { chmod, readFile } from 'node:fs/promises';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { runCli } from '../../cli/app.ts';
import { EXIT } from '../../cli/exit-codes.ts';
import type { BakeEvent } from '../../lib/model/mod.ts';
import { makePlace } from '../rig/calling-place.ts';
import { createFakeIo } from '../rig/fake-io.ts';
import { writeTree } from '../rig/temp.ts';

const TREE = {
  'builds.yaml': `builds:
  base: { context: base }
  api: { context: api, contexts: { base: "build:base" } }
  web: { context: web }
  docs: { context: docs }
groups: { default: [web] }
`,
  'base/Dockerfile': 'FROM scratch\nCOPY . /\n',
  'api/Dockerfile': 'FROM base\nCOPY . /\n',
  'web/Dockerfile': 'FROM scratch\nCOPY . /\n',
  'docs/Dockerfile': 'FROM scratch\nCOPY . /\n',
};

async function makeRepository(t: TestContext) {
  const { cwd: top, env, buildctl, git } = await makePlace(t, TREE);
  const run = async (...argv: readonly string[]) => {
    const io = createFakeIo(['run', ...argv], { cwd: top, env });
    const code = await runCli(io);
    return { code, out: io.out(), err: io.err() };
  };
  /** Builds of a run and why they are in it. */
  const planned = async (...argv: readonly string[]) => {
    const { code, out, err } = await run('--progress=json', ...argv);
    assert.deepEqual([code, err], [EXIT.ok, '']);
    const events = out
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as BakeEvent);
    const nodes = events.flatMap((event) => (event.type === 'planned' ? event.nodes : []));
    return { events, nodes: nodes.map(({ build, role }) => `${build} ${role}`) };
  };
  await git('init', '-q', '-b', 'main');
  await git('add', '-A');
  await git('commit', '-q', '-m', 'state');
  return { top, git, run, planned, buildctl };
}

test('what changed runs with what it needs and what needs it, whatever the group default says', async (t) => {
  const { top, planned } = await makeRepository(t);
  await writeTree(top, { 'api/f': '' });
  assert.deepEqual((await planned('--since', 'HEAD')).nodes, ['base needed', 'api asked']);
  await writeTree(top, { 'base/f': '', 'docs/f': '' });
  assert.deepEqual((await planned('--since', 'HEAD')).nodes, ['base asked', 'api asked', 'docs asked']);
});

test('a mode that changed is a change, also in a clone that does not look at them', async (t) => {
  const { top, git, planned } = await makeRepository(t);
  await git('config', 'core.fileMode', 'false');
  await chmod(path.join(top, 'docs/Dockerfile'), 0o755);
  assert.deepEqual((await planned('--since', 'HEAD')).nodes, ['docs asked']);
});

test('with patterns it is the affected ones among those', async (t) => {
  const { top, planned } = await makeRepository(t);
  await writeTree(top, { 'base/f': '', 'docs/f': '' });
  assert.deepEqual((await planned('--since', 'HEAD', 'api', 'web')).nodes, ['base needed', 'api asked']);
  assert.deepEqual((await planned('--since', 'HEAD', '!docs', '!api')).nodes, ['base asked']);
  assert.deepEqual((await planned('--since', 'HEAD', 'base', '--dependents')).nodes, [
    'base asked',
    'api asked',
  ]);
});

test('where nothing is affected there is nothing to do, which one line says, and the files are written', async (t) => {
  const { top, git, run, planned, buildctl } = await makeRepository(t);
  await writeTree(top, { README: '' });
  const none = await run('--since', 'HEAD', '--metadata-file', 'meta.json');
  assert.deepEqual(
    [none.code, none.out, none.err],
    [EXIT.ok, '', 'nothing to do: 1 file changed since HEAD, and none of 4 builds depends on that\n'],
  );
  assert.deepEqual(JSON.parse(await readFile(path.join(top, 'meta.json'), 'utf8')), {
    version: 1,
    ok: true,
    builds: {},
  });
  assert.deepEqual((await run('--since', 'HEAD', '--progress=quiet')).err, '');
  const { events } = await planned('--since', 'HEAD');
  assert.deepEqual(
    events.map(({ type }) => type),
    ['run-started', 'planned', 'run-finished'],
  );
  await git('clean', '-fdq');
  assert.match(
    (await run('--since', 'HEAD', 'web')).err,
    /^nothing to do: 0 files changed since HEAD, .*\n$/,
  );
  assert.deepEqual(await buildctl.calls(), []);
});

test('what git does not know is an error, and nothing runs', async (t) => {
  const { run, buildctl } = await makeRepository(t);
  const { code, err } = await run('--since', 'nowhere...');
  assert.equal(code, EXIT.usage);
  assert.match(err, /cli\/unknown-revision/);
  assert.equal((await run('--since', 'HEAD', 'nothing-of-that-name')).code, EXIT.invalid);
  assert.deepEqual(await buildctl.calls(), []);
});
