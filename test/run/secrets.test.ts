/** Secrets are asked for where a build really runs, and before anything is built. */
import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import type { Build, Problem, ProblemJson } from '../../lib/model/mod.ts';
import { findMissingSecrets } from '../../lib/run/secrets.ts';
import { assertOk } from '../rig/baking.ts';
import { kindsText } from '../rig/failure-bench.ts';
import { type FakeWorld, makeFakeWorld } from '../rig/fake-world.ts';
import { makeBuild } from '../rig/sets.ts';
import { type Cleanup, makeTempDir, writeTree } from '../rig/temp.ts';

const GIVEN = { NPM: 'x' };

/** `a` needs a variable and a file, `b` (based on `a`) another variable, `c` nothing. */
async function makeWorld(t: Cleanup): Promise<FakeWorld> {
  return makeFakeWorld(t, (host) => ({
    'builds.yaml': `templates:
  image: { tags: ["${host}/app/\${{ build.name }}:dev"], push: true }
builds:
  a:
    extends: image
    context: a
    secrets:
      - id=npm,env=NPM
      - id=key,file=key.pem
  b: { extends: image, context: b, contexts: { a: "build:a" }, secrets: ["id=late,env=LATE"] }
  c: { extends: image, context: c }
`,
    'a/Dockerfile':
      'FROM scratch\nRUN --mount=type=secret,id=npm --mount=type=secret,id=key true\nCOPY file /a\n',
    'a/file': 'a\n',
    'b/Dockerfile': 'FROM a\nRUN --mount=type=secret,id=late true\nCOPY file /b\n',
    'b/file': 'b\n',
    'c/Dockerfile': 'FROM scratch\nCOPY file /c\n',
    'c/file': 'c\n',
    'key.pem': 'key\n',
  }));
}

const said = (problems: readonly (Problem | ProblemJson)[]) =>
  problems.map((one) => {
    const place = 'place' in one && one.place !== undefined ? `:${one.place.line}` : '';
    return `${one.build}${place} ${one.code}`;
  });

test('what surely runs lacks its secrets before anything is built, all of them at once, with places', async (t) => {
  const world = await makeWorld(t);
  await rm(path.join(world.dir, 'key.pem'));
  const baked = await world.bake();
  assert.deepEqual(said(baked.summary.problems), [
    'a:8 build/secret-unset',
    'a:9 build/secret-file',
    'b:10 build/secret-unset',
  ]);
  assert.deepEqual([baked.summary.ok, world.engine.calls.length, world.registry.writes()], [false, 0, []]);
});

test('each secret that is not there is named with where it is to come from', async (t) => {
  const dir = await makeTempDir(t, 'secrets-');
  await writeTree(dir, { 'there.pem': 'key', 'directory/file': '' });
  const file = (id: string, name: string) => ({
    id,
    from: { kind: 'file', path: path.join(dir, name), written: name } as const,
  });
  const variable = (id: string, name: string) => ({ id, from: { kind: 'env', variable: name } as const });
  const span = { start: 1 } as unknown as NonNullable<Build['span']>;
  const secrets: Build['secrets'] = [
    file('there', 'there.pem'),
    file('gone', 'gone.pem'),
    { ...file('directory', 'directory'), span },
    variable('set', 'SET'),
    variable('empty', 'EMPTY'),
    { ...variable('unset', 'UNSET'), span },
    variable('none', 'NONE'),
  ];
  const found = await findMissingSecrets(makeBuild('x', { secrets }), {
    SET: 'x',
    EMPTY: '',
    NONE: undefined,
  });
  const lost = (id: string) => `the secret \`${id}\` comes from a file that does not exist: `;
  assert.deepEqual(
    found.map((one) => [one.code, one.build, one.span, 'span' in one, one.message.replace(`${dir}/`, '')]),
    [
      ['build/secret-file', 'x', undefined, false, `${lost('gone')}gone.pem`],
      ['build/secret-file', 'x', span, true, `${lost('directory')}directory`],
      ['build/secret-unset', 'x', span, true, 'the secret `unset` comes from UNSET, which is not set'],
      ['build/secret-unset', 'x', undefined, false, 'the secret `none` comes from NONE, which is not set'],
    ],
  );
});

test('a dry run needs no secret', async (t) => {
  const world = await makeWorld(t);
  const dry = await world.bake({ dryRun: true });
  assertOk(dry);
  assert.equal(kindsText(dry), 'a built, b built, c built');
});

test('builds that are unchanged, and those whose tags only are put, need no secret', async (t) => {
  const world = await makeWorld(t);
  assertOk(await world.bake({ env: { ...GIVEN, LATE: 'y' } }));
  await rm(path.join(world.dir, 'key.pem'));
  const again = await world.bake();
  assertOk(again);
  assert.equal(kindsText(again), 'a unchanged, b unchanged, c unchanged');
  world.registry.store.deleteManifest('app/a', 'dev');
  const retagged = await world.bake();
  assertOk(retagged);
  assert.equal(kindsText(retagged), 'a retagged, b unchanged, c unchanged');
  await world.write({ 'c/file': 'C\n' });
  const other = await world.bake();
  assertOk(other);
  assert.equal(kindsText(other), 'a unchanged, b unchanged, c built');
  const forced = await world.bake({ force: true });
  assert.deepEqual(said(forced.summary.problems), [
    'a:8 build/secret-unset',
    'a:9 build/secret-file',
    'b:10 build/secret-unset',
  ]);
});

test('a build of which it shows only later that it runs is asked for its secrets when it is its turn', async (t) => {
  const world = await makeWorld(t);
  assertOk(await world.bake({ env: { ...GIVEN, LATE: 'y' } }));
  await world.write({ 'a/file': 'A\n' });
  world.engine.forgetCalls();
  const baked = await world.bake({ env: GIVEN });
  assert.equal(kindsText(baked), 'a built, b failed, c unchanged');
  assert.deepEqual(said([baked.outcome('b').problem ?? assert.fail()]), ['b:10 build/secret-unset']);
  assert.equal(world.engine.builds.length, 1);
  assertOk(await world.bake({ env: { LATE: 'y' } }));
});

test('a parent that is built again because its image is gone is asked for its secrets too', async (t) => {
  const world = await makeFakeWorld(t, () => ({
    'builds.yaml': `builds:
  a: { context: a, secrets: ["id=npm,env=NPM", "id=two,env=TWO"] }
  b: { context: b, contexts: { a: "build:a" } }
`,
    'a/Dockerfile': 'FROM scratch\nRUN --mount=type=secret,id=npm --mount=type=secret,id=two true\n',
    'b/Dockerfile': 'FROM a\nCOPY file /b\n',
    'b/file': 'b\n',
  }));
  assertOk(await world.bake({ builds: ['b'], env: { ...GIVEN, TWO: 'y' } }));
  await world.write({ 'b/file': 'B\n' });
  world.engine.loseImages();
  const baked = await world.bake({ builds: ['b'] });
  assert.equal(kindsText(baked), 'a failed, b failed');
  assert.deepEqual(said([baked.outcome('a').problem ?? assert.fail()]), ['a:2 build/secret-unset']);
  const warned = baked.events.flatMap((event) => (event.type === 'warning' ? [event.problem] : []));
  assert.deepEqual(
    warned.map(({ message }) => message),
    ['the secret `two` comes from TWO, which is not set'],
  );
});
