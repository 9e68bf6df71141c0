/** Random repositories for pools under faults: what there is to build, and what is to be in each image then. */
import type { Random } from './random.ts';
import type { TreeEntry } from './temp.ts';

/** A build; the others that it reads are named by their place in the plan. */
export interface FaultBuild {
  readonly name: string;
  readonly base: number | undefined;
  readonly copies: readonly number[];
  /** For linux/amd64 and linux/arm64, without steps that run; else for the platform of the engines. */
  readonly isApart: boolean;
  readonly isPushed: boolean;
  /** Of each step that runs, in seconds. */
  readonly sleeps: readonly number[];
}

/** What a run is about. */
export interface FaultPlan {
  readonly builds: readonly FaultBuild[];
  readonly isTogether: boolean;
  readonly hasScratch: boolean;
  readonly engines: number;
  /** Of each engine; a pool states platforms where builds are for two of them. */
  readonly platforms: readonly (readonly string[] | undefined)[];
  readonly jobs: number;
}

/** File → its text. */
export type Files = Readonly<Record<string, string>>;

const ARCHITECTURES = ['amd64', 'arm64'] as const;

/** Draws a plan: bases that nobody pushes, chains, builds that many read, builds over two platforms. */
export function drawPlan(random: Random): FaultPlan {
  const engines = 3 + random.below(3);
  const hasScratch = random.below(2) === 0;
  const hasApart = random.below(2) === 0;
  const count = 6 + random.below(7);
  const builds: FaultBuild[] = [];
  for (let at = 0; at < count; at++) builds.push(drawBuild(random, builds, { hasScratch, hasApart }));
  const needed = new Set(
    builds.flatMap(({ base, copies }) => [...(base === undefined ? [] : [base]), ...copies]),
  );
  return {
    // What nobody reads is pushed, and what is built apart has to be without a repository for the rest.
    builds: builds.map((one, at) => (needed.has(at) ? one : { ...one, isPushed: true })),
    isTogether: random.below(3) === 0,
    hasScratch,
    engines,
    platforms: Array.from({ length: engines }, (_, at) => {
      if (!hasApart) return undefined;
      return at % 2 === 0 ? ['linux/amd64'] : ['linux/arm64'];
    }),
    jobs: 2 + random.below(3),
  };
}

function drawBuild(
  random: Random,
  earlier: readonly FaultBuild[],
  { hasScratch, hasApart }: { readonly hasScratch: boolean; readonly hasApart: boolean },
): FaultBuild {
  const isApart = hasApart && random.below(3) === 0;
  const places = earlier.flatMap((one, at) => (one.isApart === isApart ? [at] : []));
  // One in three begins anew; of the others half read the first one, which becomes one that many read.
  const isRoot = places.length === 0 || random.below(3) === 0;
  const base = isRoot ? undefined : random.below(2) === 0 ? places[0] : random.pick(places);
  const copies = places.length > 0 && random.below(3) === 0 ? [random.pick(places)] : [];
  return {
    name: `b${earlier.length}`,
    base,
    copies: copies.filter((one) => one !== base),
    isApart,
    isPushed: random.below(2) === 0 || (isApart && !hasScratch),
    sleeps: isApart ? [] : Array.from({ length: 1 + random.below(2) }, () => (3 + random.below(18)) / 10),
  };
}

/** What the repository looks like: `version` makes all of its files others. */
export function treeOf(
  plan: FaultPlan,
  at: {
    readonly settings: string;
    readonly registry: string;
    readonly busybox: Uint8Array;
    readonly version: string;
  },
): Readonly<Record<string, TreeEntry>> {
  const { settings, registry, busybox, version } = at;
  const tree: Record<string, TreeEntry> = {};
  const builds = plan.builds.map((one) => {
    const { name, base, copies, isApart, isPushed } = one;
    tree[`${name}/Dockerfile`] = dockerfileOf(plan, one);
    if (isApart) for (const arch of ARCHITECTURES) tree[`${name}/file-${arch}`] = textOf(name, version, arch);
    else tree[`${name}/file`] = textOf(name, version);
    if (!isApart && base === undefined) tree[`${name}/busybox`] = { content: busybox, mode: 0o755 };
    const reads = [...(base === undefined ? [] : [base]), ...copies].map((at) => plan.builds[at]?.name);
    const contexts = reads.map((read) => `${read}: "build:${read}"`).join(', ');
    const words = [
      `context: ${name}`,
      ...(reads.length > 0 ? [`contexts: { ${contexts} }`] : []),
      ...(isApart ? ['platforms: [linux/amd64, linux/arm64]'] : []),
      ...(isPushed ? [`tags: ["${registry}/${name}:1"]`, 'push: true'] : []),
    ];
    return `  ${name}: { ${words.join(', ')} }\n`;
  });
  const together = plan.isTogether ? 'publish: together\n' : '';
  tree['builds.yaml'] = `${settings}${together}builds:\n${builds.join('')}`;
  return tree;
}

function dockerfileOf(plan: FaultPlan, { name, base, copies, isApart, sleeps }: FaultBuild): string {
  const from = base === undefined ? 'scratch' : plan.builds[base]?.name;
  return [
    `FROM ${from}`,
    ...(isApart ? ['ARG TARGETARCH', `COPY file-$TARGETARCH /file-${name}`] : []),
    ...(!isApart && base === undefined ? ['COPY busybox /busybox'] : []),
    ...(isApart ? [] : [`COPY file /file-${name}`]),
    ...copies.map((at) => `COPY --from=${plan.builds[at]?.name} /file-b${at} /copy-b${at}-${name}`),
    ...sleeps.map(
      (seconds, at) =>
        `RUN ["/busybox", "sh", "-c", "/busybox sleep ${seconds}; /busybox cat /file-${name} > /made-${name}-${at}"]`,
    ),
    '',
  ].join('\n');
}

function textOf(name: string, version: string, arch = ''): string {
  return `${name} ${version} ${arch}`;
}

/** What is to be in the image of a build, but for busybox. @param arch of its platform; absent: it is for one platform */
export function filesOf(plan: FaultPlan, at: number, version: string, arch?: string): Files {
  const build = plan.builds[at];
  if (build === undefined) throw new Error(`there is no build ${at}`);
  const own = textOf(build.name, version, build.isApart ? arch : '');
  return {
    ...(build.base === undefined ? {} : filesOf(plan, build.base, version, arch)),
    [`file-${build.name}`]: own,
    ...Object.fromEntries(
      build.copies.map((from) => [
        `copy-b${from}-${build.name}`,
        filesOf(plan, from, version, arch)[`file-b${from}`] ?? '',
      ]),
    ),
    ...Object.fromEntries(build.sleeps.map((_, step) => [`made-${build.name}-${step}`, own])),
  };
}

/** Architectures of a build's image; none: it is for one platform. */
export function architecturesOf({ isApart }: FaultBuild): readonly string[] {
  return isApart ? ARCHITECTURES : [];
}
