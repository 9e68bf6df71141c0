/**
 * Platforms as containerd names them: `os/arch[/variant]`, normalised the way
 * https://github.com/containerd/platforms (database.go, `normalizeArch`) does.
 */

/** `os/arch` or `os/arch/variant`, normalised. */
export interface Platform {
  readonly os: string;
  readonly arch: string;
  readonly variant?: string;
}

const ARCH_ALIASES: Readonly<Record<string, string>> = {
  i386: '386',
  x86_64: 'amd64',
  'x86-64': 'amd64',
  aarch64: 'arm64',
  armhf: 'arm',
  armel: 'arm',
};

const OS_ALIASES: Readonly<Record<string, string>> = { macos: 'darwin' };

/** Few texts name all the platforms of thousands of builds. */
const KEPT = 256;
const known = new Map<string, Platform | undefined>();

/** Parses and normalises a platform; undefined where the text is none. A lone word is an architecture of linux. */
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
  const arch = ARCH_ALIASES[rawArch] ?? rawArch;
  let variant = rawVariant;
  if (rawArch === 'armhf') variant ??= 'v7';
  if (rawArch === 'armel') variant ??= 'v6';
  if (variant !== undefined && /^[0-9]+$/.test(variant)) variant = `v${variant}`;
  if (arch === 'arm64' && variant === 'v8') variant = undefined;
  if (arch === 'amd64' && variant === 'v1') variant = undefined;
  if (arch === 'arm' && variant === undefined) variant = 'v7';
  return { os: OS_ALIASES[os] ?? os, arch, ...(variant === undefined ? {} : { variant }) };
}

/** The normalised text of a platform. */
export function formatPlatform(platform: Platform): string {
  const base = `${platform.os}/${platform.arch}`;
  return platform.variant === undefined ? base : `${base}/${platform.variant}`;
}
