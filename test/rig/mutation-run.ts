/**
 * The mutation test: after every random edit bake-ts runs, then a plain `buildctl build` for each build on the same
 * engine. What a tag points at must be what buildctl makes; builds that were run though that did not move are counted.
 */
import { randomBytes } from 'node:crypto';
import { chmod, lstat, mkdir, readdir, readFile, readlink, rm, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { performance } from 'node:perf_hooks';
import type { Outcome } from '../../lib/model/mod.ts';
import { type Baked, makeWorkspace, type Workspace } from '../e2e/support.ts';
import { buildctl, contextInOwnSlot } from './buildkit.ts';
import { findBusybox } from './busybox.ts';
import { type Bench, EDITS } from './mutation-edits.ts';
import {
  buildsFile,
  dockerfileOf,
  initialSet,
  initialTree,
  type MutableBuild,
  type MutableSet,
  OUTSIDE,
} from './mutation-repository.ts';
import { digestOf } from './puller.ts';
import { seededRandom } from './random.ts';
import { startTestRegistry, type TestRegistry } from './real-engine.ts';
import type { Cleanup } from './temp.ts';

/** How long and from which seed. */
export interface MutationOptions {
  readonly edits: number;
  readonly seed: number;
  /** Ends earlier when so much time has gone by. */
  readonly minutes?: number;
  /** Only these kinds of edit, if given. */
  readonly kinds?: readonly string[];
  readonly say?: (line: string) => void;
}

/** What came of it. */
export interface MutationReport {
  readonly edits: number;
  /** Builds whose tags were compared with the oracle's digest. */
  readonly compared: number;
  /** Edits after which both sides refused to build something. */
  readonly refused: number;
  /** Words on each tag that is not what buildctl makes. */
  readonly differences: readonly string[];
  readonly built: number;
  readonly unchanged: number;
  readonly retagged: number;
  /** Kind of edit → builds that were run though the oracle's digest did not move. */
  readonly needless: ReadonlyMap<string, readonly string[]>;
  /** Builds that were run because the registry had lost their image. */
  readonly restored: number;
  readonly requests: number;
  readonly bakeMs: number;
  readonly oracleMs: number;
}

interface Oracle {
  readonly digest?: string;
  readonly error?: string;
}

/** Runs the test. The engine is the one of the environment; registry, repository and state are its own. */
export async function runMutations(t: Cleanup, options: MutationOptions): Promise<MutationReport> {
  const say = options.say ?? (() => {});
  const random = seededRandom(options.seed);
  const registry = await startTestRegistry(t);
  const busybox = await findBusybox(t);
  const set = initialSet(registry.host);
  const work = await makeWorkspace(t, await initialTree(registry.host, busybox));
  await pushOutside(work, registry, busybox);
  let words = 0;
  const published = new Map<string, Set<string>>();
  const bench: Bench = { dir: work.dir, set, random, word: () => `w${words++}`, published };
  const kinds = options.kinds ?? Object.keys(EDITS);

  const count = { edits: 0, compared: 0, refused: 0, built: 0, unchanged: 0, retagged: 0, restored: 0 };
  const differences: string[] = [];
  const needless = new Map<string, string[]>();
  let requests = 0;
  let bakeMs = 0;
  let oracleMs = 0;
  const before = new Map<string, string>();

  /** Bakes, asks the oracle, compares. False where something could not be built (by either). */
  const check = async (kind: string, what: string): Promise<boolean> => {
    await writeFile(path.join(work.dir, 'builds.yaml'), buildsFile(set));
    await registry.forget();
    const start = performance.now();
    const baked = await work.bake({ env: { EXTRA: set.extra } });
    bakeMs += performance.now() - start;
    requests += (await registry.requests()).length;
    const oracleStart = performance.now();
    const answers = await askOracle(work, set, baked);
    oracleMs += performance.now() - oracleStart;
    let isWhole = true;
    for (const build of set.builds) {
      const outcome = baked.outcome(build.name);
      const answer = answers.get(build.name);
      if (answer === undefined) {
        isWhole = false; // blocked by a parent that failed
        continue;
      }
      if (outcome.kind === 'failed' || answer.digest === undefined) {
        isWhole = false;
        if (outcome.kind !== 'failed' || answer.digest !== undefined) {
          differences.push(
            `${what}: ${build.name} ${outcome.kind} (${outcome.problem?.message ?? outcome.reason?.text}), buildctl: ${answer.error ?? answer.digest}`,
          );
        }
        continue;
      }
      count.compared++;
      await compare(build, outcome, answer.digest, kind, what);
    }
    return isWhole;
  };

  const compare = async (
    build: MutableBuild,
    outcome: Outcome,
    digest: string,
    kind: string,
    what: string,
  ) => {
    for (const tag of build.tags) {
      const held = await digestOf(tag);
      if (held === digest) {
        const known = published.get(tag) ?? new Set();
        published.set(tag, known.add(digest));
      } else {
        differences.push(
          `${what}: ${tag} is ${held}, buildctl makes ${digest} (${outcome.kind}: ${outcome.reason?.text}; steps ${JSON.stringify(outcome.steps)})`,
        );
      }
    }
    if (outcome.kind === 'built') {
      count.built++;
      if (before.get(build.name) === digest) {
        if (outcome.reason?.code === 'image-gone') count.restored++;
        else {
          const list = needless.get(kind) ?? [];
          list.push(`${what} → ${build.name}: ${outcome.reason?.text}`);
          needless.set(kind, list);
        }
      }
    } else if (outcome.kind === 'unchanged') count.unchanged++;
    else if (outcome.kind === 'retagged') count.retagged++;
    before.set(build.name, digest);
  };

  if (!(await check('first', 'first run')))
    throw new Error(`the first run failed: ${differences.join('\n')}`);
  const states = [await takeState(work.dir, set)];
  const deadline = performance.now() + (options.minutes ?? Number.POSITIVE_INFINITY) * 60_000;
  for (let edit = 1; edit <= options.edits && performance.now() < deadline; ) {
    let kind = random.pick(kinds);
    let what: string | undefined;
    if (random.below(12) === 0 && states.length > 1) {
      kind = 'rollback';
      const index = random.below(states.length - 1);
      const state = states[index];
      if (state !== undefined) await restoreState(work.dir, set, state);
      what = `back to the state after edit ${index}`;
    } else what = await EDITS[kind]?.(bench);
    if (what === undefined) continue;
    const line = `#${edit} ${kind}: ${what}`;
    const known = differences.length;
    const isWhole = await check(kind, line);
    say(`${line}${isWhole ? '' : ' (refused)'}`);
    for (const difference of differences.slice(known)) say(`  DIFFERENT ${difference}`);
    if (isWhole) states.push(await takeState(work.dir, set));
    else {
      count.refused++;
      const last = states.at(-1);
      if (last !== undefined) await restoreState(work.dir, set, last);
      states.push(...states.slice(-1));
    }
    edit++;
    count.edits++;
  }
  return { ...count, differences, needless, requests, bakeMs, oracleMs };
}

/** Outside bases: v2 has other files, v3 a trigger and a variable, v4 only another label than v1. */
async function pushOutside(work: Workspace, registry: TestRegistry, busybox: string): Promise<void> {
  const more: Readonly<Record<string, string>> = {
    v1: '',
    v2: 'COPY <<EOF /etc/version\n2\nEOF\n',
    v3: 'ENV OUT=3\nONBUILD RUN echo triggered > /triggered\n',
    v4: 'LABEL v=4\n',
  };
  const dir = path.join(work.home, 'bases');
  for (const [tag, lines] of Object.entries(more)) {
    const own = path.join(dir, tag);
    await mkdir(own, { recursive: true });
    await writeFile(path.join(own, 'busybox'), await readFile(busybox), { mode: 0o755 });
    await writeFile(
      path.join(own, 'Dockerfile'),
      `FROM scratch\nENV PATH=/bin\nCOPY busybox /bin/busybox\nRUN ["/bin/busybox", "--install", "-s", "/bin"]\n${lines}`,
    );
    const names = [tag, ...(tag === 'v1' ? [OUTSIDE.tag] : [])].map(
      (one) => `${registry.host}/${OUTSIDE.repository}:${one}`,
    );
    await succeed([
      ...['build', '--frontend=dockerfile.v0', `--local=context=${own}`, `--local=dockerfile=${own}`],
      `--output=type=image,"name=${names.join(',')}",push=true`,
    ]);
  }
}

async function succeed(args: readonly string[]): Promise<void> {
  const { code, stderr } = await buildctl(args);
  if (code !== 0) throw new Error(`buildctl ${args.join(' ')}:\n${stderr}`);
}

/** Every build with plain buildctl; a build whose parents have no digest is left out. */
async function askOracle(
  work: Workspace,
  set: MutableSet,
  baked: Baked,
): Promise<ReadonlyMap<string, Oracle>> {
  const answers = new Map<string, Oracle>();
  const waiting = [...set.builds];
  const scratch = path.join(work.home, `oracle-${randomBytes(4).toString('hex')}`);
  await mkdir(scratch, { recursive: true });
  const worker = async (): Promise<void> => {
    for (let build = waiting.shift(); build !== undefined; build = waiting.shift()) {
      const answer = await askOne(work, set, build, baked, scratch);
      if (answer !== undefined) answers.set(build.name, answer);
    }
  };
  await Promise.all(Array.from({ length: 4 }, worker));
  await rm(scratch, { recursive: true, force: true });
  return answers;
}

async function askOne(
  work: Workspace,
  set: MutableSet,
  build: MutableBuild,
  baked: Baked,
  scratch: string,
): Promise<Oracle | undefined> {
  const args = ['build', '--frontend=dockerfile.v0'];
  const opt = (key: string, value: string) => args.push('--opt', `${key}=${value}`);
  const { slot, args: contextArgs } = contextInOwnSlot(path.join(work.dir, build.context));
  args.push(...contextArgs);
  const file = dockerfileOf(build);
  if (file === undefined) {
    const dir = path.join(scratch, build.name);
    await mkdir(dir);
    await writeFile(path.join(dir, 'Dockerfile'), build.inline ?? '');
    args.push(`--local=dockerfile=${dir}`);
  } else {
    args.push(`--local=dockerfile=${path.join(work.dir, path.dirname(file))}`);
    opt('filename', path.basename(file));
  }
  if (build.target !== undefined) opt('target', build.target);
  if (build.platforms.length > 0) opt('platform', build.platforms.join());
  for (const [name, value] of Object.entries(build.args))
    opt(`build-arg:${name}`, value === '$EXTRA' ? set.extra : value);
  for (const [name, value] of Object.entries(build.labels)) opt(`label:${name}`, value);
  const parents = new Map(Object.entries(build.byTag));
  let locals = 0;
  for (const [name, source] of Object.entries(build.contexts)) {
    if (source.startsWith('build:')) parents.set(name, source.slice('build:'.length));
    else {
      const local = `${slot}-${locals++}`;
      args.push(`--local=${local}=${path.join(work.dir, source)}`);
      opt(`context:${name}`, `local:${local}`);
    }
  }
  for (const [name, parent] of parents) {
    const found = set.builds.find((one) => one.name === parent);
    const { digest } = baked.outcome(parent);
    const [tag = ''] = found?.tags ?? [];
    if (digest === undefined) return undefined;
    opt(`context:${name}`, `docker-image://${tag.slice(0, tag.lastIndexOf(':'))}@${digest}`);
  }
  const metadata = path.join(scratch, `${build.name}.json`);
  const result = await buildctl([...args, '--output=type=image', `--metadata-file=${metadata}`]);
  if (result.code !== 0) return { error: result.stderr.trim().split('\n').at(-1) ?? '' };
  const data = JSON.parse(await readFile(metadata, 'utf8')) as Record<string, string>;
  const digest = data['containerimage.digest'];
  return digest === undefined ? { error: 'no digest' } : { digest };
}

interface State {
  readonly files: ReadonlyMap<string, Entry>;
  readonly set: string;
}

type Entry =
  | { readonly kind: 'dir'; readonly mode: number }
  | { readonly kind: 'file'; readonly mode: number; readonly content: Buffer; readonly look: string }
  | { readonly kind: 'symlink'; readonly to: string };

const contents = new Map<string, Buffer>();

async function takeState(dir: string, set: MutableSet): Promise<State> {
  const files = new Map<string, Entry>();
  const walk = async (below: string): Promise<void> => {
    for (const { name } of await readdir(path.join(dir, below), { withFileTypes: true })) {
      const file = below === '' ? name : `${below}/${name}`;
      const stats = await lstat(path.join(dir, file), { bigint: true });
      const mode = Number(stats.mode) & 0o7777;
      if (stats.isSymbolicLink())
        files.set(file, { kind: 'symlink', to: await readlink(path.join(dir, file)) });
      else if (stats.isDirectory()) {
        files.set(file, { kind: 'dir', mode });
        await walk(file);
      } else {
        const look = `${stats.ino} ${stats.ctimeNs} ${stats.size}`;
        const content = contents.get(look) ?? (await readFile(path.join(dir, file)));
        contents.set(look, content);
        files.set(file, { kind: 'file', mode, content, look });
      }
    }
  };
  await walk('');
  return { files, set: JSON.stringify([set.builds, set.extra]) };
}

/** As git would: what is the same is left alone, the rest is written anew. */
async function restoreState(dir: string, set: MutableSet, state: State): Promise<void> {
  const now = await takeState(dir, set);
  const isSame = (one: Entry | undefined, other: Entry): boolean => {
    if (one?.kind !== other.kind) return false;
    if (one.kind === 'symlink' && other.kind === 'symlink') return one.to === other.to;
    if (one.kind === 'file' && other.kind === 'file')
      return one.mode === other.mode && one.content.equals(other.content);
    return one.kind === 'dir';
  };
  for (const [file, entry] of now.files) {
    const wanted = state.files.get(file);
    if (wanted === undefined || !isSame(entry, wanted))
      await rm(path.join(dir, file), { recursive: true, force: true });
  }
  for (const [file, entry] of state.files) {
    const full = path.join(dir, file);
    const there = await lstat(full).catch(() => undefined);
    if (there === undefined) {
      if (entry.kind === 'dir') await mkdir(full, { recursive: true });
      else if (entry.kind === 'symlink') await symlink(entry.to, full);
      else await writeFile(full, entry.content);
    }
    if (entry.kind !== 'symlink') await chmod(full, entry.mode);
  }
  const [builds, extra] = JSON.parse(state.set) as [MutableSet['builds'], string];
  set.builds = builds;
  set.extra = extra;
}
