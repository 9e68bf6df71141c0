/** A repository with a chain, a diamond, a matrix and two registries, through the things that happen to repositories. */
import assert from 'node:assert/strict';
import {
  chmod,
  copyFile,
  mkdir,
  readFile,
  readlink,
  rename,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { findBusybox } from '../rig/busybox.ts';
import { runCommand } from '../rig/command.ts';
import { deleteManifest, digestOf, overwriteTag, unpackImage } from '../rig/puller.ts';
import { realEngine, startTestRegistry, type TestRegistry } from '../rig/real-engine.ts';
import { makeTempDir, type TreeEntry } from '../rig/temp.ts';
import { assertOk, type Baked, makeWorkspace, named, type Workspace } from './support.ts';

const SERVICES = ['svc-a-fast', 'svc-a-slow', 'svc-b-fast', 'svc-b-slow'];
const ALL = ['base', 'bundle', 'site', ...SERVICES, 'tools'].sort();

function builds(one: string, two: string): string {
  return `
vars:
  EXTRA: { default: none, env: [EXTRA] }
builds:
  base:
    context: base
    contexts: { busybox: bin }
    tags: [${one}/five/base:1]
    push: true
  tools:
    context: tools
    contexts: { base: build:base }
    tags: [${one}/five/tools:1]
    push: true
  site:
    context: site
    tags: ["${one}/five/site:1", "${one}/five/site:latest"]
    push: true
  svc:
    context: svc
    contexts: { tools: build:tools }
    matrix:
      flavor: [a, b]
      mode: [fast, slow]
    name: svc-\${{ matrix.flavor }}-\${{ matrix.mode }}
    args: { FLAVOR: "\${{ matrix.flavor }}", MODE: "\${{ matrix.mode }}", EXTRA: "\${{ vars.EXTRA }}" }
    tags: ["${one}/five/svc:\${{ matrix.flavor }}-\${{ matrix.mode }}"]
    push: true
  bundle:
    context: bundle
    contexts: { one: build:svc-a-fast, two: build:svc-b-slow }
    tags: ["${one}/five/bundle:1", "${two}/other/bundle:1"]
    push: true
`;
}

function tree(one: string, two: string): Record<string, TreeEntry> {
  return {
    'builds.yaml': builds(one, two),
    'bin/': '',
    'base/Dockerfile':
      'FROM scratch\nENV PATH=/bin\nCOPY --from=busybox busybox /bin/busybox\nRUN ["/bin/busybox", "--install", "-s", "/bin"]\nCOPY etc/ /etc/\n',
    'base/etc/motd': 'welcome\n',
    'tools/Dockerfile': 'FROM base\nRUN --mount=type=bind,source=in,target=/in cat /in/list > /tools.txt\n',
    'tools/in/list': 'hammer\n',
    // The base and the tools by their tags: edges that only the Dockerfile shows.
    'site/Dockerfile': `FROM ${one}/five/base:1\nCOPY --from=${one}/five/tools:1 /tools.txt /site/tools.txt\nCOPY . /site/\n`,
    'site/.dockerignore': 'Dockerfile\n.dockerignore\n*.log\n',
    'site/index.html': '<h1>site</h1>\n',
    'site/debug.log': 'noise\n',
    'svc/Dockerfile':
      'FROM tools\nARG FLAVOR\nARG MODE\nARG EXTRA\nRUN echo "$FLAVOR $MODE $EXTRA" > /svc.txt\nCOPY app/$FLAVOR.txt /app.txt\n',
    'svc/app/a.txt': 'app a\n',
    'svc/app/b.txt': 'app b\n',
    'bundle/Dockerfile':
      'FROM scratch\nCOPY --from=one /svc.txt /one.txt\nCOPY --from=two /svc.txt /two.txt\nCOPY readme run.sh /\nCOPY links/ /links/\n',
    'bundle/readme': 'read me\n',
    'bundle/run.sh': { content: '#!/bin/sh\necho run\n', mode: 0o644 },
    'bundle/links/one/where': 'here\n',
    'bundle/links/two/': '',
    'bundle/links/current': { symlink: 'one' },
  };
}

interface Stage extends Workspace {
  readonly one: TestRegistry;
  readonly two: TestRegistry;
  readonly scratch: string;
}

async function setUp(t: TestContext): Promise<Stage> {
  const [one, two] = await Promise.all([startTestRegistry(t), startTestRegistry(t)]);
  const workspace = await makeWorkspace(t, tree(one.host, two.host));
  await copyFile(await findBusybox(t), path.join(workspace.dir, 'bin/busybox'));
  await chmod(path.join(workspace.dir, 'bin/busybox'), 0o755);
  return { ...workspace, one, two, scratch: await makeTempDir(t, 'e2e-pulled-') };
}

async function forget(stage: Stage): Promise<void> {
  await Promise.all([stage.buildctl.reset(), stage.one.forget(), stage.two.forget()]);
}

/** Bakes all, and asserts that exactly these were built, every other one skipped, and that as many calls were made. */
async function expectBuilt(stage: Stage, expected: readonly string[], options = {}): Promise<Baked> {
  await stage.buildctl.reset();
  const baked = await stage.bake(options);
  assertOk(baked);
  assert.deepEqual(named(baked, 'built'), [...expected].sort());
  assert.deepEqual(
    named(baked, 'unchanged'),
    ALL.filter((name) => !expected.includes(name)),
  );
  const calls = await stage.buildctl.builds();
  assert.equal(calls.length, expected.length, calls.join('\n'));
  return baked;
}

test('a repository of five images', { skip: realEngine.skip, timeout: 300_000 }, async (t) => {
  const stage = await setUp(t);
  const { one, two, dir } = stage;
  const file = (name: string) => path.join(dir, name);
  const read = async (image: string, name: string) => {
    const target = path.join(stage.scratch, 'image');
    await unpackImage(`${one.host}/five/${image}`, target);
    return readFile(path.join(target, name), 'utf8');
  };

  await t.test('the first run builds all, and everybody can pull what it pushed', async () => {
    const baked = await expectBuilt(stage, ALL);
    assert(baked.summary.outcomes.every((outcome) => outcome.reason?.code === 'first-build'));
    for (const outcome of baked.summary.outcomes) {
      for (const tag of outcome.tags) {
        assert.equal(tag.action, 'pushed');
        assert.equal(await digestOf(tag.ref), outcome.digest, tag.ref);
      }
      assert(outcome.sizeBytes !== undefined && outcome.sizeBytes > 0, outcome.build);
    }
    assert.equal(await read('base:1', 'etc/motd'), 'welcome\n');
    assert.equal(await read('tools:1', 'tools.txt'), 'hammer\n');
    assert.equal(await read('site:latest', 'site/tools.txt'), 'hammer\n');
    assert.equal(await read('site:1', 'site/index.html'), '<h1>site</h1>\n');
    await assert.rejects(read('site:1', 'site/debug.log'), /ENOENT/);
    assert.equal(await read('svc:b-slow', 'svc.txt'), 'b slow none\n');
    assert.equal(await read('svc:a-fast', 'app.txt'), 'app a\n');
    const copy = path.join(stage.scratch, 'copy');
    await unpackImage(`${two.host}/other/bundle:1`, copy);
    assert.equal(await readFile(path.join(copy, 'two.txt'), 'utf8'), 'b slow none\n');
    assert.equal(await readlink(path.join(copy, 'links/current')), 'one');
  });

  await t.test(
    'containerd pulls and unpacks what it pushed',
    {
      skip: realEngine.containerdSocket === '' ? 'no access to containerd' : false,
    },
    async () => {
      const ref = `${one.host}/five/svc:a-slow`;
      const ctr = [
        path.join(realEngine.binDir, 'ctr'),
        '-a',
        realEngine.containerdSocket,
        '-n',
        'bake-ts-test',
      ];
      const pulled = await runCommand([...ctr, 'images', 'pull', '--plain-http', ref]);
      assert.equal(pulled.exitCode, 0, pulled.stderr);
      await runCommand([...ctr, 'images', 'rm', '--sync', ref]);
    },
  );

  await t.test(
    'the second run calls buildctl not once, writes nothing and asks for each tag once',
    async () => {
      await forget(stage);
      const baked = await expectBuilt(stage, []);
      assert.equal(baked.summary.buildctlCalls, 0);
      assert.deepEqual(await stage.buildctl.calls(), []);
      assert.deepEqual([...(await one.writes()), ...(await two.writes())], []);
      const requests = [...(await one.requests()), ...(await two.requests())];
      const tags = baked.summary.outcomes.flatMap((outcome) => outcome.tags).length;
      assert.equal(tags, 10);
      assert(requests.length <= tags + 4, requests.join('\n'));
      assert.equal(baked.summary.registryRequests.writes, 0);
    },
  );

  await t.test('a changed file builds its image, and not what takes other files of that', async () => {
    await writeFile(file('svc/app/a.txt'), 'app a, changed\n');
    const baked = await expectBuilt(stage, ['svc-a-fast', 'svc-a-slow']);
    assert.match(baked.outcome('svc-a-fast').reason?.text ?? '', /app\/a\.txt/);
    assert.equal(await read('svc:a-slow', 'app.txt'), 'app a, changed\n');
    await expectBuilt(stage, []);
  });

  await t.test('a file that only RUN mounts counts as well, for all that is based on its image', async () => {
    await writeFile(file('tools/in/list'), 'hammer\nsaw\n');
    await expectBuilt(stage, ['tools', 'site', ...SERVICES]);
    assert.equal(await read('site:1', 'site/tools.txt'), 'hammer\nsaw\n');
  });

  await t.test('chmod +x, a symlink that points elsewhere and a file that moved each count', async () => {
    const bundle = async () => (await expectBuilt(stage, ['bundle'])).outcome('bundle').reason?.text ?? '';
    await chmod(file('bundle/run.sh'), 0o755);
    assert.match(await bundle(), /run\.sh/);
    await rm(file('bundle/links/current'));
    await symlink('two', file('bundle/links/current'));
    assert.match(await bundle(), /current/);
    await read('bundle:1', 'readme');
    assert.equal(await readlink(path.join(stage.scratch, 'image/links/current')), 'two');
    assert.equal((await stat(path.join(stage.scratch, 'image/run.sh'))).mode & 0o777, 0o755);
    await rename(file('bundle/links/one/where'), file('bundle/links/two/where'));
    assert.match(await bundle(), /where/);
    assert.equal(await read('bundle:1', 'links/two/where'), 'here\n');
    await mkdir(file('bundle/links/empty'));
    assert.match(await bundle(), /empty/);
    await read('bundle:1', 'readme');
    assert((await stat(path.join(stage.scratch, 'image/links/empty'))).isDirectory());
  });

  await t.test('what .dockerignore keeps out is nobody’s business', async () => {
    await writeFile(file('site/debug.log'), 'more noise\n');
    await writeFile(file('site/new.log'), 'noise\n');
    await expectBuilt(stage, []);
    await writeFile(file('site/.dockerignore'), '# words\nDockerfile\n.dockerignore\n*.log\n*.tmp\n');
    await expectBuilt(stage, []);
    await writeFile(file('site/.dockerignore'), 'Dockerfile\n.dockerignore\n*.log\n!new.log\n');
    const baked = await expectBuilt(stage, ['site']);
    assert.match(baked.outcome('site').reason?.text ?? '', /new\.log/);
    assert.equal(await read('site:1', 'site/new.log'), 'noise\n');
  });

  await t.test('a deleted file counts, and what it gave before comes back by its tags', async () => {
    await rm(file('site/new.log'));
    const back = await stage.bake();
    assertOk(back);
    assert.deepEqual([named(back, 'built'), named(back, 'retagged')], [[], ['site']]);
    await assert.rejects(read('site:1', 'site/new.log'), /ENOENT/);
    await rm(file('site/index.html'));
    const baked = await expectBuilt(stage, ['site']);
    assert.deepEqual(baked.outcome('site').reason?.items?.length, 1, 'compared with what is there now');
    await assert.rejects(read('site:1', 'site/index.html'), /ENOENT/);
  });

  await t.test('an argument from the environment counts, and going back is a matter of tags', async () => {
    const changed = await expectBuilt(stage, [...SERVICES, 'bundle'], { env: { EXTRA: 'more' } });
    assert.match(changed.outcome('svc-a-fast').reason?.text ?? '', /EXTRA/);
    assert.equal(await read('svc:a-fast', 'svc.txt'), 'a fast more\n');
    await forget(stage);
    const back = await stage.bake();
    assertOk(back);
    assert.deepEqual(named(back, 'retagged'), [...SERVICES, 'bundle'].sort());
    assert.deepEqual(await stage.buildctl.calls(), []);
    assert.equal(await read('svc:a-fast', 'svc.txt'), 'a fast none\n');
    for (const outcome of back.summary.outcomes) {
      for (const tag of outcome.tags) assert.equal(await digestOf(tag.ref), outcome.digest);
    }
    await expectBuilt(stage, []);
  });

  await t.test('a tag that somebody moved is put right without a build', async () => {
    const before = await digestOf(`${one.host}/five/svc:a-fast`);
    await overwriteTag(`${one.host}/five/svc:a-fast`, `${one.host}/five/svc:b-slow`);
    await forget(stage);
    const baked = await stage.bake();
    assertOk(baked);
    assert.deepEqual(named(baked, 'retagged'), ['svc-a-fast']);
    assert.equal(baked.outcome('svc-a-fast').reason?.code, 'tags-moved');
    assert.deepEqual(await stage.buildctl.calls(), []);
    assert.equal(await digestOf(`${one.host}/five/svc:a-fast`), before);
  });

  await t.test('an image that is gone from one of two registries is copied back', async () => {
    await deleteManifest(`${two.host}/other/bundle:1`);
    await forget(stage);
    const baked = await stage.bake();
    assertOk(baked);
    assert.deepEqual(named(baked, 'retagged'), ['bundle']);
    assert.equal(baked.outcome('bundle').reason?.code, 'tags-missing');
    assert.deepEqual(await stage.buildctl.calls(), []);
    assert.equal(await digestOf(`${two.host}/other/bundle:1`), baked.outcome('bundle').digest);
  });

  await t.test('an image that is gone from its only registry is built again', async () => {
    await deleteManifest(`${one.host}/five/site:1`);
    const baked = await expectBuilt(stage, ['site']);
    assert.equal(baked.outcome('site').reason?.code, 'image-gone');
    assert.equal(await digestOf(`${one.host}/five/site:latest`), baked.outcome('site').digest);
  });

  await t.test('--force builds everything, and a dry run nothing', async () => {
    await forget(stage);
    await writeFile(file('bundle/readme'), 'read me again\n');
    const dry = await stage.bake({ dryRun: true });
    assert.equal(dry.outcome('bundle').reason?.code, 'changed');
    assert.equal(dry.outcome('bundle').dryRun, true);
    assert.deepEqual(await stage.buildctl.calls(), []);
    assert.deepEqual(await one.writes(), []);
    const forced = await expectBuilt(stage, ALL, { force: true });
    assert.equal(forced.outcome('base').reason?.code, 'forced');
    await expectBuilt(stage, []);
  });

  await t.test('two runs at once both come to the same end', async () => {
    await writeFile(file('base/etc/motd'), 'welcome twice\n');
    const [left, right] = await Promise.all([stage.bake(), stage.bake()]);
    assertOk(left);
    assertOk(right);
    assert.equal(await read('svc:a-fast', 'etc/motd'), 'welcome twice\n');
    const after = await stage.bake();
    assertOk(after);
    assert.deepEqual(named(after, 'built'), []);
    for (const outcome of after.summary.outcomes) {
      for (const tag of outcome.tags) assert.equal(await digestOf(tag.ref), outcome.digest);
    }
    await expectBuilt(stage, []);
  });

  await t.test('another checkout of the same files has nothing to build', async () => {
    const copy = path.join(await makeTempDir(t, 'e2e-copy-'), 'elsewhere');
    await runCommand(['cp', '-a', dir, copy]);
    await stage.buildctl.reset();
    const listed = await stage.run(['run', '--progress=json'], { cwd: copy });
    assert.equal(listed.exitCode, 0, listed.stderr);
    assert.deepEqual(await stage.buildctl.calls(), []);
  });
});
