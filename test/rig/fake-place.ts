/** A repository and an engine that is a fake buildctl: whole commands, in a process or in the test's own. */
import { createServer } from 'node:net';
import path from 'node:path';
import process from 'node:process';
import { type FakeBuildctl, type FakeRule, makeFakeBuildctl } from './fake-buildctl.ts';
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
  const socket = path.join(cwd, 'engine.sock');
  const server = createServer((one) => one.on('error', () => undefined));
  await new Promise<void>((resolve) => server.listen(socket, resolve));
  t.after(() => void server.close());
  const buildctl = await makeFakeBuildctl(t, rules);
  const env = {
    BUILDKIT_HOST: `unix://${socket}`,
    BUILDCTL: buildctl.path,
    BAKE_TS_HOME: path.join(cwd, 'home'),
    DOCKER_CONFIG: path.join(cwd, 'docker'),
    HOME: cwd,
    PATH: process.env['PATH'],
  };
  return { cwd, env, buildctl };
}
