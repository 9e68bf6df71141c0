/**
 * The store of an engine that is not ours: the one of the tests, whose buildkitd and containerd were started by hand, with the
 * socket of containerd in no place that anybody knows of.
 */
import assert from 'node:assert/strict';
import { mkdir, symlink } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import process from 'node:process';
import { type TestContext, test } from 'node:test';
import { isRootless } from '../../lib/engine/mod.ts';
import type { PushedBuilds } from '../../lib/run/mod.ts';
import { runCommand } from '../rig/command.ts';
import { startFaultProxy } from '../rig/fault-proxy.ts';
import { digestOf } from '../rig/puller.ts';
import { realEngine, startTestRegistry } from '../rig/real-engine.ts';
import { testUser } from '../rig/registry.ts';
import { makeTempDir } from '../rig/temp.ts';
import { assertOk, makeWorkspace, type Workspace } from './support.ts';

const options = { skip: realEngine.skip, timeout: 240_000 };

/** Runs ctr on the engine's containerd, for an independent look and for what others do to it. */
async function ctr(...argv: readonly string[]): Promise<string> {
  const end = await runCommand([
    path.join(realEngine.binDir, 'ctr'),
    ...['--address', realEngine.containerdSocket, '--namespace', 'buildkit', ...argv],
  ]);
  assert.equal(end.exitCode, 0, end.stderr);
  return end.stdout;
}

/** What ctr says a name stands for. */
async function storeDigest(name: string): Promise<string | undefined> {
  const line = (await ctr('images', 'ls')).split('\n').find((one) => one.startsWith(`${name} `));
  return /sha256:[0-9a-f]{64}/.exec(line ?? '')?.[0];
}

/** Three ways to meet the engine: as its administrator, without ctr, and with ctr but the wrong socket. */
async function makeEnvironments(t: TestContext) {
  const bin = await makeTempDir(t, 'no-ctr-');
  // The wrapper around buildctl is a shell script that needs it.
  await symlink('/usr/bin/tr', path.join(bin, 'tr'));
  const withCtr = `${realEngine.binDir}:${bin}`;
  return {
    listed: { PATH: withCtr, CONTAINERD_ADDRESS: realEngine.containerdSocket },
    withoutCtr: { PATH: bin, CONTAINERD_ADDRESS: realEngine.containerdSocket },
    unknown: { PATH: withCtr, CONTAINERD_ADDRESS: undefined },
  };
}

/** Builds `app` (two platforms, attested), `side` and `plain` (no tags); none is pushed. */
function tree(host: string, head = ''): Readonly<Record<string, string>> {
  return {
    'builds.yaml': `${head}
builds:
  app:
    context: app
    tags: ["${host}/store/app:1", "${host}/store/app:latest"]
    platforms: [linux/amd64, linux/arm64]
    attest: ["type=provenance,mode=min"]
  side: { context: side, tags: ["${host}/store/side:1"] }
  plain: { context: side }
`,
    'app/Dockerfile': 'FROM scratch\nCOPY file /\n',
    'app/file': `app ${host}\n`,
    'side/Dockerfile': 'FROM scratch\nCOPY file /\n',
    'side/file': `side ${host}\n`,
  };
}

/** buildctl calls that built something; names that were looked up are no such calls. */
async function builds(work: Workspace): Promise<number> {
  return (await work.buildctl.builds()).filter((line) => !line.includes('requestid=')).length;
}

test(
  'images lists what ctr lists, and without a way to it what was built, with the reason',
  options,
  async (t) => {
    const registry = await startTestRegistry(t);
    const env = await makeEnvironments(t);
    const work = await makeWorkspace(t, tree(registry.host));
    assert.equal((await work.run(['run'], { env: env.listed })).exitCode, 0);
    const name = `${registry.host}/store/app:1`;
    const digest = await storeDigest(name);
    assert.ok(digest !== undefined);

    const listed = await work.run(['images', '--json'], { env: env.listed });
    assert.equal(listed.stderr, '');
    const images = JSON.parse(listed.stdout) as { name: string; digest: string; source: string }[];
    assert.deepEqual(
      images.map((one) => one.name).sort(),
      (await ctr('images', 'ls', '-q')).trim().split('\n').sort(),
    );
    assert.ok(images.every((one) => one.source === 'store'));
    assert.equal(images.find((one) => one.name === name)?.digest, digest);

    for (const [one, why] of [
      [env.withoutCtr, /ctr is neither installed/],
      [env.unknown, /CONTAINERD_ADDRESS/],
    ] as const) {
      const built = await work.run(['images', '--json'], { env: one });
      assert.equal(built.exitCode, 0, built.stderr);
      assert.match(built.stderr, /warning\[engine\/store-unreadable\]/);
      assert.match(built.stderr, why);
      const history = JSON.parse(built.stdout) as { name: string; digest: string; source: string }[];
      assert.ok(history.every((image) => image.source === 'history'));
      assert.equal(history.find((image) => image.name === name)?.digest, digest);
    }
  },
);

test(
  'what was built without pushing is pushed later as it is, and the next run --push finds it',
  options,
  async (t) => {
    const registry = await startTestRegistry(t);
    const env = await makeEnvironments(t);
    for (const [at, one] of [env.listed, env.withoutCtr].entries()) {
      const work = await makeWorkspace(t, tree(registry.host, `vars: { N: "${at}" }`));
      await work.write({ 'app/file': `app ${registry.host} ${at}\n` });
      const { run } = work;
      assert.equal((await run(['run'], { env: one })).exitCode, 0);
      const name = `${registry.host}/store/app:1`;
      const digest = await storeDigest(name);
      await work.buildctl.reset();
      const pushed = await run(['push', 'app', 'side', 'plain'], { env: one });
      assert.equal(pushed.exitCode, 0, pushed.stderr);
      assert.match(pushed.stderr, /plain has no tags and is skipped/);
      assert.match(pushed.stdout, new RegExp(`^${name} {2}${digest} {2}\\(pushed, built 20\\d\\d-`, 'm'));
      assert.equal(await digestOf(name), digest);
      assert.equal(await digestOf(`${registry.host}/store/app:latest`), digest);
      assert.equal(
        await digestOf(`${registry.host}/store/side:1`),
        await storeDigest(`${registry.host}/store/side:1`),
      );
      assert.equal(await builds(work), 0);
      const seen = await run(['inspect', name]);
      assert.match(seen.stdout, /linux\/arm64 +https:\/\/slsa\.dev\/provenance/);

      const again = await run(['push', 'app'], { env: one });
      assert.match(again.stdout, /\(already there, built/);
      const next = await run(['run', 'app', 'side', '--push'], { env: one });
      assert.equal(next.exitCode, 0, next.stderr);
      assert.match(next.stderr, /3 current · 0 buildctl calls/);
      assert.equal(await builds(work), 0);
    }
  },
);

test('an image of the store is pushed by its name there, under another one too', options, async (t) => {
  const registry = await startTestRegistry(t);
  const other = await startTestRegistry(t, { auth: true });
  const env = await makeEnvironments(t);
  const work = await makeWorkspace(t, tree(registry.host));
  assert.equal((await work.run(['run'], { env: env.listed })).exitCode, 0);
  const name = `${registry.host}/store/app:1`;
  const digest = await storeDigest(name);
  for (const one of [env.listed, env.withoutCtr, env.unknown]) {
    const target = `${other.host}/copied/app:${one === env.listed ? 'a' : one === env.unknown ? 'b' : 'c'}`;
    const signIn = ['-u', testUser.username, '--password-stdin'];
    const wrong = await work.run(['push', name, target, ...signIn], { env: one, stdin: 'wrong-word\n' });
    assert.equal(wrong.exitCode, 6);
    assert.match(wrong.stderr, /registry\/unauthorized/);
    assert.ok(!`${wrong.stdout}${wrong.stderr}`.includes('wrong-word'));
    const pushed = await work.run(['push', name, target, ...signIn], { env: one, stdin: testUser.password });
    assert.equal(pushed.exitCode, 0, pushed.stderr);
    assert.equal(pushed.stdout, `${target}  ${digest}  (new)\n`);
    const found = await work.run(['digest', target, ...signIn], { stdin: `${testUser.password}\n` });
    assert.equal(found.stdout.trim(), digest);
  }
  const none = await work.run(['push', `${registry.host}/store/none:1`], { env: env.listed });
  assert.equal(none.exitCode, 1);
  assert.match(none.stderr, /engine\/no-such-image/);
});

test('a push that is killed in the middle leaves no tag', options, async (t) => {
  const registry = await startTestRegistry(t);
  const proxy = await startFaultProxy(t, registry.host);
  const env = await makeEnvironments(t);
  for (const one of [env.listed, env.withoutCtr]) {
    const work = await makeWorkspace(t, tree(proxy.host));
    await work.write({ 'app/file': `app ${one.PATH}\n` });
    assert.equal((await work.run(['run', 'app'], { env: one })).exitCode, 0);
    let pid: number | undefined;
    proxy.judge(({ method, path: asked }) => {
      if (method !== 'PUT' || !asked.includes('/blobs/uploads/')) return 'pass';
      if (pid !== undefined) process.kill(-pid, 'SIGKILL');
      return 'cut';
    });
    const killed = await work.run(['push', 'app'], {
      env: one,
      onStart: (child) => {
        pid = child.pid;
      },
    });
    assert.equal(killed.exitCode, undefined);
    proxy.judge(undefined);
    assert.equal(await digestOf(`${registry.host}/store/app:1`), undefined);
  }
});

test('what a store has of one platform only is not pushed, and is named', options, async (t) => {
  const registry = await startTestRegistry(t);
  const target = await startTestRegistry(t);
  const env = await makeEnvironments(t);
  const work = await makeWorkspace(t, tree(registry.host));
  const name = `${registry.host}/fetched/app:1`;
  const fetched = `${registry.host}/fetched/app:2`;
  // Made where no blob of it is in this store: what another engine pushed.
  await work.write({
    'foreign/Dockerfile': 'FROM scratch\nARG TARGETARCH\nCOPY $TARGETARCH /\n',
    'foreign/amd64': `amd64 ${registry.host}\n`,
    'foreign/arm64': `arm64 ${registry.host}\n`,
  });
  const oci = await startOciEngine(t);
  const built = await runCommand([
    path.join(realEngine.binDir, 'buildctl'),
    ...['--addr', oci, 'build', '--frontend=dockerfile.v0', `--local=context=${work.dir}/foreign`],
    ...[`--local=dockerfile=${work.dir}/foreign`, '--opt=platform=linux/amd64,linux/arm64'],
    `--output=type=image,name=${name},push=true`,
  ]);
  assert.equal(built.exitCode, 0, built.stderr);
  assert.equal((await work.run(['tag', name, ':2'])).exitCode, 0);
  await ctr('images', 'pull', '--local', '--plain-http', '--platform', 'linux/amd64', fetched);
  for (const one of [env.listed, env.withoutCtr]) {
    const pushed = await work.run(['push', fetched, `${target.host}/moved/app:1`], { env: one });
    assert.equal(pushed.exitCode, 5, pushed.stderr);
    assert.match(pushed.stderr, /engine\/image-unreadable/);
    assert.match(pushed.stderr, /what\s+it\s+has\s+for\s+linux\/arm64\s+is\s+missing/);
    assert.equal(await digestOf(`${target.host}/moved/app:1`), undefined);
  }
});

test(
  'a store that has something else under a tag than the build gave is not pushed as the build',
  options,
  async (t) => {
    const registry = await startTestRegistry(t);
    const env = await makeEnvironments(t);
    const work = await makeWorkspace(t, tree(registry.host));
    assert.equal((await work.run(['run'], { env: env.listed })).exitCode, 0);
    const [app, side] = ['app', 'side'].map((one) => `${registry.host}/store/${one}:1`);
    assert.ok(app !== undefined && side !== undefined);
    await ctr('images', 'tag', '--force', app, side);
    // Where the store cannot be listed a registry may have answered, and the own name was not given.
    for (const [one, code] of [
      [env.listed, /run\/store-differs/],
      [env.unknown, /run\/not-built/],
    ] as const) {
      const refused = await work.run(['push', 'side'], { env: one });
      assert.equal(refused.exitCode, 1, refused.stderr);
      assert.match(refused.stderr, code);
      assert.equal(await digestOf(side), undefined);
    }
    assert.equal((await work.run(['push', side], { env: env.listed })).exitCode, 0);
    assert.equal(await digestOf(side), await storeDigest(app));
    const unknown = await makeWorkspace(t, { ...tree('registry.invalid'), 'side/file': 'never built\n' });
    const never = await unknown.run(['push', 'side'], { env: env.listed });
    assert.equal(never.exitCode, 1);
    assert.match(never.stderr, /run\/not-built/);
  },
);

test('a result is not pushed under tags that it was not built with', options, async (t) => {
  const registry = await startTestRegistry(t);
  const env = await makeEnvironments(t);
  const work = await makeWorkspace(t, tree(registry.host));
  assert.equal((await work.run(['run', 'side'], { env: env.listed })).exitCode, 0);
  const other = `${registry.host}/store/side:2`;
  for (const one of [env.listed, env.withoutCtr]) {
    const refused = await work.run(['push', 'side', '--set', `side.tags=${other}`], { env: one });
    assert.equal(refused.exitCode, 1, refused.stderr);
    assert.match(refused.stderr, /run\/not-built[\s\S]*side:2/);
    assert.equal(await digestOf(other), undefined);
  }
  // One tag that moves, such as `latest`, must not carry others along.
  for (const one of [env.listed, env.withoutCtr]) {
    const both = await work.run(['push', 'side', '--set', `side.tags+=${other}`], { env: one });
    assert.equal(both.exitCode, 1, both.stderr);
    assert.match(both.stderr, /run\/not-built[\s\S]*side:2/);
    assert.equal(await digestOf(`${registry.host}/store/side:1`), undefined);
  }
});

test('what no record is kept of is the last result all the same', options, async (t) => {
  const registry = await startTestRegistry(t);
  const env = await makeEnvironments(t);
  const served = createServer((_, answer) => answer.end('from the net\n'));
  const port = await new Promise<number>((resolve) => {
    served.listen(0, '127.0.0.1', () => resolve((served.address() as AddressInfo).port));
  });
  t.after(() => served.close());
  for (const one of [env.listed, env.withoutCtr]) {
    const work = await makeWorkspace(t, tree(registry.host));
    const tag = `${registry.host}/store/side:1`;
    const pushed = async () => {
      const end = await work.run(['push', 'side'], { env: one });
      assert.equal(end.exitCode, 0, end.stderr);
      return end.stdout;
    };
    await work.write({ 'side/file': `one ${one.PATH}\n` });
    assert.equal((await work.run(['run', 'side'], { env: one })).exitCode, 0);
    const first = await storeDigest(tag);
    assert.match(await pushed(), new RegExp(`${first} {2}\\(pushed`));
    const from = `FROM scratch\nCOPY file /\nADD http://127.0.0.1:${port}/a /a\n`;
    await work.write({ 'side/Dockerfile': from });
    assert.equal((await work.run(['run', 'side', '--push'], { env: one })).exitCode, 0);
    const second = await digestOf(tag);
    assert.notEqual(second, first);
    // The store still has the first one under the tag.
    assert.match(await pushed(), new RegExp(`${second} {2}\\(already there`));
    assert.equal(await digestOf(tag), second);
    await work.write({ 'side/Dockerfile': from, 'side/file': `three ${one.PATH}\n` });
    assert.equal((await work.run(['run', 'side'], { env: one })).exitCode, 0);
    const third = await storeDigest(tag);
    assert.notEqual(third, second);
    assert.match(await pushed(), new RegExp(`${third} {2}\\(pushed`));
    assert.equal(await digestOf(tag), third);
  }
});

test(
  'without a way to the store, what a registry says of a tag is not what was built',
  options,
  async (t) => {
    const registry = await startTestRegistry(t);
    const env = await makeEnvironments(t);
    const work = await makeWorkspace(t, {
      ...tree(registry.host),
      'side/file': `foreign ${registry.host}\n`,
    });
    const other = await makeWorkspace(t, { ...tree(registry.host), 'side/file': `${registry.host} other\n` });
    assert.equal((await other.run(['run', 'side', '--push'], { env: env.listed })).exitCode, 0);
    const tags = `side.tags=${registry.host}/store/side:1`;
    const asked = await work.run(['push', 'side', '--set', tags], { env: env.withoutCtr });
    assert.equal(asked.exitCode, 1, asked.stdout);
    assert.match(asked.stderr, /run\/not-built/);
    // Nor does it contradict what was.
    assert.equal((await work.run(['run', 'side'], { env: env.withoutCtr })).exitCode, 0);
    const built = await storeDigest(`${registry.host}/store/side:1`);
    await ctr('images', 'rm', '--sync', `${registry.host}/store/side:1`);
    const pushed = await work.run(['push', 'side'], { env: env.withoutCtr });
    assert.equal(pushed.exitCode, 0, pushed.stderr);
    assert.equal(await digestOf(`${registry.host}/store/side:1`), built);
  },
);

test(
  'of several tags those that were put are told, and what a registry refuses ends with 6',
  options,
  async (t) => {
    const registry = await startTestRegistry(t);
    const proxy = await startFaultProxy(t, registry.host);
    const env = await makeEnvironments(t);
    const work = await makeWorkspace(t, tree(proxy.host));
    assert.equal((await work.run(['run', 'app'], { env: env.listed })).exitCode, 0);
    proxy.judge(({ method, path: at }) =>
      method === 'PUT' && at.endsWith('/manifests/latest') ? 403 : 'pass',
    );
    const ended = await work.run(['push', 'app', '--json'], { env: env.listed });
    assert.equal(ended.exitCode, 6, ended.stderr);
    const { builds: pushed } = JSON.parse(ended.stdout) as Pick<PushedBuilds, 'builds'>;
    assert.equal(pushed[0]?.result, 'failed');
    const put = pushed[0]?.tags.map(({ ref, action }) => [ref, action]);
    assert.deepEqual(put, [[`${proxy.host}/store/app:1`, 'pushed']]);
    const text = await work.run(['push', 'app'], { env: env.listed });
    assert.match(text.stdout, /^\S+\/store\/app:1 {2}sha256:\S+ {2}\(already there, built \S+\)\n$/);
  },
);

test(
  'of tags that move together, new ones come last: those that are there can be put back',
  options,
  async (t) => {
    const registry = await startTestRegistry(t);
    const proxy = await startFaultProxy(t, registry.host);
    const env = await makeEnvironments(t);
    const work = await makeWorkspace(t, tree(proxy.host, 'publish: together'));
    const latest = `${proxy.host}/store/app:latest`;
    const before = await work.run(['run', 'app', '--push', '--set', `app.tags=${latest}`], {
      env: env.listed,
    });
    assert.equal(before.exitCode, 0, before.stderr);
    const stood = await digestOf(latest);
    await work.write({ 'app/file': `another app ${registry.host}\n` });
    assert.equal((await work.run(['run', 'app'], { env: env.listed })).exitCode, 0);
    proxy.judge(({ method, path: at }) => (method === 'PUT' && at.endsWith('/manifests/1') ? 403 : 'pass'));
    const ended = await work.run(['push', 'app', '--json'], { env: env.listed });
    assert.equal(ended.exitCode, 6, ended.stderr);
    assert.match(ended.stderr, /run\/publish-rolled-back/);
    assert.doesNotMatch(ended.stderr, /run\/publish-left/);
    const { builds: pushed } = JSON.parse(ended.stdout) as Pick<PushedBuilds, 'builds'>;
    assert.deepEqual([pushed[0]?.result, pushed[0]?.tags], ['failed', []]);
    assert.equal(await digestOf(latest), stood);
    proxy.judge(undefined);
    const whole = await work.run(['push', 'app', '--json'], { env: env.listed });
    assert.equal(whole.exitCode, 0, whole.stderr);
    const done = JSON.parse(whole.stdout) as Pick<PushedBuilds, 'builds'>;
    assert.deepEqual(done.builds[0]?.tags.map(({ action }) => action).sort(), ['pushed', 'pushed']);
  },
);

test('immutable tags stay, and tags that move together move together', options, async (t) => {
  const registry = await startTestRegistry(t);
  const env = await makeEnvironments(t);
  const work = await makeWorkspace(
    t,
    tree(registry.host, 'publish: together\nimmutable: ["*/store/side:1"]'),
  );
  assert.equal((await work.run(['run'], { env: env.listed })).exitCode, 0);
  assert.equal((await work.run(['push', 'side'], { env: env.listed })).exitCode, 0);
  const before = await digestOf(`${registry.host}/store/side:1`);
  await work.write({ 'side/file': 'another\n' });
  assert.equal((await work.run(['run', 'side'], { env: env.listed })).exitCode, 0);
  const refused = await work.run(['push', 'app', 'side'], { env: env.listed });
  assert.equal(refused.exitCode, 1);
  assert.match(refused.stderr, /run\/immutable-tag/);
  assert.match(refused.stderr, /run\/not-published/);
  assert.equal(await digestOf(`${registry.host}/store/side:1`), before);
  assert.equal(await digestOf(`${registry.host}/store/app:1`), undefined);
});

test(
  'without a way to the store, builds are skipped on what the engine says of their names',
  options,
  async (t) => {
    const registry = await startTestRegistry(t);
    const env = await makeEnvironments(t);
    for (const one of [env.withoutCtr, env.listed]) {
      const work = await makeWorkspace(t, tree(registry.host));
      const run = async () => {
        await work.buildctl.reset();
        const ended = await work.run(['run'], { env: one });
        assert.equal(ended.exitCode, 0, ended.stderr);
        return builds(work);
      };
      assert.equal(await run(), 3);
      assert.equal(await run(), 0);
      await ctr('images', 'rm', '--sync', `${registry.host}/store/app:latest`);
      assert.equal(await run(), 1);
      assert.equal(await run(), 0);
      const own = (await ctr('images', 'ls', '-q'))
        .split('\n')
        .filter((name) => name.includes('/bake/plain:'));
      for (const name of own) await ctr('images', 'rm', '--sync', name);
      assert.equal(await run(), 1);
      assert.equal(await run(), 0);
      // Another image under the name is not that of the build.
      await ctr('images', 'tag', '--force', `${registry.host}/store/app:1`, `${registry.host}/store/side:1`);
      assert.equal(await run(), 1);
    }
  },
);

test('an OCI worker keeps no images: what is unchanged is up to date, said once', options, async (t) => {
  const registry = await startTestRegistry(t);
  const address = await startOciEngine(t);
  const work = await makeWorkspace(t, tree(registry.host), { BUILDKIT_HOST: address });
  assertOk(await work.bake());
  await work.buildctl.reset();
  const again = await work.run(['run']);
  assert.equal(again.exitCode, 0, again.stderr);
  assert.equal(await builds(work), 0);
  // For three builds once as it comes, and once more at the end.
  assert.equal(again.stderr.match(/run\/keeps-no-images/g)?.length, 2);
  assert.match(again.stderr, /inputs unchanged; its engine keeps no images/);
  const images = await work.run(['images']);
  assert.equal(images.exitCode, 0);
  assert.match(images.stderr, /engine\/no-image-store/);
  await work.write({ 'side/file': 'changed\n' });
  assert.equal((await work.run(['run'])).exitCode, 0);
  assert.equal(await builds(work), 2);
});

/** Starts a buildkitd with an OCI worker, which keeps no images; ended after the test. */
async function startOciEngine(t: TestContext): Promise<string> {
  const dir = await makeTempDir(t, 'oci-');
  const address = `unix://${dir}/buildkitd.sock`;
  await mkdir(path.join(dir, 'root'));
  let pid: number | undefined;
  // Without root in a namespace of its own, which ends with it.
  const namespace = ['--net=host', '--copy-up=/etc', '--copy-up=/run', `--state-dir=${dir}/namespace`];
  const ended = runCommand(
    [
      ...(isRootless() ? ['rootlesskit', ...namespace] : []),
      path.join(realEngine.binDir, 'buildkitd'),
      ...(isRootless() ? ['--rootless'] : []),
      ...[
        '--addr',
        address,
        '--root',
        path.join(dir, 'root'),
        '--containerd-worker=false',
        '--oci-worker=true',
        `--otel-socket-path=${dir}/otel.sock`,
      ],
      '--oci-worker-snapshotter=native',
    ],
    {
      timeoutMs: 200_000,
      env: { PATH: `${realEngine.binDir}:${process.env['PATH']}` },
      onStart: (child) => {
        pid = child.pid;
      },
    },
  );
  t.after(async () => {
    if (pid !== undefined) process.kill(pid, 'SIGTERM');
    await ended;
  });
  for (let tries = 0; tries < 200; tries++) {
    const asked = await runCommand([
      path.join(realEngine.binDir, 'buildctl'),
      ...['--addr', address, 'debug', 'workers'],
    ]);
    if (asked.exitCode === 0) return address;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`buildkitd did not start: ${(await ended).stderr}`);
}
