/**
 * All pinned data of the engine's parts: versions, release URLs, and the wanted files. The sha256 of downloads are in
 * release-checksums.json, which `npm run engine:pin` writes, and the module graphs of the Go source in go-module.json.
 *
 * A checksum is pinned only if it could be compared with what the project published. For the rest, the project's published
 * checksum file is downloaded and used: that protects from damage and incomplete transfers, but not from somebody who can replace
 * both files. `checksums` of the install options closes that gap.
 */

import checksums from './release-checksums.json' with { type: 'json' };

/** A program of the engine. */
export type EnginePart =
  | 'buildctl'
  | 'buildkitd'
  | 'containerd'
  | 'containerd-shim-runc-v2'
  | 'ctr'
  | 'runc'
  | 'rootlesskit'
  | 'registry';

/** A package: the programs of one project, in one version. */
export type EnginePackage = 'buildkit' | 'containerd' | 'runc' | 'rootlesskit' | 'registry';

/** Where a package can come from. */
export type EngineSource = 'path' | 'release' | 'go' | 'debian';

/** How the project publishes the checksum of a release file. */
export type PublishedChecksum =
  /** A text file of `<hex>  <name>` lines, or of one lone `<hex>`. The suffix is added to the file's own name. */
  | { readonly kind: 'sha256sum'; readonly suffix: string }
  | { readonly kind: 'sha256sum-file'; readonly name: string }
  /** An in-toto statement whose subjects have the digest of each file. */
  | { readonly kind: 'in-toto'; readonly suffix: string };

/** An official release file. */
export interface ReleaseFile {
  /** File name on the release page, for a Go architecture. */
  readonly name: (arch: string) => string;
  /** Path of the release's directory on the release host. */
  readonly directory: string;
  readonly format: 'tar.gz' | 'binary';
  /** Part → path inside the archive. */
  readonly members: Readonly<Partial<Record<EnginePart, string>>>;
  /** Verified sha256 by architecture. */
  readonly sha256: Readonly<Record<string, string>>;
  readonly published: PublishedChecksum;
  /** Released architectures. */
  readonly archs: readonly string[];
}

/** One package: its parts and the ways to get them. */
export interface PackageSpec {
  readonly name: EnginePackage;
  readonly version: string;
  readonly parts: readonly EnginePart[];
  /** In the order in which they are tried. */
  readonly sources: readonly EngineSource[];
  readonly release: ReleaseFile;
  /** Oldest accepted version on PATH; docs/engine.md lists the tested ones. */
  readonly minimumOnPath: string;
  /** Its module in go-module.json, packages to install, and linker flags; undefined: not available this way. */
  readonly go?: {
    readonly module: 'engine' | 'rootlesskit' | 'registry';
    /** Import paths, in the order of `parts`. */
    readonly packages: readonly string[];
    /** A package built from the module proxy knows its version only if it is set here. */
    readonly linkerFlags: string;
  };
  /** Debian package and where it keeps the programs. */
  readonly debian?: {
    readonly package: string;
    readonly members: Readonly<Partial<Record<EnginePart, string>>>;
  };
}

/** The default release host. A mirror has the same paths. */
export const RELEASE_HOST = 'https://github.com';

/** Go architecture → `uname -m`. */
const MACHINE_NAMES: Readonly<Record<string, string>> = { amd64: 'x86_64', arm64: 'aarch64', arm: 'armv7l' };

/** The packages, in the order in which they are installed. */
export const PACKAGES: readonly PackageSpec[] = [
  {
    name: 'buildkit',
    version: '0.34.2',
    parts: ['buildctl', 'buildkitd'],
    sources: ['path', 'release', 'go'],
    release: {
      name: (arch) => `buildkit-v0.34.2.linux-${arch}.tar.gz`,
      directory: 'moby/buildkit/releases/download/v0.34.2',
      format: 'tar.gz',
      members: { buildctl: 'bin/buildctl', buildkitd: 'bin/buildkitd' },
      sha256: pinnedChecksums('buildkit', '0.34.2'),
      published: { kind: 'in-toto', suffix: '.provenance.json' },
      archs: ['amd64', 'arm64', 'ppc64le', 'riscv64', 's390x'],
    },
    minimumOnPath: '0.13.0',
    go: {
      module: 'engine',
      packages: ['github.com/moby/buildkit/cmd/buildctl', 'github.com/moby/buildkit/cmd/buildkitd'],
      linkerFlags: '-X github.com/moby/buildkit/version.Version=v0.34.2',
    },
  },
  {
    name: 'containerd',
    version: '2.4.2',
    parts: ['containerd', 'containerd-shim-runc-v2', 'ctr'],
    sources: ['path', 'release', 'go', 'debian'],
    release: {
      // The static build, since the plain one needs a recent glibc.
      name: (arch) => `containerd-static-2.4.2-linux-${arch}.tar.gz`,
      directory: 'containerd/containerd/releases/download/v2.4.2',
      format: 'tar.gz',
      members: {
        containerd: 'bin/containerd',
        'containerd-shim-runc-v2': 'bin/containerd-shim-runc-v2',
        ctr: 'bin/ctr',
      },
      sha256: pinnedChecksums('containerd', '2.4.2'),
      published: { kind: 'sha256sum', suffix: '.sha256sum' },
      archs: ['amd64', 'arm64', 'ppc64le', 'riscv64', 's390x'],
    },
    minimumOnPath: '1.6.0',
    go: {
      module: 'engine',
      packages: [
        'github.com/containerd/containerd/v2/cmd/containerd',
        'github.com/containerd/containerd/v2/cmd/containerd-shim-runc-v2',
        'github.com/containerd/containerd/v2/cmd/ctr',
      ],
      linkerFlags: '-X github.com/containerd/containerd/v2/version.Version=v2.4.2',
    },
    debian: {
      package: 'containerd',
      members: {
        containerd: 'usr/bin/containerd',
        'containerd-shim-runc-v2': 'usr/bin/containerd-shim-runc-v2',
        ctr: 'usr/bin/ctr',
      },
    },
  },
  {
    name: 'runc',
    version: '1.4.3',
    parts: ['runc'],
    sources: ['path', 'release', 'debian'],
    release: {
      // Uses Debian's architecture names.
      name: (arch) => `runc.${arch === 'arm' ? 'armhf' : arch}`,
      directory: 'opencontainers/runc/releases/download/v1.4.3',
      format: 'binary',
      members: { runc: 'runc' },
      // Same as in Kubespray's checksum list and in two more repositories that verified runc's signed runc.sha256sum.
      sha256: pinnedChecksums('runc', '1.4.3'),
      published: { kind: 'sha256sum-file', name: 'runc.sha256sum' },
      archs: ['386', 'amd64', 'arm', 'arm64', 'loong64', 'ppc64le', 'riscv64', 's390x'],
    },
    minimumOnPath: '1.1.0',
    // Not built with Go: without cgo and libseccomp every RUN fails, see `checkRunc`.
    debian: { package: 'runc', members: { runc: 'usr/sbin/runc' } },
  },
  {
    name: 'rootlesskit',
    version: '3.1.0',
    parts: ['rootlesskit'],
    sources: ['path', 'release', 'go', 'debian'],
    release: {
      // Uses the names of `uname -m`.
      name: (arch) => `rootlesskit-${MACHINE_NAMES[arch] ?? arch}.tar.gz`,
      directory: 'rootless-containers/rootlesskit/releases/download/v3.1.0',
      format: 'tar.gz',
      members: { rootlesskit: 'rootlesskit' },
      // The same as nerdctl pins.
      sha256: pinnedChecksums('rootlesskit', '3.1.0'),
      published: { kind: 'sha256sum-file', name: 'SHA256SUMS' },
      archs: ['amd64', 'arm', 'arm64', 'ppc64le', 'riscv64', 's390x'],
    },
    minimumOnPath: '1.0.0',
    go: {
      module: 'rootlesskit',
      packages: ['github.com/rootless-containers/rootlesskit/v3/cmd/rootlesskit'],
      linkerFlags: '',
    },
    debian: { package: 'rootlesskit', members: { rootlesskit: 'usr/bin/rootlesskit' } },
  },
  {
    name: 'registry',
    version: '3.1.2',
    parts: ['registry'],
    // Debian's package takes seconds, building takes minutes, and for tests the older version is good enough.
    sources: ['path', 'release', 'debian', 'go'],
    release: {
      name: (arch) => `registry_3.1.2_linux_${arch}.tar.gz`,
      directory: 'distribution/distribution/releases/download/v3.1.2',
      format: 'tar.gz',
      members: { registry: 'registry' },
      sha256: pinnedChecksums('registry', '3.1.2'),
      published: { kind: 'sha256sum', suffix: '.sha256' },
      archs: ['amd64', 'arm64', 'ppc64le', 'riscv64', 's390x'],
    },
    minimumOnPath: '2.7.0',
    go: {
      module: 'registry',
      packages: ['github.com/distribution/distribution/v3/cmd/registry'],
      linkerFlags: '',
    },
    debian: { package: 'docker-registry', members: { registry: 'usr/bin/docker-registry' } },
  },
];

/** The pinned checksums of a version; empty for any other version. */
function pinnedChecksums(name: string, version: string): Readonly<Record<string, string>> {
  const pinned: Readonly<
    Partial<Record<string, { version: string; sha256: Readonly<Record<string, string>> }>>
  > = checksums;
  const known = pinned[name];
  return known?.version === version ? known.sha256 : {};
}

/** Parts that every engine needs; without root also rootlesskit (`neededParts`). The registry is optional, for tests. */
export const REQUIRED_PARTS: readonly EnginePart[] = [
  'buildctl',
  'buildkitd',
  'containerd',
  'containerd-shim-runc-v2',
  'ctr',
  'runc',
];

/** All parts. */
export const ENGINE_PARTS: readonly EnginePart[] = [...REQUIRED_PARTS, 'rootlesskit', 'registry'];

/** The packages of the given parts, in installation order. */
export function packagesOf(parts: readonly EnginePart[]): readonly PackageSpec[] {
  return PACKAGES.filter((spec) => spec.parts.some((part) => parts.includes(part)));
}

/** The first version-like text; undefined if there is none. */
export function findVersion(text: string): string | undefined {
  return /(?<![\w.])v?(\d+\.\d+(?:\.\d+)?(?:[-+~][0-9A-Za-z.+~-]+)?)/.exec(text)?.[1];
}

/**
 * Whether a version is at least another one, comparing major, minor and patch. A build that does not know its version
 * (`0.0.0+unknown`, as from `go install` of BuildKit) is accepted as new enough.
 */
export function isAtLeast(version: string, minimum: string): boolean {
  const numbers = (text: string): number[] => (text.split(/[-+~]/)[0] ?? '').split('.').map(Number);
  const have = numbers(version);
  if (have.every((part) => part === 0)) return true;
  const want = numbers(minimum);
  for (let at = 0; at < 3; at += 1) {
    const difference = (have[at] ?? 0) - (want[at] ?? 0);
    if (difference !== 0) return difference > 0;
  }
  return true;
}
