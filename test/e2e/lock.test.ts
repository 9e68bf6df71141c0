/** builds.lock with real registries and a real engine: what is locked stays, whatever tags do, until it is updated. */
import assert from 'node:assert/strict';
import { readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { digestOf, unpackImage } from '../rig/puller.ts';
import { realEngine, startTestRegistry, type TestRegistry } from '../rig/real-engine.ts';
import { makeTempDir } from '../rig/temp.ts';
import { assertOk, makeWorkspace, named, type Workspace } from './support.ts';

interface Stage extends Workspace {
  readonly registry: TestRegistry;
  readonly lockFile: string;
  /** Makes the external images again; what their tags mean changes with the words. */
  readonly moveExternal: (words: string) => Promise<void>;
  readonly wordsOf: (image: string) => Promise<string>;
}

async function setUp(t: TestContext): Promise<Stage> {
  const registry = await startTestRegistry(t);
  const { host } = registry;
  const image = (name: string) =>
    `  ${name}: { context: ".", tags: ["${host}/external/${name}:1"], push: true }\n`;
  const external = await makeWorkspace(t, {
    'builds.yaml': `builds:\n${image('one')}${image('two')}`,
    Dockerfile: 'FROM scratch\nCOPY words /words\n',
    words: 'first',
  });
  const moveExternal = async (words: string) => {
    await writeFile(path.join(external.dir, 'words'), words);
    assertOk(await external.bake());
  };
  await moveExternal('first');
  const workspace = await makeWorkspace(t, {
    'builds.yaml': `builds:
  app: { context: app, tags: ["${host}/lock/app:1"], push: true }
  top: { context: top, contexts: { app: "build:app" }, tags: ["${host}/lock/top:1"], push: true }
`,
    'app/Dockerfile': `FROM ${host}/external/one:1\nCOPY own /own\n`,
    'app/own': 'own\n',
    'top/Dockerfile': 'FROM app\nCOPY own /top\n',
    'top/own': 'own\n',
  });
  const scratch = await makeTempDir(t, 'e2e-lock-');
  return {
    ...workspace,
    registry,
    moveExternal,
    lockFile: path.join(workspace.dir, 'builds.lock'),
    wordsOf: async (name) => {
      await unpackImage(`${host}/lock/${name}`, path.join(scratch, 'image'));
      return readFile(path.join(scratch, 'image/words'), 'utf8');
    },
  };
}

test('builds.lock', { skip: realEngine.skip, timeout: 240_000 }, async (t) => {
  const stage = await setUp(t);
  const { registry, lockFile } = stage;
  const { host } = registry;
  const one = `${host}/external/one:1`;
  const two = `${host}/external/two:1`;
  assertOk(await stage.bake());

  await t.test('--check and the commands that need a lock say that there is none', async () => {
    for (const [args, code] of [
      [['lock', '--check'], 'run/lock-stale'],
      [['outdated'], 'run/no-lock'],
      [['update'], 'run/no-lock'],
    ] as const) {
      const result = await stage.run(args);
      assert.equal(result.exitCode, 1, result.stderr);
      assert(result.stderr.includes(code), result.stderr);
    }
  });

  await t.test('lock writes each external image with its digest, one a line', async () => {
    const locked = await stage.run(['lock']);
    assert.equal(locked.exitCode, 0, locked.stderr);
    assert.match(locked.stdout, /1 added/);
    assert.equal(
      await readFile(lockFile, 'utf8'),
      `{\n  "version": 1,\n  "images": {\n    "${one}": "${await digestOf(one)}"\n  }\n}\n`,
    );
    assert.equal((await stage.run(['lock', '--check'])).exitCode, 0);
    assert.equal((await stage.run(['outdated'])).exitCode, 0);
  });

  await t.test('a run takes the digest from the lock and asks no registry for it', async () => {
    await registry.forget();
    const baked = await stage.bake();
    assertOk(baked);
    assert.deepEqual(named(baked, 'unchanged'), ['app', 'top'], 'the digest is the one it was built with');
    assert.deepEqual(
      (await registry.requests()).filter((line) => line.includes('/external/')),
      [],
    );
  });

  await t.test('a tag that moves changes nothing, and the build is pinned to the old digest', async () => {
    await stage.moveExternal('second');
    const still = await stage.bake();
    assertOk(still);
    assert.deepEqual(named(still, 'unchanged'), ['app', 'top']);
    await writeFile(path.join(stage.dir, 'app/own'), 'changed\n');
    const baked = await stage.bake();
    assertOk(baked);
    assert.deepEqual(named(baked, 'built'), ['app', 'top']);
    assert.equal(await stage.wordsOf('app:1'), 'first');
  });

  await t.test('outdated shows what moved, update locks it, and the next run builds it', async () => {
    const outdated = await stage.run(['outdated']);
    assert.equal(outdated.exitCode, 1);
    assert.match(outdated.stdout, /external\/one:1 .* moved on/);
    const near = await stage.run(['update', 'on']);
    assert.equal(near.exitCode, 1);
    assert.match(near.stderr, /run\/not-in-lock/);
    const updated = await stage.run(['update', 'one', '--json']);
    assert.equal(updated.exitCode, 0, updated.stderr);
    const [change] = JSON.parse(updated.stdout) as readonly Record<string, unknown>[];
    assert.deepEqual([change?.['image'], change?.['to']], [one, await digestOf(one)]);
    assert.deepEqual([change?.['builds'], change?.['above']], [['app'], ['top']]);
    assert.equal((await stage.run(['outdated'])).exitCode, 0);
    assert.match((await stage.run(['update'])).stdout, /nothing to update/);
    const baked = await stage.bake();
    assertOk(baked);
    assert.deepEqual(named(baked, 'built'), ['app', 'top']);
    assert.match(baked.outcome('app').reason?.text ?? '', /external\/one/);
    assert.equal(await stage.wordsOf('app:1'), 'second');
  });

  await t.test('a registry that does not answer is not known, never up to date', async () => {
    await registry.stop();
    try {
      const outdated = await stage.run(['outdated']);
      assert.equal(outdated.exitCode, 6, outdated.stdout);
      assert.match(outdated.stdout, /1 not known, 0 up to date/);
      const updated = await stage.run(['update']);
      assert.equal(updated.exitCode, 6, updated.stdout);
    } finally {
      await registry.start();
    }
  });

  await t.test('an image that the lock does not hold is looked up, with one warning', async () => {
    await writeFile(
      path.join(stage.dir, 'app/Dockerfile'),
      `FROM ${one}\nCOPY own /own\nCOPY --from=${two} /words /two\n`,
    );
    const baked = await stage.bake();
    assertOk(baked);
    const warnings = baked.events.flatMap((event) => (event.type === 'warning' ? [event.problem] : []));
    assert.deepEqual(
      warnings.map((warning) => warning.code),
      ['run/not-locked'],
    );
    assert(warnings[0]?.message.includes(two));
    const check = await stage.run(['lock', '--check']);
    assert.equal(check.exitCode, 1);
    assert(check.stderr.includes(`+ ${two}`), check.stderr);
    const before = await readFile(lockFile, 'utf8');
    await stage.run(['lock']);
    assert(
      (await readFile(lockFile, 'utf8')).includes(before.match(/"[^"]*one:1": "[^"]*"/)?.[0] ?? 'no line'),
    );
    assert.equal((await stage.run(['lock', '--check'])).exitCode, 0);
    await writeFile(path.join(stage.dir, 'app/Dockerfile'), `FROM ${one}\nCOPY own /own\n`);
    const dropped = await stage.run(['lock', 'top']);
    assert.match(dropped.stdout, /1 dropped, 1 image as before/);
    assert.equal(await readFile(lockFile, 'utf8'), before);
  });

  await t.test('a locked digest that the registry no longer has is reported as that', async () => {
    await writeFile(
      lockFile,
      (await readFile(lockFile, 'utf8')).replace(/sha256:\w+/, `sha256:${'0'.repeat(64)}`),
    );
    const baked = await stage.bake();
    assert.equal(baked.summary.ok, false);
    const found = baked.outcome('app').problem;
    assert.equal(found?.code, 'run/locked-image-gone', JSON.stringify(found));
    assert(found.hint?.includes(`bake-ts update '${one}'`), found.hint);
    assert.equal((await stage.run(['update'])).exitCode, 0);
    assertOk(await stage.bake());
  });

  await t.test('a broken lock stops everything, with its place', async () => {
    await stage.buildctl.reset();
    await writeFile(lockFile, '{\n  "version": 1,\n  "images": {\n    "alpine": "latest"\n  }\n}\n');
    const result = await stage.run(['run']);
    assert.equal(result.exitCode, 3, result.stderr);
    assert.match(result.stderr, /config\/bad-lock/);
    assert.match(result.stderr, /builds\.lock:4:5/);
    assert.deepEqual(await stage.buildctl.calls(), []);
    await rm(lockFile);
  });
});
