/**
 * Frontends other than the built-in one, and options that are passed through as written: which are known, and what they
 * change. Names: buildkit frontend/dockerui (config.go, attr.go, context.go), frontend/dockerfile/builder,
 * frontend/attestations, solver/llbsolver/provenance of 0.34.2.
 */
import type { Build, BuildctlOption, FrontendImage } from './build.ts';
import { contextKey, parseImageRef } from './image-ref.ts';

/**
 * Options of the Dockerfile frontend that change the steps or how they run, but not which inputs are read. `vcs:` only
 * affects provenance.
 */
const HARMLESS: ReadonlySet<string> = new Set([
  'cpuperiod',
  'cpuquota',
  'cpusetcpus',
  'cpusetmems',
  'cpushares',
  'hostname',
  'memory',
  'memswap',
  'multi-platform',
  'vcs:revision',
  'vcs:source',
]);

/** Options that a key of builds.yaml or bake-ts itself sets → what to use instead. */
const OWN: Readonly<Record<string, string>> = {
  'add-hosts': 'Use `extra-hosts`.',
  'cache-from': 'Use `cache-from`.',
  'cache-imports': 'Use `cache-from`.',
  'cgroup-parent': 'Use `cgroup-parent`.',
  context: 'Use `context`.',
  contextkey: 'bake-ts names local sources itself; use `context`.',
  dockerfilekey: 'bake-ts names local sources itself; use `dockerfile`.',
  filename: 'Use `dockerfile`.',
  'force-network-mode': 'Use `network`.',
  'image-resolve-mode': 'Use `pull`.',
  'no-cache': 'Use `no-cache` or `no-cache-filter`.',
  platform: 'Use `platforms`.',
  requestid: 'Use `bake-ts lint` to run the checks of the frontend.',
  'shm-size': 'Use `shm-size`.',
  source: 'Use `source`.',
  target: 'Use `target`.',
  ulimit: 'Use `ulimits`.',
};

/** The same for prefixes of option names. */
const OWN_FAMILIES: Readonly<Record<string, string>> = {
  'attest:': 'Use `attest`.',
  'build-arg:': 'Use `args`.',
  'context:': 'Use `contexts`.',
  'input-metadata:': 'Use `contexts`; buildctl passes no inputs to a frontend.',
  'label:': 'Use `labels`.',
  'local-sessionid:': 'bake-ts names local sources itself; use `context` or `contexts`.',
  'sharedkey:': 'bake-ts names local sources itself; use `context` or `contexts`.',
};

/** What to use instead of a frontend option; undefined: no alternative. */
export function insteadOfOpt(name: string): string | undefined {
  if (Object.hasOwn(OWN, name)) return OWN[name];
  const family = Object.keys(OWN_FAMILIES).find((prefix) => name.startsWith(prefix));
  return family === undefined ? undefined : OWN_FAMILIES[family];
}

/** True for a frontend image for the Dockerfile language, as published by its maintainers. */
export function isDockerfileFrontend(image: string): boolean {
  const ref = parseImageRef(image);
  return (
    ref?.registry === 'docker.io' &&
    ['docker/dockerfile', 'docker/dockerfile-upstream'].includes(ref.repository)
  );
}

/**
 * Whether a named context replaces an image. BuildKit also uses it in place of a frontend's image
 * (frontend/gateway/gateway.go, `Solve`).
 */
export function isReplaced(image: string, contextNames: Iterable<string>): boolean {
  const key = contextKey(image);
  return [...contextNames].some((name) => contextKey(name.split('::', 1)[0] ?? name) === key);
}

/** The frontend image if it comes from a registry; undefined: the frontend is built in, or a named context replaces it. */
export function externalFrontend({ frontendImage, contexts }: Build): FrontendImage | undefined {
  if (frontendImage === undefined || isReplaced(frontendImage.image, contexts.keys())) return undefined;
  return frontendImage;
}

/** True if the build's frontend may read anything, and its file need not be a Dockerfile. */
export function hasForeignFrontend(build: Build): boolean {
  const { frontendImage, contexts } = build;
  if (frontendImage === undefined) return false;
  return !isDockerfileFrontend(frontendImage.image) || isReplaced(frontendImage.image, contexts.keys());
}

/** The options without those that make buildctl write files: for calls whose result is not the requested one. */
export function withoutFiles(options: readonly BuildctlOption[]): readonly BuildctlOption[] {
  return options.filter(({ files }) => !(files ?? []).some(({ use }) => use === 'written'));
}

/** Names of a build's options whose effects are not known. */
export function unknownOptions({ opts, buildctlOptions }: Build): readonly string[] {
  return [
    ...[...opts.keys()].filter((name) => !HARMLESS.has(name)).map((name) => `opts.${name}`),
    ...buildctlOptions.filter((one) => !one.isHarmless).map(({ name }) => name),
  ];
}
