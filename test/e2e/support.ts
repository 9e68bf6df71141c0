/** A repository, registries and a home of its own for tests that bake with the real engine. */
import path from 'node:path';
import process from 'node:process';
import type { Outcome } from '../../lib/model/mod.ts';
import { type Baked, type BakeHere, bakeIn } from '../rig/baking.ts';
import { type CommandOptions, type CommandResult, DENO_CACHE, runBakeTs } from '../rig/command.ts';
import { type CountingBuildctl, makeCountingBuildctl } from '../rig/counting-buildctl.ts';
import { realEngine } from '../rig/real-engine.ts';
import { type Cleanup, makeTempDir, type TreeEntry, writeTree } from '../rig/temp.ts';

export { assertOk, type Baked } from '../rig/baking.ts';

/** A loaded machine pushes slowly; then others start early, with calls of their own, and nobody could count calls. */
const NEVER_SLOW_MS = 600_000;

/** Where one test works. */
export interface Workspace {
  /** The repository. */
  readonly dir: string;
  readonly home: string;
  readonly env: Readonly<Record<string, string>>;
  readonly buildctl: CountingBuildctl;
  readonly write: (tree: Readonly<Record<string, TreeEntry>>) => Promise<void>;
  /** Bakes within this process. No push counts as slow unless `slowPushMs` says so. */
  readonly bake: (options?: BakeHere) => Promise<Baked>;
  /** Runs `bake-ts` as a process of this runtime. */
  readonly run: (args: readonly string[], options?: CommandOptions) => Promise<CommandResult>;
}

/** Makes a workspace; `env` is added to what bake-ts and buildctl see. */
export async function makeWorkspace(
  t: Cleanup,
  tree: Readonly<Record<string, TreeEntry>>,
  env: Readonly<Record<string, string>> = {},
): Promise<Workspace> {
  const dir = await makeTempDir(t, 'e2e-');
  const home = await makeTempDir(t, 'e2e-home-');
  await writeTree(dir, tree);
  const buildctl = await makeCountingBuildctl(t, path.join(realEngine.binDir, 'buildctl'));
  const own: Record<string, string> = {
    PATH: process.env['PATH'] ?? '',
    HOME: home,
    BAKE_TS_HOME: home,
    DOCKER_CONFIG: path.join(home, 'docker'),
    BUILDKIT_HOST: realEngine.address,
    BUILDCTL: buildctl.path,
    // Deno keeps packages below HOME, and would fetch them again for each home of a test.
    ...DENO_CACHE,
    ...env,
  };
  return {
    dir,
    home,
    env: own,
    buildctl,
    write: (more) => writeTree(dir, more),
    bake: (options = {}) =>
      bakeIn(
        dir,
        { ...own, ...options.env },
        { slowPushMs: NEVER_SLOW_MS, ...options },
        process.arch === 'x64' ? 'amd64' : process.arch,
      ),
    run: (args, options = {}) => runBakeTs(args, { cwd: dir, ...options, env: { ...own, ...options.env } }),
  };
}

/** Names of the builds that ended in one way, sorted. */
export function named(baked: Baked, kind: Outcome['kind']): readonly string[] {
  return baked.summary.outcomes
    .filter((outcome) => outcome.kind === kind)
    .map((outcome) => outcome.build)
    .sort();
}
