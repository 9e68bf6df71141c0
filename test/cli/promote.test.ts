/** What `bake-ts promote` says, and how it ends. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runCli } from '../../cli/app.ts';
import { assertOk } from '../rig/baking.ts';
import { createFakeIo } from '../rig/fake-io.ts';
import { startFakeRegistry } from '../rig/fake-registry.ts';
import { envOf, makeFakeWorld } from '../rig/fake-world.ts';
import type { Cleanup } from '../rig/temp.ts';

/** `api` on `base`, with a tag for the release and one that moves; `tool` is not pushed. */
async function makePlace(t: Cleanup) {
  const prod = await startFakeRegistry(t);
  const world = await makeFakeWorld(t, (host) => ({
    'builds.yaml': `
vars: { TAG: { default: "1", env: [TAG] } }
builds:
  base: { context: base, push: true, tags: ["${host}/stage/base:\${{ vars.TAG }}"] }
  api:
    context: api
    contexts: { base: "build:base" }
    push: true
    tags: ["${host}/stage/api:\${{ vars.TAG }}", "${host}/stage/api:latest"]
  tool: { context: base }
groups: { default: [api, tool] }
`,
    'base/Dockerfile': 'FROM scratch\nCOPY file /\n',
    'base/file': 'base\n',
    'api/Dockerfile': 'FROM base\nCOPY file /api\n',
    'api/file': 'api\n',
  }));
  const bake = async (tag: string) => assertOk(await world.bake({ builds: ['*'], env: { TAG: tag } }));
  const call = async (...argv: readonly string[]) => {
    const io = createFakeIo(['promote', ...argv], { cwd: world.dir, env: envOf(world) });
    const code = await runCli(io);
    const shown = (text: string) => text.replaceAll(world.registry.host, 'FROM').replaceAll(prod.host, 'TO');
    return { code, out: shown(io.out()), err: shown(io.err()) };
  };
  return { prod, world, bake, call, to: `${world.registry.host}/stage=${prod.host}/live` };
}

test('a table of sources and targets, with what each target was, and notes on stderr', async (t) => {
  const { bake, call, to, prod } = await makePlace(t);
  await bake('1');
  const dry = await call('--to', to, '--dry-run');
  assert.equal(dry.code, 0);
  assert.match(
    dry.out,
    /^SOURCE +TARGET +DIGEST +RESULT\nFROM\/stage\/api:1 +TO\/live\/api:1 +[0-9a-f]{12} +would be new\nFROM\/stage\/api:latest .* would be new\n\n2 tags to write\n$/,
  );
  const notes =
    'not promoted: base (only a dependency; name it to promote its tags too)\n' +
    'not promoted: tool (no pushed tag)\n';
  assert.equal(dry.err, notes);
  const first = await call('--to', to);
  assert.match(first.out, / new\n\n2 tags written\n$/);
  assert.match(first.err, /^(sent sha256:[0-9a-f]{64} {2}\S+ k?B\n)+\d+ blobs sent \(\S+ \S+\)\n/);
  assert.ok(first.err.endsWith(notes), first.err);

  const { 'live/api:latest': before = '' } = prod.store.tags();
  const short = before.slice('sha256:'.length).slice(0, 12);
  await bake('1');
  assert.match((await call('--to', to)).out, /up to date\n.*up to date\n\n2 up to date\n$/);
  prod.store.putManifest('live/base', '1', prod.store.manifest('live/api', '1') ?? assert.fail());
  const named = await call('api', 'base', '--to', to);
  assert.match(named.out, new RegExp(`live/base:1 +[0-9a-f]{12} +moved from ${short}\n`));
  assert.match(named.out, /\n\n1 tag written, 2 up to date\n$/);
});

test('--json says the same for programs', async (t) => {
  const { bake, call, to, prod } = await makePlace(t);
  await bake('1');
  const { code, out } = await call('--to', to, '--json');
  assert.equal(code, 0);
  const { tags, blobs, copiedBytes, ...rest } = JSON.parse(out) as Record<string, unknown>;
  const digest = prod.store.tags()['live/api:1'];
  const tag = (name: string) => ({
    build: 'api',
    source: `FROM/stage/api:${name}`,
    target: `TO/live/api:${name}`,
    digest,
    action: 'put',
    previous: 'absent',
  });
  assert.deepEqual(tags, [tag('1'), tag('latest')]);
  assert.deepEqual(Object.keys(blobs as object), ['mounted', 'copied', 'there']);
  assert.ok(typeof copiedBytes === 'number' && copiedBytes > 0);
  assert.deepEqual(rest, {
    version: 1,
    dryRun: false,
    referrers: 0,
    passedOver: [
      { build: 'base', why: 'only-needed' },
      { build: 'tool', why: 'not-pushed' },
    ],
  });
});

test('what fails ends with its code and the word that nothing was promoted', async (t) => {
  const { bake, call, to, prod } = await makePlace(t);
  const missing = await call('--to', to);
  assert.deepEqual([missing.code, missing.out], [6, '']);
  assert.match(missing.err, /registry\/not-found[\s\S]*\nnothing was promoted: no tag has moved\n$/);
  await bake('1');
  prod.fault({ method: 'PUT', path: '/manifests/latest', act: { kind: 'status', status: 403 } });
  const left = await call('--to', to);
  assert.equal(left.code, 1);
  assert.match(left.err, /registry\/denied/);
  assert.match(left.err, /live\/api:1 \(it did not exist before\)/);
  assert.match(left.err, /\nnot promoted, and not every tag is where it was\n$/);
  prod.fault({ method: 'HEAD', path: '/live/', act: { kind: 'status', status: 403 } });
  const unsure = await call('--to', to, '--dry-run');
  assert.equal(unsure.code, 6);
  assert.match(unsure.out, /not known\n/);
});

test('the options that it needs, and those that it has not', async (t) => {
  const { call } = await makePlace(t);
  const without = await call();
  assert.equal(without.code, 2);
  assert.match(without.err, /"promote" needs --to/);
  assert.equal((await call('--to', 'prod')).code, 3);
  assert.equal((await call('--to', 'quay.io', '--untrusted')).code, 2);
});

test('--push takes builds along that are pushed by run --push alone', async (t) => {
  const { world, bake, call, prod } = await makePlace(t);
  await bake('1');
  await world.write({
    'builds.yaml': `builds: { api: { context: api, tags: ["${world.registry.host}/stage/api:1"] } }\n`,
  });
  assert.equal((await call('--to', prod.host)).code, 3);
  const pushed = await call('--to', prod.host, '--push');
  assert.equal(pushed.code, 0, pushed.err);
  assert.deepEqual(Object.keys(prod.store.tags()), ['stage/api:1']);
});
