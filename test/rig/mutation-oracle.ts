/**
 * The oracle of the mutation test: a plain `buildctl build` for each build, on the same engine.
 *
 * An answer is remembered for inputs that are the same to the byte: whole directories, not what we think is read of
 * them. Every twelfth remembered answer is asked for again, and must be the same.
 */
import { createHash, randomBytes } from 'node:crypto';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { sourceName } from '../../lib/fingerprint/mod.ts';
import { StatTable } from '../../lib/fingerprint/stat-table.ts';
import type { Baked, Workspace } from '../e2e/support.ts';
import { buildctl, contextAsOwnSource } from './buildkit.ts';
import { dockerfileOf, EXTERNAL_BASE, type MutableBuild, type MutableSet } from './mutation-repository.ts';
import { type State, takeState } from './mutation-state.ts';
import { digestOf } from './puller.ts';
import type { Random } from './random.ts';
import type { TestRegistry } from './real-engine.ts';
import { linkArgs } from './split-links.ts';

/** What plain buildctl makes of a build. */
export interface Oracle {
  readonly digest?: string;
  readonly error?: string;
}

const AGAIN = 12;

/** An oracle for one repository. `ask` leaves out builds whose parents have no digest. */
export function makeOracle(
  work: Workspace,
  set: MutableSet,
  registry: TestRegistry,
  random: Random,
): {
  readonly ask: (baked: Baked) => Promise<ReadonlyMap<string, Oracle>>;
  /** Pushes what buildctl makes of a build (from its cache); @returns `HOST/PATH@DIGEST`, undefined where it makes nothing */
  readonly push: (build: MutableBuild, baked: Baked) => Promise<string | undefined>;
  /** How many answers were not asked for again. */
  readonly remembered: () => number;
} {
  const known = new Map<string, Oracle>();
  let remembered = 0;
  const ask = async (baked: Baked): Promise<ReadonlyMap<string, Oracle>> => {
    const state = await takeState(work.dir, set);
    const external = await Promise.all(
      [EXTERNAL_BASE.tag, ...EXTERNAL_BASE.variants].map((tag) =>
        digestOf(`${registry.host}/${EXTERNAL_BASE.repository}:${tag}`),
      ),
    );
    const answers = new Map<string, Oracle>();
    const waiting = buildsIn(set, baked);
    const scratch = path.join(work.home, `oracle-${randomBytes(4).toString('hex')}`);
    await mkdir(scratch, { recursive: true });
    const worker = async (): Promise<void> => {
      for (let build = waiting.shift(); build !== undefined; build = waiting.shift()) {
        const parents = parentsOf(set, build, baked);
        if (parents === undefined) continue;
        const raw = rawInputs(state, set, build, [parents, external]);
        const before = known.get(raw);
        if (before !== undefined && random.below(AGAIN) > 0) {
          remembered++;
          answers.set(build.name, before);
          continue;
        }
        let answer = await askOne(work, set, build, parents, scratch);
        const { digest } = baked.outcome(build.name);
        if (answer.digest !== undefined && digest !== undefined && answer.digest !== digest) {
          // An empty context has another hash in each local source, so that COPY of it is not found in the cache.
          const again = await askOne(work, set, build, parents, scratch, { asEmptySource: true });
          if (again.digest === digest) answer = again;
        }
        if (before !== undefined && before.digest !== answer.digest) {
          throw new Error(
            `the oracle makes ${answer.digest ?? answer.error} of what gave ${before.digest ?? before.error} (${build.name})`,
          );
        }
        known.set(raw, answer);
        answers.set(build.name, answer);
      }
    };
    await Promise.all(Array.from({ length: 4 }, worker));
    await rm(scratch, { recursive: true, force: true });
    return answers;
  };
  const push = async (build: MutableBuild, baked: Baked): Promise<string | undefined> => {
    const parents = parentsOf(set, build, baked);
    if (parents === undefined) return undefined;
    const scratch = path.join(work.home, `oracle-${randomBytes(4).toString('hex')}`);
    await mkdir(scratch, { recursive: true });
    const repository = `${registry.host}/oracle/${createHash('sha256').update(build.name).digest('hex').slice(0, 12)}`;
    const { digest } = await askOne(work, set, build, parents, scratch, { repository });
    await rm(scratch, { recursive: true, force: true });
    return digest === undefined ? undefined : `${repository}@${digest}`;
  };
  return { ask, push, remembered: () => remembered };
}

/** The builds of a set that are in a run: one that nobody uses, and that is not asked for, is not. */
export function buildsIn({ builds }: MutableSet, { summary }: Baked): MutableBuild[] {
  const names = new Set(summary.outcomes.map((one) => one.build));
  return builds.filter(({ name }) => names.has(name));
}

/** What bake-ts calls a context of which nothing is sent. */
const EMPTY_SOURCE = sourceName({ root: '/', files: [], stats: new StatTable() });

/** Name → reference by digest of what it stands for; undefined: a parent was not built. */
function parentsOf(
  set: MutableSet,
  build: MutableBuild,
  baked: Baked,
): readonly (readonly [string, string])[] | undefined {
  const parents = new Map(Object.entries(build.byTag));
  for (const [name, source] of Object.entries(build.contexts))
    if (source.startsWith('build:')) parents.set(name, source.slice('build:'.length));
  const found: (readonly [string, string])[] = [];
  for (const [name, parent] of parents) {
    const [tag = ''] = set.builds.find((one) => one.name === parent)?.tags ?? [];
    // A context that the Dockerfile does not use needs no build, and the oracle gives none for it.
    if (!baked.summary.outcomes.some((one) => one.build === parent)) continue;
    const { digest } = baked.outcome(parent);
    if (digest === undefined) return undefined;
    found.push([name, `${tag.slice(0, tag.lastIndexOf(':'))}@${digest}`]);
  }
  return found;
}

/** Everything that the oracle is given, and more. */
function rawInputs(state: State, set: MutableSet, build: MutableBuild, more: unknown): string {
  const hash = createHash('sha256');
  const put = (text: string) => hash.update(`${text.length} ${text}`);
  const { tags: _, description: __, ...rest } = build;
  put(JSON.stringify([rest, set.extra, more]));
  const file = dockerfileOf(build);
  const dirs = [build.context, ...Object.values(build.contexts)].map((dir) => `${dir}/`);
  if (file !== undefined) dirs.push(`${path.dirname(file)}/`);
  for (const [name, entry] of [...state.files].sort(([one], [other]) => (one < other ? -1 : 1))) {
    if (!dirs.some((dir) => name.startsWith(dir))) continue;
    put(`${name} ${entry.kind} ${entry.kind === 'symlink' ? entry.to : entry.mode}`);
    if (entry.kind === 'file') put(createHash('sha256').update(entry.content).digest('hex'));
  }
  return hash.digest('hex');
}

async function askOne(
  work: Workspace,
  set: MutableSet,
  build: MutableBuild,
  parents: readonly (readonly [string, string])[],
  scratch: string,
  how: { readonly asEmptySource?: boolean; readonly repository?: string } = {},
): Promise<Oracle> {
  const args = ['build', '--frontend=dockerfile.v0'];
  const opt = (key: string, value: string) => args.push('--opt', `${key}=${value}`);
  const { localSource, args: contextArgs } = contextAsOwnSource(
    path.join(work.dir, build.context),
    how.asEmptySource === true ? EMPTY_SOURCE : undefined,
  );
  args.push(...contextArgs);
  const file = dockerfileOf(build);
  if (file === undefined) {
    const dir = path.join(scratch, build.name);
    await mkdir(dir, { recursive: true });
    await writeFile(path.join(dir, 'Dockerfile'), build.inline ?? '');
    args.push(`--local=${localSource}-file=${dir}`);
  } else {
    args.push(`--local=${localSource}-file=${path.join(work.dir, path.dirname(file))}`);
    opt('filename', path.basename(file));
  }
  // As with contexts: in the shared local source, files of one clock tick are confused with one another.
  opt('dockerfilekey', `${localSource}-file`);
  if (build.target !== undefined) opt('target', build.target);
  if (build.platforms.length > 0) opt('platform', build.platforms.join());
  for (const [name, value] of Object.entries(build.args))
    opt(`build-arg:${name}`, value === '$EXTRA' ? set.extra : value);
  for (const [name, value] of Object.entries(build.labels)) opt(`label:${name}`, value);
  let locals = 0;
  for (const [name, source] of Object.entries(build.contexts)) {
    if (source.startsWith('build:')) continue;
    if (source.startsWith('image:'))
      opt(`context:${name}`, `docker-image://${source.slice('image:'.length)}`);
    else {
      const local = `${localSource}-${locals++}`;
      args.push(`--local=${local}=${path.join(work.dir, source)}`);
      opt(`context:${name}`, `local:${local}`);
    }
  }
  // On what bake-ts's steps are based, so that they come from the cache: other steps give other times.
  args.push(...(await linkArgs(parents, path.join(scratch, `${build.name}-policy.json`))));
  const metadata = path.join(scratch, `${build.name}.json`);
  const place =
    how.repository === undefined ? '' : `,name=${how.repository},push=true,push-by-digest=true,store=false`;
  const result = await buildctl([...args, `--output=type=image${place}`, `--metadata-file=${metadata}`]);
  if (result.code !== 0) return { error: result.stderr.trim().split('\n').at(-1) ?? '' };
  const data = JSON.parse(await readFile(metadata, 'utf8')) as Record<string, string>;
  const digest = data['containerimage.digest'];
  return digest === undefined ? { error: 'no digest' } : { digest };
}
