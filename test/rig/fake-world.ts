/** A repository with a fake engine and a fake registry: whole runs of bake-ts in milliseconds. */

import assert from 'node:assert/strict';
import path from 'node:path';
import { readBuilds } from '../../lib/config/mod.ts';
import type { Engine } from '../../lib/engine/mod.ts';
import { type BuildRecord, type Digest, ok } from '../../lib/model/mod.ts';
import { type PreparedPlan, preparePlan } from '../../lib/prepare/mod.ts';
import type { EngineAccess } from '../../lib/run/mod.ts';
import { type Baked, type BakeHere, bakeIn } from './baking.ts';
import { readRecords } from './failure-bench.ts';
import { FakeEngine } from './fake-engine.ts';
import { finishImage, SCRATCH } from './fake-image.ts';
import { type FakeRegistry, type FakeRegistryOptions, startFakeRegistry } from './fake-registry.ts';
import type { FakeResult } from './fake-transfer.ts';
import { type Cleanup, makeTempDir, type TreeEntry, writeTree } from './temp.ts';

/** Where one test works. */
export interface FakeWorld {
  /** The repository. */
  readonly dir: string;
  /** `BAKE_TS_HOME`. */
  readonly home: string;
  readonly registry: FakeRegistry;
  readonly engine: FakeEngine;
  readonly write: (tree: Readonly<Record<string, TreeEntry>>) => Promise<void>;
  readonly bake: (options?: BakeIn) => Promise<Baked>;
  /** Records on this machine, by build, the newest last. */
  readonly records: (home?: string) => Promise<readonly BuildRecord[]>;
}

/** How to bake in a fake world. */
export interface BakeIn extends BakeHere {
  /** Another engine than the world's own. */
  readonly engine?: FakeEngine;
  /** Another way to an engine, or to none. */
  readonly access?: EngineAccess;
  /** Another machine's memory. */
  readonly home?: string;
  /** Another checkout. */
  readonly dir?: string;
}

/** Makes a world; `tree` may need the registry's address. */
export async function makeFakeWorld(
  t: Cleanup,
  tree: (host: string) => Readonly<Record<string, TreeEntry>>,
  options: FakeRegistryOptions = {},
): Promise<FakeWorld> {
  const registry = await startFakeRegistry(t, options);
  const engine = new FakeEngine();
  const dir = await makeTempDir(t, 'world-');
  const home = await makeTempDir(t, 'world-home-');
  await writeTree(dir, tree(registry.host));
  return {
    dir,
    home,
    registry,
    engine,
    write: (more) => writeTree(dir, more),
    bake: ({ engine: other = engine, access, home: otherHome = home, dir: otherDir = dir, ...rest } = {}) => {
      const env = envOf({ home: otherHome });
      return bakeIn(otherDir, { ...env, ...rest.env }, rest, 'amd64', access ?? accessTo(other));
    },
    records: (other = home) => readRecords(other),
  };
}

/** The surroundings of a world. */
export function envOf({ home }: Pick<FakeWorld, 'home'>): Readonly<Record<string, string>> {
  return { HOME: home, BAKE_TS_HOME: home, DOCKER_CONFIG: path.join(home, 'docker') };
}

/** A plan of what builds.yaml says now; default: of every build. */
export async function prepareIn(
  world: Pick<FakeWorld, 'dir' | 'home'>,
  patterns: readonly string[] = ['*'],
): Promise<PreparedPlan> {
  const read = await readBuilds({ cwd: world.dir, env: envOf(world) });
  assert(read.ok, JSON.stringify(read));
  const prepared = preparePlan(read.value.set, { patterns }, world.dir);
  assert(prepared.ok, JSON.stringify(prepared));
  return prepared.value;
}

/** The way to a fake engine. */
export function accessTo(engine: FakeEngine): EngineAccess {
  const found: Engine = {
    address: engine.address,
    kind: 'well-known',
    source: 'the test',
    buildctl: engine.program,
    started: false,
    notes: [],
    warnings: [],
  };
  return {
    find: async () => ok(found),
    listImages: async () => ({ digests: new Map(engine.images) }),
    run: (call) => engine.run(call),
  };
}

/** Puts a base image of no files into a registry, e.g. as `base:1`; `mark` makes it another one. */
export function putBase(registry: FakeRegistry, repository: string, tag: string, mark: string): Digest {
  const { top, images } = makeBase(mark);
  for (const { config } of images) registry.store.putBlob(repository, config.bytes);
  return registry.store.putManifest(repository, tag, top).digest;
}

/** An image of no files. */
export function makeBase(mark: string): FakeResult {
  const image = finishImage(
    { ...SCRATCH, env: new Map([['MARK', mark]]) },
    { platform: 'linux/amd64', labels: new Map(), annotations: new Map() },
  );
  return { top: image.manifest, images: [image] };
}
