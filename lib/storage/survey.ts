/** Surveys an engine: its data by size and owner, and leftovers of gone builds and checkouts. Changes nothing. */
import {
  type CacheRecord,
  type Engine,
  type EngineOptions,
  type EngineStore,
  listCache,
  listImages,
  openStore,
} from '../engine/mod.ts';
import { type BuildTraces, readTraces, runsDirectory } from '../history/mod.ts';
import { type BuildSet, ok, type Problem, type Result } from '../model/mod.ts';
import {
  type KnownProject,
  listKnownBuilds,
  listProjects,
  listResults,
  measureBuild,
  measureProject,
  projectName,
  stateDirectory,
} from '../state/mod.ts';
import { attributeRecords } from './attribute.ts';
import { findGone, type KnownBuild } from './gone.ts';
import { type KindUsage, kindOf, sumBytes, sumKinds } from './kinds.ts';
import { type ImagesOfProject, type OwnedImage, ownImages } from './owners.ts';

/** The repository whose builds are distinguished from others. */
export interface Repository {
  /** Absolute: the directory of its first file. */
  readonly root: string;
  /** Undefined: it has no readable builds.yaml. Then nothing counts as gone from it. */
  readonly set?: BuildSet;
}

/** A record of the cache, with the builds to which it belongs, as far as known. */
export interface OwnedRecord extends CacheRecord {
  /** Names of builds of this repository; empty if none is known. */
  readonly builds: readonly string[];
}

/** What the cache keeps of a build. */
export interface BuildUsage {
  /** Its name. */
  readonly build: string;
  /** It is no longer in builds.yaml. */
  readonly gone: boolean;
  /** Number of its records. */
  readonly records: number;
  /** Size of all its records. Records that builds share are included for each of them. */
  readonly sizeBytes: number;
  /** Size of the records that no other build of this repository shares. */
  readonly ownBytes: number;
}

/** State on this machine that is no longer needed. */
export interface StateLeftover {
  /** Name of the project's directories in the state directory. */
  readonly project: string;
  /** A build that is gone from builds.yaml; absent: the whole checkout is gone. */
  readonly build?: string;
  /** Where the checkout was. */
  readonly root: string;
  /** How much it is (bytes). */
  readonly sizeBytes: number;
}

/** Leftovers of builds and checkouts that are gone or may be gone. */
export interface Leftovers {
  /** Images that builds.yaml no longer names. */
  readonly unnamed: readonly OwnedImage[];
  /** Images that were kept for builds or checkouts that are gone. */
  readonly images: readonly OwnedImage[];
  /** Copies of directories of builds that are gone. */
  readonly sources: readonly CacheRecord[];
  /** State on this machine of builds or checkouts that are gone. */
  readonly state: readonly StateLeftover[];
}

/** What an engine keeps. */
export interface StorageUsage {
  /** All records of its cache. */
  readonly records: readonly OwnedRecord[];
  /** The same by kind. */
  readonly kinds: readonly KindUsage[];
  /** The same by build, largest first. */
  readonly builds: readonly BuildUsage[];
  /** Records of other repositories, or of which it is not known to what they belong. */
  readonly elsewhere: { readonly records: number; readonly sizeBytes: number };
  /** Undefined if they cannot be listed, see `imagesUnreadable`. */
  readonly images: readonly OwnedImage[] | undefined;
  /** Why images are not known. */
  readonly imagesUnreadable: Problem | undefined;
  /** Leftovers, and what may be deleted. */
  readonly leftovers: Leftovers;
}

/** What to inspect. */
export interface SurveyOptions extends EngineOptions {
  readonly engine: Pick<Engine, 'address' | 'tls' | 'buildctl' | 'containerd'>;
  readonly repository: Repository;
}

/** Inspects an engine and the state on this machine. Problems: `engine/unreachable`, `engine/disk-full`, `run/cancelled`. */
export async function surveyEngine({
  engine,
  repository,
  ...options
}: SurveyOptions): Promise<Result<StorageUsage>> {
  const listed = await listCache(engine, options);
  if (!listed.ok) return listed;
  const [memory, store] = await Promise.all([recall(repository, options.env), openStore(engine, options)]);
  const owners = attributeRecords(listed.value, memory.traces);
  const records = listed.value.map((one) => ({ ...one, builds: [...(owners.get(one.id) ?? [])].sort() }));
  const { images, unreadable } = await readImages(store, memory, repository, options);
  const owned = images ?? [];
  return ok({
    records,
    kinds: sumKinds(records),
    builds: sumBuilds(records, memory.gone),
    elsewhere: summed(records.filter(({ builds }) => builds.length === 0)),
    images,
    imagesUnreadable: unreadable,
    leftovers: {
      unnamed: owned.filter(({ owner }) => owner === 'unnamed'),
      images: owned.filter(({ owner }) => owner === 'gone'),
      sources: records.filter((one) => isGoneSource(one, memory.gone)),
      state: memory.state,
    },
  });
}

/** The state of this machine. */
interface Memory {
  readonly traces: ReadonlyMap<string, BuildTraces>;
  /** Builds of this repository that are certainly gone from builds.yaml. */
  readonly gone: ReadonlySet<string>;
  readonly goneRoots: readonly string[];
  readonly own: ImagesOfProject;
  readonly others: readonly ImagesOfProject[];
  readonly state: readonly StateLeftover[];
}

async function recall({ root, set }: Repository, env: EngineOptions['env']): Promise<Memory> {
  const stateDir = stateDirectory(env);
  const ownName = projectName(root);
  const traces = await readTraces(runsDirectory(env, root));
  const names = [...traces.keys(), ...(set?.builds.keys() ?? [])];
  const remembered = await listKnownBuilds(stateDir, ownName, names);
  const known = new Map<string, KnownBuild>([
    ...remembered.map((build) => [build, {}] as const),
    ...[...traces].map(([build, { files }]) => [build, { files }] as const),
  ]);
  const gone = findGone(known, set);
  const projects = await listProjects(stateDir);
  const goneRoots: string[] = [];
  const others: ImagesOfProject[] = [];
  const state: StateLeftover[] = [];
  for (const project of projects) {
    if (project.name === ownName) continue;
    others.push(await imagesOf(stateDir, project));
    if (project.root === undefined || !project.isGone) continue;
    goneRoots.push(project.root);
    const sizeBytes = await measureProject(stateDir, project.name);
    state.push({ project: project.name, root: project.root, sizeBytes });
  }
  for (const build of remembered)
    if (gone.has(build))
      state.push({ project: ownName, build, root, sizeBytes: await measureBuild(stateDir, ownName, build) });
  const own = await imagesOf(stateDir, { name: ownName, root, isGone: false }, traces, names);
  return { traces, gone, goneRoots, own, others, state };
}

async function imagesOf(
  stateDir: string,
  { name, root = '' }: KnownProject,
  traces: ReadonlyMap<string, BuildTraces> = new Map(),
  names: Iterable<string> = [],
): Promise<ImagesOfProject> {
  const given = new Map<string, Map<string, string>>();
  const note = (tag: string, digest: string, build: string): void => {
    const known = given.get(tag);
    if (known === undefined) given.set(tag, new Map([[digest, build]]));
    else known.set(digest, build);
  };
  for (const [build, { tags, digest }] of await listResults(stateDir, name, names))
    for (const tag of tags) note(tag, digest, build);
  for (const [build, { images }] of traces)
    for (const [tag, digests] of images) for (const digest of digests) note(tag, digest, build);
  return { root, given };
}

async function readImages(
  store: EngineStore,
  { own, gone, others, goneRoots }: Memory,
  { set }: Repository,
  options: EngineOptions,
): Promise<{ readonly images: readonly OwnedImage[] | undefined; readonly unreadable: Problem | undefined }> {
  if (store.containerd === undefined) return { images: undefined, unreadable: store.unreadable };
  const listed = await listImages(store.containerd, options);
  if (!listed.ok) return { images: undefined, unreadable: listed.error[0] };
  const builds =
    set === undefined
      ? undefined
      : new Map([...set.builds].map(([name, { tags }]) => [name, tags.flatMap(({ ref }) => ref ?? [])]));
  const images = ownImages(listed.value, { own, builds, gone, others, goneRoots });
  return { images, unreadable: undefined };
}

function isGoneSource(record: OwnedRecord, gone: ReadonlySet<string>): boolean {
  const { builds, inUse } = record;
  const isOfGone = builds.length > 0 && builds.every((build) => gone.has(build));
  return isOfGone && !inUse && kindOf(record) === 'local-sources';
}

function summed(records: readonly CacheRecord[]): StorageUsage['elsewhere'] {
  return { records: records.length, sizeBytes: sumBytes(records) };
}

/** Largest first. */
function sumBuilds(records: readonly OwnedRecord[], gone: ReadonlySet<string>): readonly BuildUsage[] {
  const found = new Map<string, { records: number; sizeBytes: number; ownBytes: number }>();
  for (const { builds, sizeBytes } of records) {
    for (const build of builds) {
      const known = found.get(build) ?? { records: 0, sizeBytes: 0, ownBytes: 0 };
      known.records += 1;
      known.sizeBytes += sizeBytes;
      if (builds.length === 1) known.ownBytes += sizeBytes;
      found.set(build, known);
    }
  }
  return [...found]
    .map(([build, sums]) => ({ build, gone: gone.has(build), ...sums }))
    .sort((one, other) => other.sizeBytes - one.sizeBytes || (one.build < other.build ? -1 : 1));
}
