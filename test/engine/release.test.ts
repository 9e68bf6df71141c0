import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { arch } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import {
  type EnginePackage,
  enginePaths,
  type InstallOptions,
  installEngine,
  neededParts,
  PACKAGES,
  readInstallation,
} from '../../lib/engine/mod.ts';
import { goArchitecture } from '../../lib/system/mod.ts';
import {
  fakeProgram,
  makeTar,
  makeTarGz,
  type ReleaseServer,
  sha256,
  startReleaseServer,
  type TarEntry,
} from '../rig/fake-release.ts';
import { freePort } from '../rig/port.ts';
import { type Cleanup, makeTempDir } from '../rig/temp.ts';

const SAYS: Readonly<Record<string, string>> = {
  buildctl: 'buildctl github.com/moby/buildkit v0.34.2 0123',
  buildkitd: 'buildkitd github.com/moby/buildkit v0.34.2 0123',
  containerd: 'containerd github.com/containerd/containerd/v2 v2.4.2 0123',
  'containerd-shim-runc-v2': 'containerd-shim-runc-v2: Version: v2.4.2',
  ctr: 'ctr github.com/containerd/containerd/v2 v2.4.2',
  runc: 'runc version 1.4.3\nlibseccomp: 2.6.0',
  registry: 'registry github.com/distribution/distribution/v3 v3.1.2',
  rootlesskit: 'rootlesskit version 3.1.0',
};

const machine = goArchitecture(arch());

function specOf(name: EnginePackage): (typeof PACKAGES)[number] {
  const spec = PACKAGES.find((one) => one.name === name);
  assert(spec !== undefined);
  return spec;
}

function urlPath(name: EnginePackage): string {
  const { release } = specOf(name);
  return `/${release.directory}/${release.name(machine)}`;
}

/** Text that gzip cannot make small, the same in each run, so that there is something to cut. */
const noise = Array.from({ length: 300 }, (_, at) => sha256(Buffer.from(`noise ${at}`))).join('');

/** The right entries of a package, then whatever is to be wrong with it. */
function entriesOf(name: EnginePackage, extra: readonly TarEntry[] = []): readonly TarEntry[] {
  const { release } = specOf(name);
  const programs = Object.entries(release.members).map(([part, member]) => ({
    name: member,
    content: `${fakeProgram(SAYS[part] ?? '')}# ${part} ${noise}\n`,
  }));
  return [...programs, ...extra];
}

/** Puts a package on the server with the checksum file that its project publishes. */
function publish(server: ReleaseServer, name: EnginePackage, bytes: Uint8Array, sum = sha256(bytes)): void {
  const { release } = specOf(name);
  const file = release.name(machine);
  server.files.set(urlPath(name), bytes);
  const { published } = release;
  if (published.kind === 'in-toto') {
    const statement = {
      subject: [
        { name: 'other', digest: { sha256: '0'.repeat(64) } },
        { name: file, digest: { sha256: sum } },
      ],
    };
    server.files.set(`${urlPath(name)}${published.suffix}`, Buffer.from(JSON.stringify(statement)));
  } else if (published.kind === 'sha256sum') {
    server.files.set(`${urlPath(name)}${published.suffix}`, Buffer.from(`${sum}  ${file}\n`));
  } else {
    server.files.set(`/${release.directory}/${published.name}`, Buffer.from(`${sum}  ${file}\n`));
  }
}

interface Setup {
  readonly server: ReleaseServer;
  readonly env: Record<string, string>;
  readonly home: string;
  install(options?: Partial<InstallOptions>): ReturnType<typeof installEngine>;
}

/** An empty home, and a release host with everything on it. */
async function setUp(t: Cleanup): Promise<Setup> {
  const home = await makeTempDir(t);
  const server = await startReleaseServer(t);
  const env = { BAKE_TS_HOME: home, PATH: '/usr/bin:/bin', HOME: home };
  for (const name of ['buildkit', 'containerd', 'registry'] as const)
    publish(server, name, makeTarGz(entriesOf(name)));
  const rootlesskit = makeTarGz(entriesOf('rootlesskit'));
  publish(server, 'rootlesskit', rootlesskit);
  const runc = Buffer.from(fakeProgram(SAYS['runc'] ?? ''));
  publish(server, 'runc', runc);
  return {
    server,
    env,
    home,
    install: (options = {}) =>
      installEngine({
        env,
        from: 'release',
        mirror: server.url,
        // Those that are pinned are of the real files.
        checksums: { runc: `sha256:${sha256(runc)}`, rootlesskit: `sha256:${sha256(rootlesskit)}` },
        ...options,
      }),
  };
}

/** What an installation that was refused may leave: nothing but empty folders. */
async function leftovers(home: string): Promise<readonly string[]> {
  const entries = await readdir(home, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => !entry.isDirectory()).map((entry) => entry.name);
}

function codeOf(result: Awaited<ReturnType<typeof installEngine>>): string | undefined {
  return result.ok ? undefined : result.error[0]?.code;
}

test('releases are downloaded, checked against what is published, and installed as one version', async (t) => {
  const { install, env, home } = await setUp(t);
  const seen: string[] = [];
  const result = await install({
    parts: ['buildctl', 'ctr', 'runc', 'registry'],
    notify: (notice) => seen.push(`${notice.part} ${notice.step}`),
  });
  assert(result.ok, JSON.stringify(result));
  assert.deepEqual(result.value.installed, ['buildkit', 'containerd', 'runc', 'registry']);
  const installation = await readInstallation(enginePaths(env));
  assert.deepEqual(
    [...(installation?.parts.values() ?? [])].map((one) => `${one.part} ${one.version} ${one.source}`),
    [
      'buildctl 0.34.2 release',
      'buildkitd 0.34.2 release',
      'containerd 2.4.2 release',
      'containerd-shim-runc-v2 2.4.2 release',
      'ctr 2.4.2 release',
      'runc 1.4.3 release',
      'registry 3.1.2 release',
    ],
  );
  const buildctl = installation?.parts.get('buildctl')?.file ?? '';
  assert.equal((await stat(buildctl)).mode & 0o777, 0o755);
  for (const step of ['downloading', 'verifying', 'unpacking', 'done'])
    assert(seen.includes(`buildkit ${step}`), step);
  assert.deepEqual(await readdir(path.join(home, 'engine/downloads')), []);
  assert.equal((await readdir(path.join(home, 'engine/versions'))).length, 1);
});

test('what is installed is not fetched again, and a part that is added leaves the others as they are', async (t) => {
  const { install, server, env } = await setUp(t);
  const first = await install();
  assert(first.ok);
  const before = server.requests.length;
  const second = await install();
  assert(second.ok && !second.value.changed);
  assert.equal(server.requests.length, before);
  const third = await install({ parts: ['runc', 'registry'] });
  assert(third.ok, JSON.stringify(third));
  assert.deepEqual(third.value.installed, ['registry']);
  assert(server.requests.slice(before).every((line) => line.includes('/distribution/')));
  assert.equal((await readInstallation(enginePaths(env)))?.parts.size, neededParts().length + 1);
});

test('installations at the same time are one', async (t) => {
  const { install, server } = await setUp(t);
  const results = await Promise.all([install(), install(), install()]);
  assert(results.every((result) => result.ok));
  assert.equal(results.filter((result) => result.ok && result.value.changed).length, 1);
  assert.equal(server.requests.filter((line) => line === `GET ${urlPath('buildkit')}`).length, 1);
});

test('a download that is cut goes on where it was cut', async (t) => {
  const { install, server } = await setUp(t);
  server.cut = { bytes: 2_000, times: 2 };
  const result = await install({ parts: ['buildctl'] });
  assert(result.ok, JSON.stringify(result));
  const resumed = server.requests.filter((line) => / \d+-$/.test(line));
  assert.equal(resumed.length, 2);
  assert.match(resumed[1] ?? '', / 4000-$/);
});

test('a download that is cut for good keeps its beginning, and the next installation goes on from there', async (t) => {
  const { install, server, env, home } = await setUp(t);
  server.cut = { bytes: 1_000, times: 100 };
  const cut = await install({ parts: ['buildctl'] });
  assert.equal(codeOf(cut), 'engine/download-failed');
  assert.equal(await readInstallation(enginePaths(env)), undefined);
  server.cut = undefined;
  server.requests.length = 0;
  const part = path.join(home, 'engine/downloads', `${specOf('buildkit').release.name(machine)}.part`);
  // How much of it arrives before a connection is cut is not the server's alone.
  const { size } = await stat(part);
  assert(size > 0);
  const whole = await install({ parts: ['buildctl'] });
  assert(whole.ok, JSON.stringify(whole));
  assert(
    server.requests.some((line) => line === `GET ${urlPath('buildkit')} ${size}-`),
    server.requests.join('\n'),
  );
});

test('a damaged beginning of an earlier download does no harm', async (t) => {
  const { install, server, home } = await setUp(t);
  server.cut = { bytes: 1_000, times: 100 };
  await install({ parts: ['buildctl'] });
  server.cut = undefined;
  const part = path.join(home, 'engine/downloads', `${specOf('buildkit').release.name(machine)}.part`);
  await writeFile(part, Buffer.alloc(2_000, 7));
  const result = await install({ parts: ['buildctl'] });
  assert(result.ok, JSON.stringify(result));
});

const refusals: readonly {
  readonly what: string;
  readonly code: string;
  readonly arrange: (setup: Setup) => void;
}[] = [
  {
    what: 'a file with one wrong byte',
    code: 'engine/checksum-mismatch',
    arrange: ({ server }) => {
      const good = makeTarGz(entriesOf('buildkit'));
      const bad = Buffer.from(good);
      bad[200] = (bad[200] ?? 0) ^ 1;
      publish(server, 'buildkit', bad, sha256(good));
    },
  },
  {
    what: 'a truncated file',
    code: 'engine/checksum-mismatch',
    arrange: ({ server }) => {
      const good = makeTarGz(entriesOf('buildkit'));
      publish(server, 'buildkit', good.subarray(0, good.length / 2), sha256(good));
    },
  },
  {
    what: 'a truncated tarball whose checksum is right',
    code: 'engine/archive-damaged',
    arrange: ({ server }) => publish(server, 'buildkit', makeTarGz(entriesOf('buildkit')).subarray(0, 400)),
  },
  {
    what: 'something that is not a tarball',
    code: 'engine/archive-damaged',
    arrange: ({ server }) =>
      publish(server, 'buildkit', Buffer.from('<html>please log in</html>'.repeat(50))),
  },
  {
    what: 'a tarball that ends inside a file',
    code: 'engine/archive-damaged',
    arrange: ({ server }) => {
      const whole = makeTar(entriesOf('buildkit'));
      publish(server, 'buildkit', whole.subarray(0, whole.length - 1024 - 20_000));
    },
  },
  {
    what: 'an entry that climbs out',
    code: 'engine/archive-unsafe',
    arrange: ({ server }) =>
      publish(
        server,
        'buildkit',
        makeTarGz(entriesOf('buildkit', [{ name: 'bin/../../evil', content: 'x' }])),
      ),
  },
  {
    what: 'an absolute entry',
    code: 'engine/archive-unsafe',
    arrange: ({ server }) =>
      publish(
        server,
        'buildkit',
        makeTarGz(entriesOf('buildkit', [{ name: '/tmp/bake-ts-evil', content: 'x' }])),
      ),
  },
  {
    what: 'a symbolic link that leaves the folder',
    code: 'engine/archive-unsafe',
    arrange: ({ server }) =>
      publish(
        server,
        'buildkit',
        makeTarGz(entriesOf('buildkit', [{ name: 'bin/link', type: '2', linkTarget: '../../outside' }])),
      ),
  },
  {
    what: 'a symbolic link to an absolute path',
    code: 'engine/archive-unsafe',
    arrange: ({ server }) =>
      publish(
        server,
        'buildkit',
        makeTarGz(entriesOf('buildkit', [{ name: 'bin/link', type: '2', linkTarget: '/etc/passwd' }])),
      ),
  },
  {
    what: 'a hard link that leaves the folder',
    code: 'engine/archive-unsafe',
    arrange: ({ server }) =>
      publish(
        server,
        'buildkit',
        makeTarGz(entriesOf('buildkit', [{ name: 'bin/link', type: '1', linkTarget: '../etc/passwd' }])),
      ),
  },
  {
    what: 'a device',
    code: 'engine/archive-unsafe',
    arrange: ({ server }) =>
      publish(server, 'buildkit', makeTarGz(entriesOf('buildkit', [{ name: 'bin/null', type: '3' }]))),
  },
  {
    what: 'a program that is a link',
    code: 'engine/archive-incomplete',
    arrange: ({ server }) =>
      publish(
        server,
        'buildkit',
        makeTarGz([
          { name: 'bin/buildkitd', content: fakeProgram(SAYS['buildkitd'] ?? '') },
          { name: 'bin/buildctl', type: '2', linkTarget: 'buildkitd' },
        ]),
      ),
  },
  {
    what: 'a file without a published checksum',
    code: 'engine/no-checksum',
    arrange: ({ server }) => {
      server.files.delete(`${urlPath('buildkit')}.provenance.json`);
    },
  },
  {
    what: 'a checksum file that names another file',
    code: 'engine/no-checksum',
    arrange: ({ server }) => {
      const statement = { subject: [{ name: 'another', digest: { sha256: '0'.repeat(64) } }] };
      server.files.set(`${urlPath('buildkit')}.provenance.json`, Buffer.from(JSON.stringify(statement)));
    },
  },
  {
    what: 'a release that is not there',
    code: 'engine/not-published',
    arrange: ({ server }) => {
      server.files.delete(urlPath('buildkit'));
    },
  },
  {
    what: 'a program that does not run',
    code: 'engine/part-unusable',
    arrange: ({ server }) =>
      publish(
        server,
        'buildkit',
        makeTarGz([
          { name: 'bin/buildkitd', content: fakeProgram('buildkitd v0.34.2') },
          { name: 'bin/buildctl', content: '#!/bin/sh\nexit 3\n' },
        ]),
      ),
  },
];

for (const { what, code, arrange } of refusals) {
  test(`${what} is refused, and nothing is left behind`, async (t) => {
    const setup = await setUp(t);
    arrange(setup);
    const result = await setup.install();
    assert.equal(codeOf(result), code, JSON.stringify(result));
    assert.equal(await readInstallation(enginePaths(setup.env)), undefined);
    assert.deepEqual(await leftovers(setup.home), []);
    await assert.rejects(stat('/tmp/bake-ts-evil'));
  });
}

test('a checksum that the user gives wins over the published one', async (t) => {
  const { install, server, home } = await setUp(t);
  const result = await install({ checksums: { buildkit: 'a'.repeat(64) } });
  assert.equal(codeOf(result), 'engine/checksum-mismatch');
  assert(!server.requests.some((line) => line.includes('provenance')));
  assert.deepEqual(await leftovers(home), []);
});

test('a checksum that is none is refused before anything is done', async (t) => {
  const { install, server } = await setUp(t);
  assert.equal(codeOf(await install({ checksums: { buildkit: 'md5:123' } })), 'engine/bad-checksum');
  assert.equal(codeOf(await install({ mirror: 'github.com' })), 'engine/bad-mirror');
  assert.deepEqual(server.requests, []);
});

test('the pinned checksum is obeyed where there is one', async (t) => {
  const { install } = await setUp(t);
  const result = await install({ parts: ['runc'], checksums: {} });
  const pinned = specOf('runc').release.sha256[machine];
  assert.equal(codeOf(result), pinned === undefined ? undefined : 'engine/checksum-mismatch');
});

test('a failed installation leaves the one before it in use', async (t) => {
  const setup = await setUp(t);
  const first = await setup.install();
  assert(first.ok);
  publish(setup.server, 'containerd', makeTarGz(entriesOf('containerd')), '1'.repeat(64));
  const second = await setup.install({ force: true });
  assert.equal(codeOf(second), 'engine/checksum-mismatch');
  const now = await readInstallation(enginePaths(setup.env));
  assert.equal(now?.id, first.value.installation.id);
  assert.equal(now?.parts.size, neededParts().length);
  assert.equal((await readdir(path.join(setup.home, 'engine/versions'))).length, 1);
});

test('a file at hand is installed when its checksum lies beside it or is given', async (t) => {
  const { install, home, server } = await setUp(t);
  const file = path.join(home, specOf('buildkit').release.name(machine));
  const bytes = makeTarGz(entriesOf('buildkit'));
  await writeFile(file, bytes);
  const bare = await install({ parts: ['buildctl'], files: { buildkit: file } });
  assert.equal(codeOf(bare), 'engine/no-checksum');
  const given = await install({
    parts: ['buildctl'],
    files: { buildkit: file },
    checksums: { buildkit: `sha256:${sha256(bytes)}` },
  });
  assert(given.ok, JSON.stringify(given));
  const provenance = server.files.get(`${urlPath('buildkit')}.provenance.json`) ?? Buffer.alloc(0);
  await writeFile(`${file}.provenance.json`, provenance);
  const beside = await install({ parts: ['buildctl'], files: { buildkit: file } });
  assert(beside.ok, JSON.stringify(beside));
  assert.match(beside.value.installation.parts.get('buildctl')?.origin ?? '', /sha256:[0-9a-f]{64}/);
  assert.equal((await readFile(file)).length, bytes.length);
  assert.deepEqual(server.requests, []);
});

test('a host that is not there is given up at once, and what was tried is reported for each source', async (t) => {
  const home = await makeTempDir(t);
  const startedMs = Date.now();
  const result = await installEngine({
    env: { BAKE_TS_HOME: home, PATH: '/nonexistent' },
    mirror: `http://127.0.0.1:${await freePort()}`,
  });
  assert(Date.now() - startedMs < 5_000);
  assert(!result.ok);
  assert.equal(result.error[0]?.code, 'engine/install-failed');
  const detail = result.error[0]?.detail ?? '';
  for (const source of [
    'PATH: buildctl is not on PATH',
    'the official release: 127.0.0.1:',
    'the Go toolchain: ',
  ]) {
    assert(detail.includes(source), detail);
  }
  assert.deepEqual(await leftovers(home), []);
});

test('an installation can be called off', async (t) => {
  const { install, home } = await setUp(t);
  const controller = new AbortController();
  const result = await install({
    signal: controller.signal,
    notify: (notice) => {
      if (notice.step === 'downloading') controller.abort();
    },
  });
  assert.equal(codeOf(result), 'run/cancelled');
  assert.deepEqual(await leftovers(home), []);
});
