/** The small decisions of the engine package, each on its own: versions, paths, tables, checksum files, configuration. */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { test } from 'node:test';
import {
  buildkitdConfig,
  containerdConfig,
  daemonEnv,
  registryConfig,
} from '../../lib/engine/daemon-config.ts';
import { findPublishedDigest } from '../../lib/engine/download.ts';
import goModules from '../../lib/engine/go-module.json' with { type: 'json' };
import { parseImages } from '../../lib/engine/images.ts';
import { hasSeccomp } from '../../lib/engine/installation.ts';
import { enginePaths, PACKAGES } from '../../lib/engine/mod.ts';
import { parseSubIds, uidmapLines } from '../../lib/engine/rootless-needs.ts';
import { probeSocket } from '../../lib/engine/socket.ts';
import { findVersion, isAtLeast } from '../../lib/engine/versions.ts';
import { readWorker } from '../../lib/engine/worker.ts';
import { parseWorkers } from '../../lib/model/mod.ts';
import { makeTempDir } from '../rig/temp.ts';

test('versions are found in what the programs say of themselves', () => {
  const said: readonly [string, string | undefined][] = [
    ['buildctl github.com/moby/buildkit v0.34.2 1234abcd', '0.34.2'],
    ['buildkitd github.com/moby/buildkit v0.0.0+unknown ', '0.0.0+unknown'],
    ['containerd github.com/containerd/containerd/v2 2.4.2+unknown', '2.4.2+unknown'],
    ['containerd containerd.io 1.6.20 2806fc1057397dbaeefbea0e4e17bddfbd388f38', '1.6.20'],
    ['containerd-shim-runc-v2:\n  Version:  1.6.20~ds1\n  Go version: go1.19.8', '1.6.20~ds1'],
    ['runc version 1.1.5+ds1\ncommit: 1.1.5+ds1-1+deb12u1\nspec: 1.0.2-dev', '1.1.5+ds1'],
    ['registry github.com/docker/distribution 2.8.2+ds1', '2.8.2+ds1'],
    ['rootlesskit version 3.1.0', '3.1.0'],
    ['usage: nothing of the kind', undefined],
  ];
  for (const [text, version] of said) assert.equal(findVersion(text), version, text);
});

test('versions compare by number, and a build that does not know its version is new enough', () => {
  assert(isAtLeast('0.34.2', '0.13.0'));
  assert(isAtLeast('1.6.20~ds1', '1.6.0'));
  assert(isAtLeast('2.4', '2.4.0'));
  assert(isAtLeast('0.0.0+unknown', '0.13.0'));
  assert(!isAtLeast('0.9.9', '0.13.0'));
  assert(!isAtLeast('1.5.11', '1.6.0'));
});

test('a runc without libseccomp is recognised', () => {
  assert(hasSeccomp('runc version 1.1.5\nspec: 1.0.2-dev\ngo: go1.19.8\nlibseccomp: 2.5.4\n'));
  assert(!hasSeccomp('runc version 1.1.5\nspec: 1.0.2-dev\ngo: go1.19.8\n'));
});

test('published checksums are read in each form that projects use', () => {
  const hex = 'ab'.repeat(32);
  const other = 'cd'.repeat(32);
  assert.equal(findPublishedDigest(`${hex}  x.tar.gz\n`, 'x.tar.gz', 'sha256sum'), hex);
  assert.equal(
    findPublishedDigest(`${other}  runc.arm64\n${hex} *runc.amd64\n`, 'runc.amd64', 'sha256sum-file'),
    hex,
  );
  assert.equal(findPublishedDigest(`${hex}  /out/x.tar.gz\n`, 'x.tar.gz', 'sha256sum'), hex);
  assert.equal(findPublishedDigest(`${hex}\n`, 'x.tar.gz', 'sha256sum'), hex);
  assert.equal(findPublishedDigest(`${hex}  y.tar.gz\n`, 'x.tar.gz', 'sha256sum'), undefined);
  assert.equal(findPublishedDigest(`${hex}  x.tar.gz.asc\n`, 'x.tar.gz', 'sha256sum'), undefined);
  const statement = JSON.stringify({ subject: [{ name: 'x.tar.gz', digest: { sha256: hex } }] });
  assert.equal(findPublishedDigest(statement, 'x.tar.gz', 'in-toto'), hex);
  assert.equal(findPublishedDigest(statement, 'y.tar.gz', 'in-toto'), undefined);
  assert.equal(findPublishedDigest('<html>', 'x.tar.gz', 'in-toto'), undefined);
  assert.equal(findPublishedDigest('null', 'x.tar.gz', 'in-toto'), undefined);
});

test('everything lies below BAKE_TS_HOME, or below the XDG directories', () => {
  const own = enginePaths({ BAKE_TS_HOME: '/opt/b', XDG_DATA_HOME: '/data', HOME: '/home/u' });
  assert.equal(own.versionsDir, '/opt/b/engine/versions');
  assert.equal(own.stateDir, '/opt/b/engine-state');
  assert.equal(own.buildkitSocket, '/opt/b/engine-state/run/buildkitd.sock');
  const xdg = enginePaths({ XDG_DATA_HOME: '/data', XDG_STATE_HOME: '/state', HOME: '/home/u' });
  assert.equal(xdg.dataDir, '/data/bake-ts/engine');
  assert.equal(xdg.stateDir, '/state/bake-ts/engine-state');
  const plain = enginePaths({ HOME: '/home/u', XDG_DATA_HOME: 'relative', BAKE_TS_HOME: '' });
  assert.equal(plain.dataDir, '/home/u/.local/share/bake-ts/engine');
  assert.equal(plain.stateDir, '/home/u/.local/state/bake-ts/engine-state');
});

test('a socket never gets a path that the kernel would refuse', () => {
  const deep = `/tmp/${'a-long-name/'.repeat(12)}`;
  const paths = enginePaths({ BAKE_TS_HOME: deep });
  assert(paths.stateDir.startsWith(deep));
  assert(!paths.runtimeDir.startsWith(deep));
  assert(`${paths.containerdSocket}.ttrpc`.length <= 107);
  assert.equal(
    enginePaths({ BAKE_TS_HOME: deep, XDG_RUNTIME_DIR: '/run/user/7' }).runtimeDir,
    paths.runtimeDir,
  );
  assert.notEqual(enginePaths({ BAKE_TS_HOME: `${deep}x` }).runtimeDir, paths.runtimeDir);
});

test('the table of ctr is read, however wide its columns are', () => {
  const digest = `sha256:${'1a'.repeat(32)}`;
  const text = `REF                   TYPE                                       DIGEST                SIZE    PLATFORMS   LABELS
127.0.0.1:5999/base:1 application/vnd.oci.image.manifest.v1+json ${digest} 1.0 MiB linux/amd64 -
docker.io/library/b:2 application/vnd.oci.image.index.v1+json ${digest} 31.0 B linux/amd64,linux/arm64/v8 a=b c,d=e f
broken:1 application/vnd.oci.image.index.v1+json ${digest} 2.5 GiB - -
time="2026-11-23T19:26:32Z" level=error msg="failed calculating size for image broken:1"
`;
  assert.deepEqual(
    parseImages(text).map((image) => [image.name, image.sizeBytes, image.platforms]),
    [
      ['127.0.0.1:5999/base:1', 1_048_576, ['linux/amd64']],
      ['broken:1', 2_684_354_560, []],
      ['docker.io/library/b:2', 31, ['linux/amd64', 'linux/arm64/v8']],
    ],
  );
  assert.equal(parseImages(text)[0]?.digest, digest);
  assert.deepEqual(parseImages(''), []);
});

test('workers are read as buildctl prints them', () => {
  const label = 'org.mobyproject.buildkit.worker';
  const text = JSON.stringify([
    {
      id: 'x',
      labels: {
        [`${label}.executor`]: 'containerd',
        [`${label}.snapshotter`]: 'overlayfs',
        [`${label}.network`]: 'host',
      },
      platforms: [
        { os: 'linux', architecture: 'arm64', variant: 'v8' },
        { os: 'linux', architecture: 'amd64' },
      ],
    },
  ]);
  assert.deepEqual(parseWorkers(text), [
    {
      executor: 'containerd',
      snapshotter: 'overlayfs',
      network: 'host',
      platforms: ['linux/arm64/v8', 'linux/amd64'],
    },
  ]);
  assert.equal(parseWorkers('not json'), undefined);
  assert.equal(parseWorkers('{}'), undefined);
});

test('daemons see no trace context, no settings of another registry, and our programs first', () => {
  const paths = enginePaths({ BAKE_TS_HOME: '/h' });
  const env = daemonEnv(
    {
      PATH: '/usr/bin',
      OTEL_EXPORTER_OTLP_ENDPOINT: 'http://x',
      TRACEPARENT: '00-1',
      TRACESTATE: 'a',
      REGISTRY_HTTP_ADDR: ':80',
      LISTEN_FDS: '1',
      HTTPS_PROXY: 'http://proxy',
      BUILDKIT_STEP_LOG_MAX_SIZE: '5',
    },
    paths,
    '/h/bin',
  );
  assert.deepEqual(Object.keys(env).sort(), [
    'BUILDKIT_STEP_LOG_MAX_SIZE',
    'BUILDKIT_STEP_LOG_MAX_SPEED',
    'HTTPS_PROXY',
    'OTEL_TRACES_EXPORTER',
    'PATH',
    'TMPDIR',
  ]);
  assert.equal(env['PATH'], '/h/bin:/usr/bin');
  assert.equal(env['OTEL_TRACES_EXPORTER'], 'none');
  assert.equal(env['BUILDKIT_STEP_LOG_MAX_SIZE'], '5');
});

test('the daemons are configured to keep to our folders, whatever characters those have', () => {
  const paths = enginePaths({ BAKE_TS_HOME: '/a "b" c' });
  const quoted = '"/a \\"b\\" c/engine-state';
  const synced = containerdConfig(paths, { version: '2.4.2', unsynced: false });
  assert(synced.includes(`root = ${quoted}/containerd"`));
  assert(synced.startsWith('version = 3'));
  assert(!synced.includes('no_sync'));
  assert(containerdConfig(paths, { version: '2.4.2', unsynced: true }).includes('no_sync = true'));
  assert(containerdConfig(paths, { version: '1.6.20', unsynced: false }).startsWith('version = 2'));
  const buildkitd = buildkitdConfig(
    paths,
    { snapshotter: 'native', runc: '/bin/runc', rootless: false },
    '[registry."a.example.com"]\n  http = true',
  );
  assert.match(buildkitd, /\n\n\[registry\."a\.example\.com"\]\n {2}http = true\n$/);
  assert(buildkitd.includes(`root = ${quoted}/buildkit"`));
  assert(buildkitd.includes('snapshotter = "native"'));
  assert.match(buildkitd, /\[worker\.oci\]\s+enabled = false/);
  assert.equal(JSON.parse(registryConfig(paths, '127.0.0.1:5000', 's')).http.addr, '127.0.0.1:5000');
});

test('the line that installs the helpers of namespaces is that of this distribution first', () => {
  const first = (osRelease: string): string | undefined => uidmapLines(osRelease)[0];
  assert.equal(
    first('ID=debian\nVERSION_ID="12"\n'),
    'as root, once: apt-get install uidmap (Debian, Ubuntu)',
  );
  assert.match(first('NAME="Linux Mint"\nID=linuxmint\nID_LIKE="ubuntu debian"\n') ?? '', /apt-get/);
  assert.match(first('ID="rocky"\nID_LIKE="rhel centos fedora"\n') ?? '', /dnf install shadow-utils/);
  assert.match(first('ID=alpine\n') ?? '', /apk add shadow-uidmap/);
  assert.match(first('ID=arch\n') ?? '', /pacman -S shadow/);
  for (const text of ['', 'ID=plan9\n', 'ID=alpine\n']) assert.equal(uidmapLines(text).length, 4);
});

test('ranges of ids are read as subuid(5) has them', () => {
  const text = 'ann:100000:65536\n# a comment\n1001:165536:1000\nbroken:x:1\n\nann:300000:10\n';
  assert.deepEqual(parseSubIds(text), [
    { owner: 'ann', start: 100_000, count: 65_536 },
    { owner: '1001', start: 165_536, count: 1000 },
    { owner: 'ann', start: 300_000, count: 10 },
  ]);
});

test('without root buildkitd is told so, and looks for no CNI plugin', () => {
  const paths = enginePaths({ BAKE_TS_HOME: '/home/ann/b' });
  const text = (rootless: boolean): string =>
    buildkitdConfig(paths, { snapshotter: 'overlayfs', runc: '/bin/runc', rootless }, '');
  assert.match(text(true), /\n {2}rootless = true\n {2}networkMode = "host"\n/);
  assert(!text(false).includes('rootless') && !text(false).includes('networkMode'));
});

test('the pinned versions and the embedded Go modules say the same', () => {
  const importPaths = {
    buildkit: 'github.com/moby/buildkit',
    containerd: 'github.com/containerd/containerd/v2',
    rootlesskit: 'github.com/rootless-containers/rootlesskit/v3',
    registry: 'github.com/distribution/distribution/v3',
  };
  for (const [name, importPath] of Object.entries(importPaths)) {
    const spec = PACKAGES.find((one) => one.name === name);
    assert(spec?.go !== undefined);
    const { goMod, goSum } = goModules[spec.go.module];
    const line = `${importPath} v${spec.version}`;
    assert(
      goMod.some((one) => one.includes(line)),
      line,
    );
    assert(
      goSum.some((one) => one.startsWith(`${line} h1:`)),
      line,
    );
    for (const one of spec.go.packages)
      assert(
        goMod.some((text) => text.includes(one)),
        one,
      );
    // rootlesskit's files do not name it.
    if (name !== 'rootlesskit') assert(spec.release.name('amd64').includes(spec.version));
    assert(spec.release.directory.endsWith(`/v${spec.version}`));
  }
});

test('questions to an engine that does not answer end with the signal', async (t) => {
  const dir = await makeTempDir(t);
  const program = `${dir}/buildctl`;
  await writeFile(program, '#!/bin/sh\nexec sleep 600\n', { mode: 0o755 });
  const stopped = { env: { PATH: '/usr/bin:/bin' }, signal: AbortSignal.timeout(50) };
  const answer = await readWorker({ buildctl: program, address: 'unix:///x' }, stopped);
  assert(!answer.ok);
  assert.equal(answer.error.code, 'run/cancelled');
  assert.deepEqual(await probeSocket({ path: `${dir}/none` }, 60_000, AbortSignal.abort()), {
    kind: 'silent',
  });
  // An address for documents: nobody is there.
  const stopper = new AbortController();
  const probe = probeSocket({ host: '192.0.2.1', port: 9 }, 60_000, stopper.signal);
  stopper.abort();
  assert.notEqual((await probe).kind, 'accepts');
});
