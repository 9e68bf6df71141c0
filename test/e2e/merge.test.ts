/** `bake-ts run --by-digest` for each platform, and `bake-ts merge`: as processes, with the real engine and a real registry. */
import assert from 'node:assert/strict';
import { mkdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { digestOf } from '../rig/puller.ts';
import { realEngine, startTestRegistry } from '../rig/real-engine.ts';
import { makeTempDir } from '../rig/temp.ts';
import { makeWorkspace, type Workspace } from './support.ts';

const options = { skip: realEngine.skip, timeout: 240_000 };
const PLATFORMS = ['linux/amd64', 'linux/arm64'];

const builds = (host: string, attest = '') => `
record: registry
builds:
  app:
    context: app
    platforms: [linux/amd64, linux/arm64]
    tags: ["${host}/one/app:1.0", "${host}/one/app:latest", "${host}/two/app:1.0"]
    push: true
    reproducible: true
    annotations:
      "manifest:org.example.a": of all
      "manifest[linux/arm64]:org.example.b": of arm64
      "index:org.example.c": <of the index>
      "manifest-descriptor[linux/amd64]:org.example.d": of amd64
    ${attest}
  child:
    context: child
    contexts: { app: "build:app" }
    platforms: [linux/amd64, linux/arm64]
    tags: ["${host}/one/child:1.0"]
    push: true
    reproducible: true
`;
const FILES = {
  'app/Dockerfile': 'FROM scratch\nARG TARGETARCH\nCOPY $TARGETARCH /file\n',
  'app/amd64': 'amd\n',
  'app/arm64': 'arm\n',
  'child/Dockerfile': 'FROM app\nCOPY more /\n',
  'child/more': 'more\n',
};

/** Runs a command on a machine that remembers nothing. */
async function elsewhere(work: Workspace, t: Parameters<typeof makeTempDir>[0], args: readonly string[]) {
  const env = { BAKE_TS_HOME: await makeTempDir(t, 'merge-home-') };
  return work.run(args, { env });
}

async function buildParts(
  work: Workspace,
  t: Parameters<typeof makeTempDir>[0],
  build: string,
  more: readonly string[] = [],
): Promise<void> {
  await mkdir(path.join(work.dir, 'made'), { recursive: true });
  for (const platform of PLATFORMS) {
    const file = `made/${build}-${platform.replace('/', '-')}.json`;
    const ran = await elsewhere(work, t, [
      'run',
      build,
      '--platform',
      platform,
      '--by-digest',
      '--metadata-file',
      file,
      ...more,
    ]);
    assert.equal(ran.exitCode, 0, ran.stderr);
  }
}

test(
  'each platform by a run of its own, then merged: the images of one run, tag by tag',
  options,
  async (t) => {
    const [apart, whole] = [await startTestRegistry(t), await startTestRegistry(t)];
    const work = await makeWorkspace(t, { ...FILES, 'builds.yaml': builds(apart.host) });
    const names = ['one/app:1.0', 'one/app:latest', 'two/app:1.0', 'one/child:1.0'];
    const at = (host: string) => Promise.all(names.map((name) => digestOf(`${host}/${name}`)));

    await buildParts(work, t, 'app');
    assert.deepEqual(await at(apart.host), [undefined, undefined, undefined, undefined]);
    const { builds: said } = JSON.parse(
      await readFile(path.join(work.dir, 'made/app-linux-arm64.json'), 'utf8'),
    );
    assert.deepEqual(said.app.platforms, ['linux/arm64']);
    assert.deepEqual(
      said.app.tags.map(({ ref }: { ref: string }) => ref),
      [`${apart.host}/one/app@${said.app.digest}`, `${apart.host}/two/app@${said.app.digest}`],
    );

    const merging = ['merge', 'app', '--from', 'made'];
    await apart.forget();
    const dry = await elsewhere(work, t, [...merging, '--dry-run']);
    assert.equal(dry.exitCode, 0, dry.stderr);
    assert.match(
      dry.stdout,
      /^app +linux\/amd64, linux\/arm64 +\S+\/two\/app:1\.0 +[0-9a-f]{12} +would be new$/m,
    );
    assert.deepEqual(await apart.writes(), []);
    const merged = await elsewhere(work, t, [...merging, '--metadata-file', 'made/app.json']);
    assert.equal(merged.exitCode, 0, merged.stderr);
    assert.match(merged.stdout, /^3 tags written$/m);

    // Again, with what the first one wrote beside the parts: nothing is sent.
    await apart.forget();
    const again = await elsewhere(work, t, merging);
    assert.equal(again.exitCode, 0, again.stderr);
    assert.match(again.stdout, /^3 up to date$/m);
    assert.deepEqual(await apart.writes(), []);

    // The child reads what was merged, by digest.
    await buildParts(work, t, 'child', ['--parents-from', 'made']);
    const child = await elsewhere(work, t, ['merge', 'child', '--from', 'made', '--json']);
    assert.equal(child.exitCode, 0, child.stderr);
    assert.equal(JSON.parse(child.stdout).builds[0].tags[0].previous, 'absent');

    await work.write({ 'builds.yaml': builds(whole.host) });
    const run = await elsewhere(work, t, ['run']);
    assert.equal(run.exitCode, 0, run.stderr);
    assert.ok((await at(whole.host)).every((digest) => digest !== undefined));
    assert.deepEqual(await at(apart.host), await at(whole.host));
  },
);

test('a run by digest skips what is there, and builds what is not', options, async (t) => {
  const registry = await startTestRegistry(t);
  const work = await makeWorkspace(t, { ...FILES, 'builds.yaml': builds(registry.host) });
  const run = [
    'run',
    'app',
    '--platform',
    'linux/arm64',
    '--by-digest',
    '--progress',
    'plain',
    '--metadata-file',
    'made.json',
  ];
  const resultOf = async () =>
    JSON.parse(await readFile(path.join(work.dir, 'made.json'), 'utf8')).builds.app;
  assert.equal((await work.run(run)).exitCode, 0);
  const first = await resultOf();
  assert.equal(first.result, 'built');
  // Here, and on a machine that has nothing but the records of the registry.
  assert.equal((await work.run(run)).exitCode, 0);
  assert.deepEqual([(await resultOf()).result, (await resultOf()).digest], ['unchanged', first.digest]);
  assert.equal((await elsewhere(work, t, run)).exitCode, 0);
  assert.deepEqual([(await resultOf()).result, (await resultOf()).digest], ['unchanged', first.digest]);
  // To another repository it was not pushed before.
  const args = ['--set', `app.tags=${registry.host}/three/app:1`];
  assert.equal((await work.run([...run, ...args])).exitCode, 0);
  assert.equal((await resultOf()).result, 'built');
  assert.equal(await digestOf(`${registry.host}/three/app:1`), undefined);
  assert.equal(await digestOf(`${registry.host}/three/app@${first.digest}`), first.digest);
});

test('attested images are merged with what is attested of them', options, async (t) => {
  const registry = await startTestRegistry(t);
  const work = await makeWorkspace(t, {
    ...FILES,
    'builds.yaml': builds(registry.host, 'attest: ["type=provenance,mode=max"]'),
  });
  await buildParts(work, t, 'app');
  const merged = await work.run(['merge', 'app', '--from', 'made']);
  assert.equal(merged.exitCode, 0, merged.stderr);
  const inspected = await work.run(['inspect', `${registry.host}/two/app:1.0`, '--json']);
  const { platforms, attestations } = JSON.parse(inspected.stdout);
  assert.deepEqual(
    platforms.map((one: { platform: string }) => one.platform),
    PLATFORMS,
  );
  assert.deepEqual(
    attestations.map(({ of }: { of: string }) => of),
    platforms.map(({ digest }: { digest: string }) => digest),
  );
});

test('a platform that is missing, and a tag that is not to move: nothing is put', options, async (t) => {
  const registry = await startTestRegistry(t);
  const work = await makeWorkspace(t, { ...FILES, 'builds.yaml': builds(registry.host) });
  await buildParts(work, t, 'app');
  await registry.forget();
  const missing = await work.run(['merge', 'app', '--from', 'made/app-linux-arm64.json']);
  assert.equal(missing.exitCode, 1, missing.stderr);
  assert.match(missing.stderr, /run\/part-missing[\s\S]*linux\/amd64[\s\S]*^no tag was moved$/m);
  const extra = await work.run(['merge', 'app', '--from', 'made', '--set', 'app.platforms=linux/arm64']);
  assert.equal(extra.exitCode, 1, extra.stderr);
  assert.match(extra.stderr, /run\/part-extra/);
  assert.deepEqual(await registry.writes(), []);
  assert.equal((await work.run(['merge', 'app', '--from', 'made'])).exitCode, 0);
  await work.write({ 'app/arm64': 'new\n', 'builds.yaml': `immutable: ["1.*"]\n${builds(registry.host)}` });
  await buildParts(work, t, 'app');
  await registry.forget();
  const refused = await work.run(['merge', 'app', '--from', 'made']);
  assert.equal(refused.exitCode, 1, refused.stderr);
  assert.match(refused.stderr, /run\/immutable-tag/);
  assert.deepEqual(await registry.writes(), []);
});

test('images by reference, from two registries, without a builds.yaml', options, async (t) => {
  const [first, second] = [await startTestRegistry(t), await startTestRegistry(t)];
  const work = await makeWorkspace(t, { ...FILES, 'builds.yaml': builds(first.host) });
  await buildParts(work, t, 'app');
  const [amd64, arm64] = await Promise.all(
    PLATFORMS.map(async (platform) => {
      const file = path.join(work.dir, `made/app-${platform.replace('/', '-')}.json`);
      return JSON.parse(await readFile(file, 'utf8')).builds.app.digest;
    }),
  );
  const refs = [`${first.host}/one/app@${amd64}`, `${first.host}/one/app@${arm64}`];
  const merged = await work.run([
    'merge',
    '--tag',
    `${second.host}/live/app:1`,
    '--tag',
    `${first.host}/one/app:x`,
    ...refs,
  ]);
  assert.equal(merged.exitCode, 0, merged.stderr);
  const digest = await digestOf(`${second.host}/live/app:1`);
  assert.ok(digest !== undefined);
  assert.equal(await digestOf(`${first.host}/one/app:x`), digest);
  const twice = await work.run(['merge', '--tag', `${second.host}/live/app:2`, ...refs, ...refs]);
  assert.equal(twice.exitCode, 6);
  assert.match(twice.stderr, /registry\/platform-twice/);
  assert.equal(await digestOf(`${second.host}/live/app:2`), undefined);
});
