/** A machine as new as it can be had: a project, an empty home with empty caches, an engine that is a fake. */
import { truncate, writeFile } from 'node:fs/promises';
import path from 'node:path';
import process from 'node:process';
import { makeFakeBuildctl } from './fake-buildctl.ts';
import { acceptAt } from './listen.ts';
import { runtimeFiles } from './runtimes.ts';
import { type Cleanup, makeTree, type TreeEntry, writeTree } from './temp.ts';

/** Where a command is tried, and with what environment. */
export interface FreshPlace {
  /** Of the project, outside of this repository. */
  readonly cwd: string;
  /** Home and caches, empty. */
  readonly home: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

const PROJECT = {
  'project/builds.yaml': 'builds: { app: { context: app } }\n',
  'project/app/Dockerfile': 'FROM scratch\nCOPY . /\n',
};

/** Makes one; `files` come to the project, whose build `app` needs no registry. */
export async function makeFreshPlace(
  t: Cleanup,
  files: Readonly<Record<string, TreeEntry>> = {},
): Promise<FreshPlace> {
  const more = Object.fromEntries(Object.entries(files).map(([name, entry]) => [`project/${name}`, entry]));
  const dir = await makeTree(t, {
    ...PROJECT,
    ...more,
    'home/': '',
    'bin/node': { symlink: runtimeFiles.node },
    'bin/deno': { symlink: runtimeFiles.deno },
  });
  const home = path.join(dir, 'home');
  const address = await acceptAt(t, path.join(dir, 'engine.sock'));
  const buildctl = await makeFakeBuildctl(t);
  return {
    cwd: path.join(dir, 'project'),
    home,
    env: {
      // What npm tells the scripts that it runs: where its project is, and that nothing is to be printed.
      ...Object.fromEntries(
        Object.keys(process.env).flatMap((name) => (/^npm_/i.test(name) ? [[name, undefined]] : [])),
      ),
      HOME: home,
      DENO_DIR: path.join(home, 'deno'),
      npm_config_cache: path.join(home, 'npm'),
      npm_config_prefix: path.join(home, 'prefix'),
      PATH: `${path.join(home, 'prefix/bin')}:${path.join(home, '.deno/bin')}:${path.join(dir, 'bin')}:${process.env['PATH']}`,
      BUILDKIT_HOST: address,
      BUILDCTL: buildctl.path,
      BAKE_TS_HOME: path.join(home, 'state'),
      DOCKER_CONFIG: path.join(home, 'docker'),
      NO_COLOR: '1',
      FORCE_COLOR: undefined,
      CI: undefined,
      GITHUB_ACTIONS: undefined,
      GITLAB_CI: undefined,
      NODE_OPTIONS: undefined,
    },
  };
}

/** Puts a file into the project; gives the project. */
export async function withFile(place: FreshPlace, name: string, text: string, mode = 0o644): Promise<string> {
  await writeTree(place.cwd, { [name]: { content: text, mode } });
  return place.cwd;
}

/**
 * Makes the project so that threads hash something of it; gives the name of a module for `--import` (Node) and `--preload` (Deno), with
 * which a program says at its end `hashed by threads: N`.
 */
export async function withThreadCounter(place: FreshPlace): Promise<string> {
  // As large as is always left to a thread.
  const large = path.join(place.cwd, 'app/large');
  await writeFile(large, '');
  await truncate(large, 256 << 20);
  const name = 'watch.mjs';
  await withFile(
    place,
    name,
    `const threads = process.getBuiltinModule('node:worker_threads');
     const { Worker } = threads;
     let answered = 0;
     threads.Worker = class extends Worker {
       constructor(...given) {
         super(...given);
         this.on('message', ({ result }) => { answered += result.hashes.length; });
       }
     };
     process.on('exit', () => console.error('hashed by threads: ' + answered));`,
  );
  return name;
}
