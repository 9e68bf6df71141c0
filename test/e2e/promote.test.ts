/** `bake-ts promote` as a process, from one real registry to another: what the engine pushed arrives with its digests. */
import assert from 'node:assert/strict';
import process from 'node:process';
import { test } from 'node:test';
import { createRegistryClient } from '../../lib/registry/mod.ts';
import { runBakeTs } from '../rig/command.ts';
import { startFaultProxy } from '../rig/fault-proxy.ts';
import { digestOf } from '../rig/puller.ts';
import { realEngine, startTestRegistry } from '../rig/real-engine.ts';
import { testUser } from '../rig/registry.ts';
import { makeTempDir } from '../rig/temp.ts';
import { assertOk, makeWorkspace, type Workspace } from './support.ts';

const options = { skip: realEngine.skip, timeout: 180_000 };

/** `base`, `api` on it, and `web` for two platforms with attestations and two tags. */
const images = (host: string): Readonly<Record<string, string>> => ({
  'builds.yaml': `
vars: { TAG: { default: "1.0", env: [TAG] } }
templates:
  image: { tags: ["${host}/stage/\${{ build.name }}:\${{ vars.TAG }}"], push: true }
builds:
  base: { extends: image, context: base }
  api: { extends: image, context: api, contexts: { base: "build:base" } }
  web:
    extends: image
    context: web
    platforms: [linux/amd64, linux/arm64]
    attest: ["type=provenance,mode=max"]
    tags: ["${host}/stage/web:\${{ vars.TAG }}", "${host}/stage/web:latest"]
`,
  'base/Dockerfile': 'FROM scratch\nCOPY file /base\n',
  'base/file': 'base\n',
  'api/Dockerfile': 'FROM base\nCOPY file /api\n',
  'api/file': 'api\n',
  'web/Dockerfile': 'FROM scratch\nCOPY file /\n',
  'web/file': 'web\n'.repeat(100_000),
});

const NAMES = ['base:1.0', 'api:1.0', 'web:1.0', 'web:latest'];
const at = (host: string, path: string) =>
  Promise.all(NAMES.map((name) => digestOf(`${host}/${path}/${name}`)));

interface PromotionJson {
  readonly tags: readonly { readonly target: string; readonly digest: string; readonly action: string }[];
  readonly blobs: { readonly copied: number; readonly mounted: number };
}

async function promote(work: Workspace, ...args: readonly string[]): Promise<PromotionJson> {
  const { exitCode, stdout, stderr } = await work.run(['promote', ...args, '--json']);
  assert.equal(exitCode, 0, stderr);
  return JSON.parse(stdout) as PromotionJson;
}

test(
  'platforms and attestations arrive with their digests, and a second time all is in place',
  options,
  async (t) => {
    const [staging, prod] = [await startTestRegistry(t), await startTestRegistry(t)];
    const work = await makeWorkspace(t, images(staging.host));
    assertOk(await work.bake());
    const built = await at(staging.host, 'stage');
    assert.ok(built.every((digest) => digest !== undefined));
    // Another machine, which knows nothing of what was built, promotes as well as this one.
    const env = { BAKE_TS_HOME: await makeTempDir(t, 'e2e-elsewhere-'), BUILDKIT_HOST: 'unix:///nowhere' };
    const to = `${staging.host}/stage=${prod.host}/live`;

    await prod.forget();
    const dry = await work.run(['promote', '--to', to, '--dry-run'], { env });
    assert.equal(dry.exitCode, 0, dry.stderr);
    assert.match(dry.stdout, /^\S+\/stage\/web:latest +\S+\/live\/web:latest +[0-9a-f]{12} +would be new$/m);
    assert.match(dry.stdout, /^4 tags to write$/m);
    assert.deepEqual(await prod.writes(), []);

    const first = await work.run(['promote', '--to', to], { env });
    assert.equal(first.exitCode, 0, first.stderr);
    assert.match(first.stdout, /^4 tags written$/m);
    assert.match(first.stderr, /^sent sha256:[0-9a-f]{64} {2}/m);
    assert.deepEqual(await at(prod.host, 'live'), built);
    for (const [index, name] of NAMES.entries()) {
      const { stdout } = await work.run(['digest', `${prod.host}/live/${name}`], { env });
      assert.equal(stdout, `${built[index]}\n`);
    }
    const client = createRegistryClient({ env: {} });
    t.after(() => client.close());
    const found = await client.inspect({ registry: prod.host, repository: 'live/web', tag: '1.0' });
    assert(found.ok);
    assert.deepEqual(
      found.value.platforms.map(({ platform }) => platform),
      ['linux/amd64', 'linux/arm64'],
    );
    assert.equal(found.value.attestations.length, 2);

    await prod.forget();
    const second = await work.run(['promote', '--to', to], { env });
    assert.equal(second.exitCode, 0, second.stderr);
    assert.match(second.stdout, /^4 up to date$/m);
    assert.deepEqual([second.stderr, await prod.writes()], ['', []]);

    // A new release, and back to the one before it.
    await work.write({ 'web/file': 'new\n' });
    assertOk(await work.bake({ env: { TAG: '1.1' } }));
    const next = await work.run(['promote', 'web', '--to', to, '--var', 'TAG=1.1'], { env });
    assert.match(next.stdout, /live\/web:latest +[0-9a-f]{12} +moved from [0-9a-f]{12}$/m);
    assert.notEqual(await digestOf(`${prod.host}/live/web:latest`), built[3]);
    assert.equal(await digestOf(`${prod.host}/live/web:1.0`), built[2]);
    const apart = await work.run(['promote', 'web', '--to', to, '--var', 'TAG=1.0'], { env });
    assert.equal(apart.exitCode, 1);
    assert.match(apart.stderr, /run\/tags-apart/);
    assert.match(apart.stderr, /^nothing was promoted/m);
  },
);

test('a user name and its password are for the destination alone', options, async (t) => {
  const [staging, prod] = [await startTestRegistry(t), await startTestRegistry(t, { auth: true })];
  const work = await makeWorkspace(t, images(staging.host));
  assertOk(await work.bake());
  const args = ['promote', '--to', prod.host, '--json'];
  const stranger = await work.run(args);
  assert.equal(stranger.exitCode, 6);
  assert.match(stranger.stderr, /registry\/unauthorized[\s\S]*^nothing was promoted/m);
  const { username, password } = testUser;
  const signedIn = await work.run([...args, '-u', username, '--password-stdin'], { stdin: `${password}\n` });
  assert.equal(signedIn.exitCode, 0, signedIn.stderr);
  assert.ok(!`${signedIn.stdout}${signedIn.stderr}`.includes(password));
  const { tags } = JSON.parse(signedIn.stdout) as PromotionJson;
  assert.deepEqual(
    tags.map(({ digest }) => digest),
    await at(staging.host, 'stage'),
  );
  // Of two destinations nobody knows which one is meant.
  const both = [...args, '--to', 'quay.io=ghcr.io', '-u', username, '--password-stdin'];
  assert.equal((await work.run(both, { stdin: password })).exitCode, 2);
});

test('within one registry blobs are mounted', options, async (t) => {
  const { host } = await startTestRegistry(t);
  const work = await makeWorkspace(t, images(host));
  assertOk(await work.bake());
  const { blobs, tags } = await promote(work, '--to', `${host}/live`);
  assert.equal(blobs.copied, 0);
  assert.ok(blobs.mounted > 0);
  assert.ok(tags.every(({ action }) => action === 'put'));
  assert.deepEqual(await at(host, 'live/stage'), await at(host, 'stage'));
});

test('killed while blobs are on their way, no tag has moved; the next time ends it', options, async (t) => {
  const [staging, prod] = [await startTestRegistry(t), await startTestRegistry(t)];
  const proxy = await startFaultProxy(t, prod.host);
  const work = await makeWorkspace(t, images(staging.host));
  assertOk(await work.bake());
  const to = `${staging.host}/stage=${proxy.host}/live`;
  for (const signal of ['SIGKILL', 'SIGINT'] as const) {
    let pid: number | undefined;
    let blobs = 0;
    let stoppedAt = 0;
    proxy.judge(({ method, path }) => {
      if (method === 'PUT' && path.includes('/blobs/uploads/')) blobs += 1;
      if (blobs < 3) return 'pass';
      if (stoppedAt === 0 && pid !== undefined) {
        stoppedAt = Date.now();
        process.kill(-pid, signal);
      }
      return 'cut';
    });
    const killed = await work.run(['promote', '--to', to], {
      onStart: (child) => {
        pid = child.pid;
      },
    });
    assert.ok(stoppedAt > 0, killed.stderr);
    assert.equal(killed.exitCode, signal === 'SIGKILL' ? undefined : 130, killed.stderr);
    // A machine of CI is slow; what hangs takes far longer.
    assert.ok(Date.now() - stoppedAt < 2_500);
    assert.deepEqual(await at(prod.host, 'live'), [undefined, undefined, undefined, undefined]);
  }
  proxy.judge(undefined);
  await promote(work, '--to', to);
  assert.deepEqual(await at(prod.host, 'live'), await at(staging.host, 'stage'));
});

test('killed between two tags, the next time puts the others', options, async (t) => {
  const [staging, prod] = [await startTestRegistry(t), await startTestRegistry(t)];
  const proxy = await startFaultProxy(t, prod.host);
  const work = await makeWorkspace(t, images(staging.host));
  assertOk(await work.bake());
  const to = `${staging.host}/stage=${proxy.host}/live`;
  let pid: number | undefined;
  proxy.judge(({ method, path }) => {
    if (method !== 'PUT' || !path.endsWith('/web/manifests/1.0')) return 'pass';
    if (pid !== undefined) process.kill(-pid, 'SIGKILL');
    return 'cut';
  });
  const killed = await work.run(['promote', '--to', to], {
    onStart: (child) => {
      pid = child.pid;
    },
  });
  assert.equal(killed.exitCode, undefined);
  const built = await at(staging.host, 'stage');
  assert.deepEqual(await at(prod.host, 'live'), [built[0], built[1], undefined, undefined]);
  proxy.judge(undefined);
  const { tags } = await promote(work, '--to', to);
  assert.deepEqual(
    tags.map(({ action }) => action),
    ['there', 'there', 'put', 'put'],
  );
  assert.deepEqual(await at(prod.host, 'live'), built);
});

test('what cannot be is refused with its exit code, before a request', options, async (t) => {
  const { host } = await startTestRegistry(t);
  const work = await makeWorkspace(t, images(host));
  const cases = [
    [[], 2, /cli\/missing-value/],
    [['--to', 'acme/prod'], 3, /plan\/bad-destination/],
    [['--to', host], 3, /plan\/own-destination/],
    [['--to', 'ghcr.io=quay.io'], 3, /plan\/no-destination/],
    [['--to', 'quay.io', 'wbe'], 3, /plan\/unknown-build/],
    // Nothing was pushed yet.
    [['--to', 'quay.io'], 6, /registry\/not-found[\s\S]*^nothing was promoted/m],
  ] as const;
  for (const [args, code, words] of cases) {
    const { exitCode, stderr, stdout } = await work.run(['promote', ...args]);
    assert.deepEqual([exitCode, stdout], [code, ''], stderr);
    assert.match(stderr, words);
  }
  const help = await runBakeTs(['promote', '--help']);
  assert.match(help.stdout, /--to <destination>/);
});
