/** A repository and an engine that is a fake buildctl: whole commands, in a process or in the test's own. */
import path from 'node:path';
import process from 'node:process';
import { type FakeBuildctl, type FakeRule, makeFakeBuildctl } from './fake-buildctl.ts';
import { acceptAt } from './listen.ts';
import { type Cleanup, makeTempDir, type TreeEntry, writeTree } from './temp.ts';

/** Where commands run. */
export interface FakePlace {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly buildctl: FakeBuildctl;
}

/** Makes a place; a Dockerfile that any build can use is there unless the tree has one. */
export async function makeFakePlace(
  t: Cleanup,
  tree: Readonly<Record<string, TreeEntry>>,
  rules: readonly FakeRule[] = [],
): Promise<FakePlace> {
  const cwd = await makeTempDir(t, 'place-');
  await writeTree(cwd, { Dockerfile: 'FROM scratch\nCOPY Dockerfile /\n', ...tree });
  const address = await acceptAt(t, path.join(cwd, 'engine.sock'));
  const buildctl = await makeFakeBuildctl(t, rules);
  const env = {
    BUILDKIT_HOST: address,
    BUILDCTL: buildctl.path,
    BAKE_TS_HOME: path.join(cwd, 'home'),
    DOCKER_CONFIG: path.join(cwd, 'docker'),
    HOME: cwd,
    PATH: process.env['PATH'],
  };
  return { cwd, env, buildctl };
}
