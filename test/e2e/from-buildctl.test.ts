/**
 * docs/from-buildctl.md, word for word, on an engine that was started as it says there. Each section's lines for buildctl and
 * ctr run against one registry, those for bake-ts against another one; what both have in the end must be the same.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import process from 'node:process';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { findBusybox } from '../rig/busybox.ts';
import { bakeTsScript, type CommandResult, DENO_CACHE, runCommand } from '../rig/command.ts';
import { makeCountingBuildctl } from '../rig/counting-buildctl.ts';
import { frontendBuilds, testFrontends } from '../rig/frontends.ts';
import { type FencedBlock, readFencedBlocks } from '../rig/pages.ts';
import { repoPath } from '../rig/paths.ts';
import { realEngine, startTestRegistry } from '../rig/real-engine.ts';
import { dockerConfigFor, testUser } from '../rig/registry.ts';
import { type Cleanup, makeTempDir, writeTree } from '../rig/temp.ts';

/** What a section says to type, by what stands after the fence. */
interface Section {
  readonly title: string;
  readonly blocks: readonly FencedBlock[];
}

async function readSections(): Promise<readonly Section[]> {
  const page = await readFile(repoPath('docs/from-buildctl.md'), 'utf8');
  return page
    .split(/^## /m)
    .slice(1)
    .map((text) => ({
      title: text.slice(0, text.indexOf('\n')),
      blocks: readFencedBlocks(text),
    }));
}

/** Starts containerd and buildkitd with flags, as the page does; only where their files lie is said besides. */
async function startByHand(
  t: TestContext,
): Promise<{ readonly address: string; readonly containerd: string }> {
  const dir = await makeTempDir(t, 'by-hand-');
  const containerd = path.join(dir, 'containerd.sock');
  const address = `unix://${path.join(dir, 'buildkitd.sock')}`;
  await writeFile(
    path.join(dir, 'containerd.toml'),
    `version = 2
root = "${dir}/containerd"
state = "${dir}/state"
disabled_plugins = ["io.containerd.grpc.v1.cri", "io.containerd.cri.v1.images", "io.containerd.cri.v1.runtime"]
[grpc]
  address = "${containerd}"
`,
  );
  await start(t, dir, ['containerd', '--config', path.join(dir, 'containerd.toml')], async () => {
    const asked = await runCommand([tool('ctr'), '--address', containerd, 'version']);
    return asked.exitCode === 0;
  });
  await start(
    t,
    dir,
    [
      ...['buildkitd', '--oci-worker=false', '--containerd-worker=true'],
      ...['--addr', address, '--containerd-worker-addr', containerd, '--root', path.join(dir, 'buildkit')],
    ],
    async () => (await runCommand([tool('buildctl'), '--addr', address, 'debug', 'workers'])).exitCode === 0,
  );
  return { address, containerd };
}

async function start(
  t: Cleanup,
  dir: string,
  [program = '', ...argv]: readonly string[],
  isReady: () => Promise<boolean>,
): Promise<void> {
  const log = path.join(dir, `${program}.log`);
  const out = openSync(log, 'a');
  const child = spawn(tool(program), argv, {
    env: { PATH: `${realEngine.binDir}:${process.env['PATH']}`, OTEL_TRACES_EXPORTER: 'none' },
    stdio: ['ignore', out, out],
  });
  closeSync(out);
  const ended = new Promise((resolve) => child.on('exit', resolve));
  t.after(async () => {
    child.kill('SIGTERM');
    await Promise.race([ended, sleep(10_000, undefined, { ref: false })]);
    child.kill('SIGKILL');
  });
  const deadline = Date.now() + 30_000;
  while (!(await isReady())) {
    if (child.exitCode !== null || Date.now() > deadline) throw new Error(await readFile(log, 'utf8'));
    await sleep(50);
  }
}

function tool(name: string): string {
  return path.join(realEngine.binDir, name);
}

const TREE = {
  Dockerfile: 'FROM scratch\nCOPY app.txt /\n',
  'app.txt': 'the app\n',
  'password.txt': `${testUser.password}\n`,
  'services/api/main.txt': 'the service\n',
  'docker/api.Dockerfile': 'FROM scratch AS debug\nARG MODE\nENV MODE=$MODE\nCOPY main.txt /\nFROM scratch\n',
  'secret/Dockerfile':
    'FROM scratch\nCOPY busybox /bin/sh\nRUN --mount=type=secret,id=token,required=true read token < /run/secrets/token && test "$token" = a-token\n',
  'token.txt': 'a-token\n',
  'images/base/Dockerfile': 'FROM scratch\nCOPY base.txt /\n',
  'images/base/base.txt': 'the base\n',
  'images/web/Dockerfile': 'FROM base\nCOPY web.txt /\n',
  'images/web/web.txt': 'the web\n',
};

/** Asks a registry with sign-in for what a tag points at. */
async function getManifest(host: string, name: string): Promise<Response> {
  const [repository = '', tag = ''] = name.split(':');
  return fetch(`http://${host}/v2/${repository}/manifests/${tag}`, {
    headers: {
      accept: 'application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json',
      authorization: `Basic ${btoa(`${testUser.username}:${testUser.password}`)}`,
    },
  });
}

async function digestAt(host: string, name: string): Promise<string | undefined> {
  const answer = await getManifest(host, name);
  await answer.arrayBuffer();
  return answer.status === 200 ? (answer.headers.get('docker-content-digest') ?? undefined) : undefined;
}

async function layersAt(host: string, name: string): Promise<readonly string[]> {
  const { layers } = (await (await getManifest(host, name)).json()) as { layers: { digest: string }[] };
  return layers.map(({ digest }) => digest);
}

// The page is about a node whose daemons root has started.
const notRoot = process.getuid?.() !== 0 && 'it starts containerd and buildkitd as root does';
const options = { skip: realEngine.skip || testFrontends.skip || notRoot, timeout: 300_000 };

test('docs/from-buildctl.md does what it says', options, async (t) => {
  const sections = await readSections();
  const engine = await startByHand(t);
  const theirs = await startTestRegistry(t, { auth: true });
  const ours = await startTestRegistry(t, { auth: true });
  const home = await makeTempDir(t, 'from-buildctl-home-');
  const dir = await makeTempDir(t, 'from-buildctl-');
  const bin = await makeTempDir(t, 'from-buildctl-bin-');
  await writeTree(dir, TREE);
  await copyFile(await findBusybox(t), path.join(dir, 'secret/busybox'));
  const buildctl = await makeCountingBuildctl(t, tool('buildctl'));
  await writeFile(path.join(bin, 'bake-ts'), bakeTsScript(), { mode: 0o755 });
  const env = {
    PATH: `${bin}:${realEngine.binDir}:${process.env['PATH']}`,
    HOME: home,
    BAKE_TS_HOME: path.join(home, 'none'),
    DOCKER_CONFIG: undefined,
    BUILDKIT_HOST: engine.address,
    CONTAINERD_ADDRESS: engine.containerd,
    BUILDCTL: buildctl.path,
    NO_COLOR: '1',
    CI: undefined,
    ...DENO_CACHE,
  };
  const fit = (text: string, host: string) =>
    text
      .replaceAll('registry.example.com', host)
      .replaceAll('me:secret', `${testUser.username}:${testUser.password}`)
      .replaceAll("'me:%s'", `'${testUser.username}:%s'`)
      .replaceAll('--username me', `--username ${testUser.username}`);
  const shell = async (text: string, host: string): Promise<CommandResult> => {
    const end = await runCommand(['sh', '-e', '-c', fit(text, host)], { cwd: dir, env, timeoutMs: 120_000 });
    assert.equal(end.exitCode, 0, `${text}\n${end.stdout}${end.stderr}`);
    return end;
  };
  const ctr = (...argv: readonly string[]) =>
    runCommand([tool('ctr'), '--address', engine.containerd, ...argv]);
  const stored = async (host: string, name: string): Promise<string | undefined> => {
    const { stdout } = await ctr('--namespace', 'buildkit', 'images', 'ls');
    const line = stdout.split('\n').find((one) => one.startsWith(`${host}/${name} `));
    return /sha256:[0-9a-f]{64}/.exec(line ?? '')?.[0];
  };
  const sameStored = async (name: string) => {
    const digest = await stored(theirs.host, name);
    assert.ok(digest !== undefined, `${name} was not built by buildctl`);
    assert.equal(await stored(ours.host, name), digest);
  };
  const samePushed = async (name: string) => {
    const digest = await digestAt(theirs.host, name);
    assert.ok(digest !== undefined, `${name} was not pushed by what the page says`);
    assert.equal(await digestAt(ours.host, name), digest);
  };
  /** The same command once more calls buildctl for nothing. */
  const nothingToDo = async () => {
    await buildctl.reset();
    await shell('bake-ts run', ours.host);
    assert.deepEqual(await buildctl.builds(), []);
  };

  const checks: Readonly<Record<string, (last: CommandResult) => Promise<void>>> = {
    'Build an image': async () => {
      await sameStored('shop/app:1');
      assert.equal(await digestAt(ours.host, 'shop/app:1'), undefined, 'nothing is pushed unasked');
      await nothingToDo();
    },
    'See what is there': async ({ stdout }) => {
      const digest = (await stored(ours.host, 'shop/app:1')) ?? '';
      assert.match(stdout, new RegExp(`^${ours.host}/shop/app:1 +${digest.slice(7, 19)}`, 'm'));
    },
    'Push it later, with a user and a password': async () => {
      await samePushed('shop/app:1');
      assert.equal(await digestAt(ours.host, 'shop/app:1'), await stored(ours.host, 'shop/app:1'));
    },
    'Build and push at once': async () => {
      await samePushed('shop/app:2');
      await nothingToDo();
    },
    'A target, arguments, another Dockerfile': async () => {
      await sameStored('shop/api:debug');
      await nothingToDo();
    },
    'Files instead of an image': async () => {
      assert.equal(await readFile(path.join(dir, 'out/files/app.txt'), 'utf8'), 'the app\n');
      assert.match(
        (await runCommand(['tar', '-tf', path.join(dir, 'out/images/app.tar')])).stdout,
        /^index\.json$/m,
      );
    },
    Secrets: async () => {
      await sameStored('shop/secret:1');
      await nothingToDo();
    },
    Caches: async () => {
      await samePushed('shop/app:3');
      await nothingToDo();
    },
    'Another frontend': async () => sameStored('shop/app:4'),
    'Into Kubernetes': async () => {
      assert.match((await ctr('--namespace', 'k8s.io', 'images', 'ls')).stdout, /\/shop\/app:1 /);
    },
    'Many images': async ({ stdout }) => {
      await samePushed('shop/base:1');
      // Its steps are based on the layers of `base` alone, so they ran once more, at another time.
      const layers = await layersAt(theirs.host, 'shop/web:1');
      assert.equal(layers.length, 2);
      assert.deepEqual(await layersAt(ours.host, 'shop/web:1'), layers);
      assert.match(stdout, /web/);
      await nothingToDo();
    },
  };

  for (const host of [theirs.host, ours.host]) {
    const file = path.join(home, `frontends-${host}.yaml`);
    await writeFile(file, `builds:\n${frontendBuilds(host)}`);
    const push = `bake-ts run -f '${file}' --allow read:'${testFrontends.dir}'`;
    await mkdir(path.join(home, 'docker'), { recursive: true });
    await writeFile(path.join(home, 'docker/config.json'), dockerConfigFor(host));
    await shell(`DOCKER_CONFIG='${home}/docker' ${push}`, host);
  }

  for (const { title, blocks } of sections) {
    if (blocks.length === 0) continue;
    const check = checks[title];
    assert.ok(check !== undefined, `the section "${title}" is not checked`);
    let last: CommandResult = { exitCode: 0, stdout: '', stderr: '', timedOut: false };
    // Else the files of a section would be there already when bake-ts is to make them.
    for (const { kind, text } of blocks) {
      if (kind === 'yaml builds.yaml') await writeFile(path.join(dir, 'builds.yaml'), fit(text, ours.host));
      else if (kind === 'sh bake-ts') {
        await runCommand(['rm', '-rf', path.join(dir, 'out')]);
        last = await shell(text, ours.host);
      } else if (kind === 'sh buildctl') await shell(text, theirs.host);
      else {
        assert.equal(kind, 'sh', `a block of "${title}" is neither for buildctl nor for bake-ts`);
        await shell(text, theirs.host);
        await addCredentials(path.join(home, '.docker/config.json'), theirs.host, ours.host);
      }
    }
    await check(last);
  }
  assert.deepEqual(
    Object.keys(checks),
    sections.filter(({ blocks }) => blocks.length > 0).map(({ title }) => title),
  );
});

/** The page writes the Docker config for one registry; the test has two. */
async function addCredentials(file: string, from: string, to: string): Promise<void> {
  const config = JSON.parse(await readFile(file, 'utf8')) as { auths: Record<string, unknown> };
  await mkdir(path.dirname(file), { recursive: true });
  await writeFile(file, JSON.stringify({ auths: { ...config.auths, [to]: config.auths[from] } }));
}
