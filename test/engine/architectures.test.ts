/** What names an architecture: for the two that most machines have, and what is said on the others that Node runs on. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PACKAGES } from '../../lib/engine/mod.ts';
import { findUnpublished } from '../../lib/engine/sources.ts';
import { formatPlatform, parsePlatform, parseWorkers } from '../../lib/model/mod.ts';
import { goArchitecture } from '../../lib/system/mod.ts';

/** Files as their projects publish them, by package; `*` is the version. */
const FILES: Readonly<Record<string, Readonly<Record<'x64' | 'arm64', string>>>> = {
  buildkit: { x64: 'buildkit-v*.linux-amd64.tar.gz', arm64: 'buildkit-v*.linux-arm64.tar.gz' },
  containerd: {
    x64: 'containerd-static-*-linux-amd64.tar.gz',
    arm64: 'containerd-static-*-linux-arm64.tar.gz',
  },
  runc: { x64: 'runc.amd64', arm64: 'runc.arm64' },
  registry: { x64: 'registry_*_linux_amd64.tar.gz', arm64: 'registry_*_linux_arm64.tar.gz' },
};

test('every package has a release file for amd64 and for arm64, each with pins of its own', () => {
  const seen = PACKAGES.filter(({ name }) => Object.hasOwn(FILES, name));
  assert.deepEqual(
    seen.map(({ name }) => name),
    Object.keys(FILES),
  );
  for (const spec of PACKAGES) {
    for (const nodeName of ['x64', 'arm64'] as const) {
      const arch = goArchitecture(nodeName);
      assert.equal(findUnpublished(spec, arch), undefined, `${spec.name} ${arch}`);
      const wanted = FILES[spec.name]?.[nodeName];
      if (wanted !== undefined) assert.equal(spec.release.name(arch), wanted.replace('*', spec.version));
      assert(spec.release.name('arm64') !== spec.release.name('amd64'), spec.name);
    }
    const { amd64, arm64, ...more } = spec.release.sha256;
    // A pin for one of the two alone would be forgotten for the other one.
    assert.equal(amd64 === undefined, arm64 === undefined, spec.name);
    for (const pin of [amd64, arm64, ...Object.values(more)])
      if (pin !== undefined) assert.match(pin, /^[0-9a-f]{64}$/);
    if (amd64 !== undefined) assert.notEqual(amd64, arm64, spec.name);
    for (const arch of Object.keys(more)) assert(spec.release.archs.includes(arch), `${spec.name} ${arch}`);
  }
});

test('on other architectures an engine is to be had, or it is said that no release is', () => {
  const rows: readonly (readonly [node: string, arch: string, unpublished: readonly string[]])[] = [
    ['arm', 'arm', ['buildkit', 'containerd', 'registry']],
    ['ia32', '386', ['buildkit', 'containerd', 'registry']],
    ['loong64', 'loong64', ['buildkit', 'containerd', 'registry']],
    ['riscv64', 'riscv64', []],
    ['ppc64', 'ppc64le', []],
    ['s390x', 's390x', []],
  ];
  for (const [nodeName, arch, unpublished] of rows) {
    assert.equal(goArchitecture(nodeName), arch);
    for (const spec of PACKAGES.filter(({ name }) => Object.hasOwn(FILES, name))) {
      const found = findUnpublished(spec, arch);
      assert.equal(
        found?.code,
        unpublished.includes(spec.name) ? 'engine/not-published' : undefined,
        `${spec.name} ${arch}`,
      );
      if (found !== undefined)
        assert.equal(found.message, `there is no release of ${spec.name} for linux/${arch}`);
    }
  }
});

test('a platform of this machine is the one that containerd and images call so', () => {
  const rows: readonly (readonly [node: string, platform: string])[] = [
    ['x64', 'linux/amd64'],
    ['arm64', 'linux/arm64'],
    ['arm', 'linux/arm/v7'],
    ['ia32', 'linux/386'],
    ['riscv64', 'linux/riscv64'],
    ['ppc64', 'linux/ppc64le'],
    ['s390x', 'linux/s390x'],
  ];
  for (const [nodeName, expected] of rows) {
    const platform = parsePlatform(`linux/${goArchitecture(nodeName)}`);
    assert(platform !== undefined);
    assert.equal(formatPlatform(platform), expected);
  }
});

test('variants are normalised as containerd does, for both', () => {
  // containerd/platforms database.go, `normalizeArch`.
  const rows: Readonly<Record<string, string>> = {
    'linux/amd64': 'linux/amd64',
    'linux/x86_64': 'linux/amd64',
    'linux/x86-64/v1': 'linux/amd64',
    'linux/amd64/v3': 'linux/amd64/v3',
    'linux/arm64': 'linux/arm64',
    'linux/aarch64': 'linux/arm64',
    'linux/arm64/8': 'linux/arm64',
    'linux/arm64/v8': 'linux/arm64',
    'linux/aarch64/v8.0': 'linux/arm64',
    'linux/arm64/v8.2': 'linux/arm64/v8.2',
    'linux/arm64/9': 'linux/arm64/v9',
    'linux/arm64/9.0': 'linux/arm64/v9',
    'linux/arm64/v9.0': 'linux/arm64/v9',
    arm64: 'linux/arm64',
    amd64: 'linux/amd64',
  };
  for (const [written, expected] of Object.entries(rows)) {
    const platform = parsePlatform(written);
    assert(platform !== undefined, written);
    assert.equal(formatPlatform(platform), expected, written);
  }
});

test('an engine of either says its platform', () => {
  for (const [architecture, variant, expected] of [
    ['amd64', undefined, 'linux/amd64'],
    ['arm64', undefined, 'linux/arm64'],
    ['arm64', 'v8', 'linux/arm64/v8'],
  ] as const) {
    const workers = parseWorkers(JSON.stringify([{ platforms: [{ os: 'linux', architecture, variant }] }]));
    assert.deepEqual(workers?.[0]?.platforms, [expected]);
    const platform = parsePlatform(workers?.[0]?.platforms[0] ?? '');
    assert.equal(platform?.arch, architecture);
    assert.equal(platform.variant, undefined);
  }
});
