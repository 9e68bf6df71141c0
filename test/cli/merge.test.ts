/** What `bake-ts merge` says, and how it ends. */
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { runCli } from '../../cli/app.ts';
import { assertOk } from '../rig/baking.ts';
import { createFakeIo } from '../rig/fake-io.ts';
import { envOf, makeFakeWorld } from '../rig/fake-world.ts';
import type { Cleanup } from '../rig/temp.ts';

const PLATFORMS = ['linux/amd64', 'linux/arm64'];

/** `api` on two platforms, each pushed by digest, as `made/` says; `tool` is not pushed. */
async function makePlace(t: Cleanup) {
  const world = await makeFakeWorld(t, (host) => ({
    'builds.yaml': `
builds:
  api: { context: api, platforms: [linux/amd64, linux/arm64], push: true, tags: ["${host}/api:1", "${host}/api:latest"] }
  tool: { context: api }
`,
    'api/Dockerfile': 'FROM scratch\nCOPY file /\n',
    'api/file': 'api\n',
    'made/other.json': '{"version":1,"builds":{}}',
  }));
  for (const platform of PLATFORMS) {
    const baked = await world.bake({
      builds: ['api'],
      overrides: [`*.platforms=${platform}`],
      byDigest: true,
    });
    assertOk(baked);
    const { digest, platforms, tags } = baked.outcome('api');
    const builds = { api: { result: 'built', role: 'asked', digest, platforms, tags } };
    const file = path.join(world.dir, `made/${platform.replace('/', '-')}.json`);
    await writeFile(file, JSON.stringify({ version: 1, ok: true, builds }));
  }
  const call = async (...argv: readonly string[]) => {
    const io = createFakeIo(['merge', ...argv], { cwd: world.dir, env: envOf(world) });
    const code = await runCli(io);
    const shown = (text: string) => text.replaceAll(world.registry.host, 'HOST');
    return { code, out: shown(io.out()), err: shown(io.err()) };
  };
  return { world, call };
}

test('a table of tags, with what each was, and what was passed over on stderr', async (t) => {
  const { world, call } = await makePlace(t);
  const dry = await call('--from', 'made', '--dry-run');
  assert.equal(dry.code, 0, dry.err);
  assert.match(
    dry.out,
    /^BUILD +PLATFORMS +TAG +DIGEST +RESULT\napi +linux\/amd64, linux\/arm64 +HOST\/api:1 +[0-9a-f]{12} +would be new\napi .* would be new\n\n2 tags to write\n$/,
  );
  assert.equal(dry.err, 'not merged: tool (no pushed tag)\n');
  assert.deepEqual(world.registry.store.tags(), {});
  const first = await call('api', '--from', 'made', '--metadata-file', 'made/api.json');
  assert.match(first.out, / new\n\n2 tags written\n$/);
  const again = await call('api', '--from', 'made', '--json');
  assert.equal(again.code, 0, again.err);
  const { builds } = JSON.parse(again.out);
  const { digest } = builds[0];
  assert.deepEqual(
    builds[0].tags,
    ['1', 'latest'].map((tag) => ({ ref: `HOST/api:${tag}`, digest, action: 'there', previous: digest })),
  );
  assert.deepEqual(JSON.parse(await readFile(path.join(world.dir, 'made/api.json'), 'utf8')).builds.api, {
    result: 'built',
    role: 'asked',
    digest,
    platforms: PLATFORMS,
    tags: ['1', 'latest'].map((tag) => ({
      ref: `${world.registry.host}/api:${tag}`,
      digest,
      action: 'pushed',
    })),
  });
});

test('images by reference', async (t) => {
  const { world, call } = await makePlace(t);
  const digests = await Promise.all(
    PLATFORMS.map(
      async (platform) =>
        JSON.parse(await readFile(path.join(world.dir, `made/${platform.replace('/', '-')}.json`), 'utf8'))
          .builds.api.digest,
    ),
  );
  const refs = digests.map((digest) => `${world.registry.host}/api@${digest}`);
  const merged = await call('--tag', `${world.registry.host}/copy:x`, ...refs);
  assert.equal(merged.code, 0, merged.err);
  assert.match(merged.out, /^HOST\/copy:x {2}sha256:[0-9a-f]{64} {2}\(new\)\n$/);
  assert.deepEqual(Object.keys(world.registry.store.tags()), ['copy:x']);
  // The same index as that of the build.
  const built = JSON.parse((await call('api', '--from', 'made', '--dry-run', '--json')).out).builds[0].digest;
  assert.equal(world.registry.store.tags()['copy:x'], built);
  const tagged = await call('--tag', `${world.registry.host}/copy:x`, '--json', ...refs);
  assert.deepEqual(
    JSON.parse(tagged.out).map(({ action }: { action: string }) => action),
    ['there'],
  );
});

test('words that cannot be meant end with 2, and say what could', async (t) => {
  const { world, call } = await makePlace(t);
  const cases: readonly (readonly [RegExp, readonly string[]])[] = [
    [/cli\/missing-value.*"merge" needs --from/, ['api']],
    [/cli\/missing-value.*needs --tag/, ['r.example.com/api@sha256:1']],
    [/cli\/missing-argument/, ['--tag', 'r.example.com/api:1']],
    [
      /cli\/conflict.*--from is for builds/,
      ['--tag', 'r.example.com/api:1', '--from', 'made', 'r.example.com/api:2'],
    ],
    [/cli\/conflict.*--dry-run pushes nothing/, ['--from', 'made', '--dry-run', '--metadata-file', 'x.json']],
    [/run\/metadata-unusable.*--from cannot use \S*nowhere/, ['--from', 'nowhere']],
    [/run\/metadata-unusable.*it is not a valid metadata file of a run/, ['--from', 'builds.json']],
    [/cli\/bad-reference/, ['--tag', 'api', 'r.example.com/api:2']],
  ];
  await writeFile(path.join(world.dir, 'builds.json'), '{}');
  for (const [said, argv] of cases) {
    const { code, out, err } = await call(...argv);
    assert.deepEqual([code, out], [2, ''], err);
    // Where lines break depends on how long paths are.
    assert.match(err.replaceAll(/\s+/g, ' '), said);
  }
  const missing = await call('--from', 'made/linux-amd64.json');
  assert.equal(missing.code, 1);
  assert.match(missing.err, /run\/part-missing[\s\S]*linux\/arm64[\s\S]*\nno tag was moved\n$/);
});

test('--by-digest and --atomic exclude one another', async (t) => {
  const { world } = await makePlace(t);
  const io = createFakeIo(['run', '--by-digest', '--atomic'], { cwd: world.dir, env: envOf(world) });
  assert.equal(await runCli(io), 2);
  assert.match(io.err(), /cli\/conflict/);
});
