/**
 * Platforms as containerd names them: `os/arch[/variant]`, normalised the way
 * https://github.com/containerd/platforms (database.go, `normalizeArch`) does.
 */

import { suggest } from '../util/suggest.ts';

/** `os/arch` or `os/arch/variant`, normalised. */
export interface Platform {
  readonly os: string;
  readonly arch: string;
  readonly variant?: string;
}

const ARCH_ALIASES: ReadonlyMap<string, string> = new Map([
  ['i386', '386'],
  ['x86_64', 'amd64'],
  ['x86-64', 'amd64'],
  ['aarch64', 'arm64'],
  ['armhf', 'arm'],
  ['armel', 'arm'],
]);

/** Operating systems of Go (internal/syslist), and those that container tools use for WebAssembly. */
const SYSTEMS: readonly string[] = [
  'linux',
  'windows',
  'darwin',
  'freebsd',
  'wasi',
  'wasip1',
  'aix',
  'android',
  'dragonfly',
  'hurd',
  'illumos',
  'ios',
  'js',
  'nacl',
  'netbsd',
  'openbsd',
  'plan9',
  'solaris',
  'zos',
];

const ARCHITECTURES: readonly string[] = [
  'amd64',
  'arm64',
  'arm',
  '386',
  'ppc64le',
  's390x',
  'riscv64',
  'loong64',
  'mips64le',
  'mips64',
  'mipsle',
  'mips',
  'ppc64',
  'wasm',
  'wasm32',
  'amd64p32',
  'arm64be',
  'armbe',
  'mips64p32',
  'mips64p32le',
  'ppc',
  'riscv',
  's390',
  'sparc',
  'sparc64',
];

/** Architecture names that other tools and image names use. */
const OTHER_NAMES: ReadonlyMap<string, string> = new Map([
  ['x64', 'amd64'],
  ['x86', '386'],
  ['i686', '386'],
  ['armv5', 'arm/v5'],
  ['armv6', 'arm/v6'],
  ['armv7', 'arm/v7'],
  ['armv7l', 'arm/v7'],
  ['arm32v5', 'arm/v5'],
  ['arm32v6', 'arm/v6'],
  ['arm32v7', 'arm/v7'],
  ['armv8', 'arm64'],
  ['arm64v8', 'arm64'],
  ['powerpc64le', 'ppc64le'],
  ['loongarch64', 'loong64'],
  ['wasm64', 'wasm'],
]);

/** Cache size: even thousands of builds use few distinct platform texts. */
const KEPT = 256;
const known = new Map<string, Platform | undefined>();

/** Parses and normalises a platform; undefined if the text is invalid. A single word is an architecture of linux. */
export function parsePlatform(text: string): Platform | undefined {
  if (known.has(text)) return known.get(text);
  const platform = parse(text);
  if (known.size < KEPT) known.set(text, platform);
  return platform;
}

function parse(text: string): Platform | undefined {
  const parts = text.trim().toLowerCase().split('/');
  if (parts.length > 3 || parts.some((part) => !/^[a-z0-9_.-]+$/.test(part))) return undefined;
  const [first = '', second, third] = parts;
  if (second === undefined) {
    if (first === 'local') return undefined;
    if (['linux', 'windows', 'darwin', 'macos', 'freebsd', 'wasi', 'wasip1'].includes(first))
      return undefined;
    return normalise('linux', first, undefined);
  }
  return normalise(first, second, third);
}

function normalise(os: string, rawArch: string, rawVariant: string | undefined): Platform {
  const arch = ARCH_ALIASES.get(rawArch) ?? rawArch;
  let variant = rawVariant;
  if (rawArch === 'armhf') variant ??= 'v7';
  if (rawArch === 'armel') variant ??= 'v6';
  if (variant !== undefined && /^[0-9]+$/.test(variant)) variant = `v${variant}`;
  if (arch === 'arm64' && (variant === 'v8' || variant === 'v8.0')) variant = undefined;
  if (arch === 'arm64' && (variant === '9.0' || variant === 'v9.0')) variant = 'v9';
  if (arch === 'amd64' && variant === 'v1') variant = undefined;
  if (arch === 'arm' && variant === undefined) variant = 'v7';
  return { os: os === 'macos' ? 'darwin' : os, arch, ...(variant === undefined ? {} : { variant }) };
}

/** A text that has the form of a platform but names none. */
export interface UnknownPlatform {
  readonly what: 'operating system' | 'architecture';
  readonly word: string;
  /** The platform that may be meant. */
  readonly near?: string;
}

/** Finds an operating system or architecture that is not known; variants are not checked. */
export function findUnknownWord({ os, arch, variant }: Platform): UnknownPlatform | undefined {
  const isSystem = SYSTEMS.includes(os);
  const isArchitecture = ARCHITECTURES.includes(arch);
  if (isSystem && isArchitecture) return undefined;
  const unknown = isSystem
    ? { what: 'architecture' as const, word: arch }
    : { what: 'operating system' as const, word: os };
  if (SYSTEMS.includes(arch) && ARCHITECTURES.includes(os)) return { ...unknown, near: `${arch}/${os}` };
  const nearOs = isSystem ? os : suggest(os, SYSTEMS);
  const other = OTHER_NAMES.get(arch);
  const nearArch = isArchitecture ? arch : (other ?? suggest(arch, ARCHITECTURES));
  if (nearOs === undefined || nearArch === undefined) return unknown;
  const rest = variant === undefined || other !== undefined ? '' : `/${variant}`;
  return { ...unknown, near: `${nearOs}/${nearArch}${rest}` };
}

/** The normalised text of a platform. */
export function formatPlatform(platform: Platform): string {
  const base = `${platform.os}/${platform.arch}`;
  return platform.variant === undefined ? base : `${base}/${platform.variant}`;
}

/** Whether two texts name the same platform, however they are spelled. */
export function isSamePlatform(one: string, other: string): boolean {
  const [first, second] = [one, other].map((text) => {
    const parsed = parsePlatform(text);
    return parsed === undefined ? text : formatPlatform(parsed);
  });
  return first === second;
}
