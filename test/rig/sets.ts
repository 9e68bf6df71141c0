/** Builds and sets in few words, for tests of the packages that come after the language. */
import {
  type Build,
  type BuildSet,
  type ContextRef,
  type Grants,
  type Group,
  parseTag,
  type Tag,
} from '../../lib/model/mod.ts';

/** A build with everything unset but what is given. */
export function makeBuild(
  name: string,
  rest: Partial<Omit<Build, 'tags'>> & { tags?: readonly string[] } = {},
): Build {
  const { tags, ...other } = rest;
  return {
    name,
    context: { ref: { kind: 'local', path: `/src/${name}` }, written: name },
    dockerfile: { kind: 'file', path: `/src/${name}/Dockerfile`, written: 'Dockerfile' },
    opts: new Map(),
    buildctlOptions: [],
    args: new Map(),
    contexts: new Map(),
    needs: [],
    platforms: [],
    push: 'never',
    labels: new Map(),
    annotations: new Map(),
    outputs: [],
    attest: [],
    reproducible: false,
    cacheFrom: [],
    cacheTo: [],
    noCache: false,
    noCacheFilter: [],
    pull: false,
    secrets: [],
    ssh: [],
    extraHosts: new Map(),
    ulimits: [],
    entitlements: [],
    ...other,
    tags: (tags ?? []).map(makeTag),
  };
}

/** A tag as builds.yaml writes it. */
export function makeTag(text: string): Tag {
  const ref = parseTag(text);
  return ref === undefined ? { text } : { text, ref };
}

/** A context that is another build. */
export function fromBuild(build: string): { ref: ContextRef; written: string } {
  return { ref: { kind: 'build', build }, written: `build:${build}` };
}

/** Of a file whose repository is the whole disk. */
export const GRANTS: Grants = {
  repositories: ['/'],
  reads: [],
  writes: [],
  secrets: [],
  caches: [],
  entitlements: ['network.host', 'security.insecure', 'device'],
  variables: [],
  ssh: false,
  buildctlOptions: true,
  untrusted: false,
};

/** A set of builds; groups by name. */
export function makeSet(
  builds: readonly Build[],
  groups: Readonly<Record<string, readonly string[]>> = {},
): BuildSet {
  const matrices = new Map<string, string[]>();
  for (const build of builds) {
    if (build.matrix !== undefined)
      matrices.set(build.matrix.name, [...(matrices.get(build.matrix.name) ?? []), build.name]);
  }
  return {
    root: '/src',
    builds: new Map(builds.map((build) => [build.name, build])),
    groups: new Map(
      Object.entries(groups).map(([name, members]): [string, Group] => [name, { name, builds: members }]),
    ),
    matrices,
    variables: new Map(),
    registries: new Map(),
    grants: GRANTS,
    files: ['builds.yaml'],
  };
}
