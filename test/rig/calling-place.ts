/** A repository and an engine that only notes what it is called for, for calls of the library. */
import assert from 'node:assert/strict';
import path from 'node:path';
import process from 'node:process';
import { runCommand } from './command.ts';
import { type FakeBuildctl, makeFakeBuildctl } from './fake-buildctl.ts';
import { acceptAt } from './listen.ts';
import { type Cleanup, makeTempDir, type TreeEntry, writeTree } from './temp.ts';

/** `base`, `api` on top of it, and `web`, which stands alone and is the default. */
export const TREE: Readonly<Record<string, string>> = {
  'builds.yaml': `vars: { TAG: dev }
builds:
  base: { context: base }
  api: { context: api, contexts: { base: "build:base" }, tags: ["local/api:\${{ vars.TAG }}"] }
  web: { context: web }
groups: { default: [web] }
`,
  'base/Dockerfile': 'FROM scratch\nCOPY . /\n',
  'api/Dockerfile': 'FROM base\nCOPY . /\n',
  'web/Dockerfile': 'FROM scratch\nCOPY . /\n',
};

export interface Place {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly buildctl: FakeBuildctl;
  readonly write: (tree: Readonly<Record<string, TreeEntry>>) => Promise<void>;
  readonly git: (...argv: readonly string[]) => Promise<void>;
}

export async function makePlace(
  t: Cleanup,
  tree: Readonly<Record<string, TreeEntry>> = TREE,
): Promise<Place> {
  const cwd = await makeTempDir(t);
  const home = await makeTempDir(t);
  const address = await acceptAt(t, path.join(home, 'engine.sock'));
  const buildctl = await makeFakeBuildctl(t, [{ when: ['workers'], stdout: '[]' }]);
  const env: Record<string, string> = {
    PATH: process.env['PATH'] ?? '',
    HOME: home,
    BAKE_TS_HOME: home,
    DOCKER_CONFIG: home,
    BUILDCTL: buildctl.path,
    BUILDKIT_HOST: address,
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_CONFIG_SYSTEM: '/dev/null',
  };
  const git = async (...argv: readonly string[]) => {
    const name = ['-c', 'user.name=test', '-c', 'user.email=test@example.invalid'];
    const done = await runCommand(['git', ...name, ...argv], { cwd, env });
    assert.equal(done.exitCode, 0, done.stderr);
  };
  await writeTree(cwd, tree);
  return { cwd, env, buildctl, write: (more) => writeTree(cwd, more), git };
}

/** How often a build was really started. */
export async function countBuilds(buildctl: FakeBuildctl): Promise<number> {
  return (await buildctl.calls()).filter(({ argv }) => argv.includes('build')).length;
}
