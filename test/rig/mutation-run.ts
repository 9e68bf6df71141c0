/**
 * The mutation test: after every random edit bake-ts runs, then a plain `buildctl build` for each build on the same
 * engine. What a tag points at must be what buildctl makes; builds that were run though that did not move are counted.
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { performance } from 'node:perf_hooks';
import { type Outcome, parseImageRef } from '../../lib/model/mod.ts';
import { createRegistryClient } from '../../lib/registry/mod.ts';
import { comparePlatforms, platformsOf, registryStore, worstOf } from '../../lib/verify/image-source.ts';
import { makeWorkspace, type Workspace } from '../e2e/support.ts';
import { buildctl } from './buildkit.ts';
import { findBusybox } from './busybox.ts';
import type { Bench } from './mutation-bench.ts';
import { EDITS } from './mutation-edits.ts';
import { buildsIn, makeOracle } from './mutation-oracle.ts';
import {
  buildsFile,
  EXTERNAL_BASE,
  initialSet,
  initialTree,
  type MutableBuild,
} from './mutation-repository.ts';
import { restoreState, takeState } from './mutation-state.ts';
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
  /** Of these, answers of the oracle that it gave before to inputs that were the same to the byte. */
  readonly remembered: number;
  /** Runs; some come after several edits. */
  readonly runs: number;
  /** Runs in which both sides refused to build something. */
  readonly refused: number;
  /** Words on each tag that is not what buildctl makes. */
  readonly differences: readonly string[];
  readonly built: number;
  /** Builds that got another config without a call, or kept their image though a base got one. */
  readonly rebased: number;
  readonly unchanged: number;
  readonly retagged: number;
  /** Why → builds that were run though the oracle's digest did not move. */
  readonly needless: ReadonlyMap<string, readonly string[]>;
  /** Builds that were run because the registry had lost their image. */
  readonly restored: number;
  readonly requests: number;
  readonly bakeMs: number;
  readonly oracleMs: number;
}

/** Runs the test. The engine is the one of the environment; registry, repository and state are its own. */
export async function runMutations(t: Cleanup, options: MutationOptions): Promise<MutationReport> {
  const say = options.say ?? (() => {});
  const random = seededRandom(options.seed);
  const registry = await startTestRegistry(t);
  const busybox = await findBusybox(t);
  // Every other seed keeps records in the registry too, and loses its machine now and then.
  const set = initialSet(registry.host, options.seed % 2 === 0 ? 'registry' : undefined);
  const work = await makeWorkspace(t, await initialTree(registry.host, busybox));
  await pushExternalBase(work, registry, busybox);
  let words = 0;
  const published = new Map<string, Set<string>>();
  const bench: Bench = { dir: work.dir, home: work.home, set, random, word: () => `w${words++}`, published };
  const kinds = options.kinds ?? Object.keys(EDITS);

  const count = {
    edits: 0,
    runs: 0,
    compared: 0,
    refused: 0,
    built: 0,
    rebased: 0,
    unchanged: 0,
    retagged: 0,
    restored: 0,
  };
  const differences: string[] = [];
  const needless = new Map<string, string[]>();
  let requests = 0;
  let bakeMs = 0;
  let oracleMs = 0;
  const oracle = makeOracle(work, set, registry, seededRandom(options.seed));
  const before = new Map<string, string>();

  /** Bakes, asks the oracle, compares. False where something could not be built (by either). */
  const check = async (what: string): Promise<boolean> => {
    await writeFile(path.join(work.dir, 'builds.yaml'), buildsFile(set));
    await registry.forget();
    const start = performance.now();
    const baked = await work.bake({ env: { EXTRA: set.extra } });
    bakeMs += performance.now() - start;
    requests += (await registry.requests()).length;
    const oracleStart = performance.now();
    const answers = await oracle.ask(baked);
    oracleMs += performance.now() - oracleStart;
    let isWhole = true;
    for (const build of buildsIn(set, baked)) {
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
      await compare(build, outcome, answer.digest, what, () => oracle.push(build, baked));
    }
    return isWhole;
  };

  const alike = new Set<string>();
  /**
   * To plain buildctl a base of another config is another base: it runs the steps again, and makes other layers of the same
   * files. So a re-based image is compared with it file by file, config and all; what was compared once counts from then on.
   */
  const isAlike = async (
    tag: string,
    held: string | undefined,
    { digest, outcome, push }: { digest: string; outcome: Outcome; push: () => Promise<string | undefined> },
  ): Promise<boolean> => {
    if (held === undefined) return false;
    if (alike.has(`${held} ${digest}`)) return true;
    if (!isRebased(outcome)) return false;
    const plain = await push();
    if (plain === undefined || !(await isSameImage(`${tag.slice(0, tag.lastIndexOf(':'))}@${held}`, plain)))
      return false;
    alike.add(`${held} ${digest}`);
    return true;
  };

  const compare = async (
    build: MutableBuild,
    outcome: Outcome,
    digest: string,
    what: string,
    push: () => Promise<string | undefined>,
  ) => {
    for (const tag of build.tags) {
      const held = await digestOf(tag);
      if (held === digest || (await isAlike(tag, held, { digest, outcome, push }))) {
        const known = published.get(tag) ?? new Set();
        published.set(tag, known.add(held ?? digest));
      } else {
        differences.push(
          `${what}: ${tag} is ${held}, buildctl makes ${digest} (${outcome.kind}: ${outcome.reason?.text}; steps ${JSON.stringify(outcome.steps)})`,
        );
      }
    }
    if (isRebased(outcome)) count.rebased++;
    else if (outcome.kind === 'built') {
      count.built++;
      if (before.get(build.name) === digest) {
        if (outcome.reason?.code === 'image-gone') count.restored++;
        else {
          const cause = causeOf(outcome);
          const list = needless.get(cause) ?? [];
          list.push(`${what} → ${build.name}: ${outcome.reason?.text}`);
          needless.set(cause, list);
        }
      }
    } else if (outcome.kind === 'unchanged') count.unchanged++;
    else if (outcome.kind === 'retagged') count.retagged++;
    before.set(build.name, digest);
  };

  if (!(await check('first run'))) throw new Error(`the first run failed: ${differences.join('\n')}`);
  const states = [await takeState(work.dir, set)];
  const deadline = performance.now() + (options.minutes ?? Number.POSITIVE_INFINITY) * 60_000;
  while (count.edits < options.edits && performance.now() < deadline) {
    const done: string[] = [];
    if (random.below(12) === 0 && states.length > 1) {
      const index = random.below(states.length - 1);
      const state = states[index];
      if (state !== undefined) await restoreState(work.dir, set, state);
      done.push(`rollback: to the state after run ${index}`);
    } else {
      // Mostly one edit at a time, so that it is known what a build was run for.
      const wanted = random.below(5) === 0 ? 2 + random.below(3) : 1;
      while (done.length < wanted) {
        const kind = random.pick(kinds);
        const what = await EDITS[kind]?.(bench).catch(overNothing);
        if (what !== undefined) done.push(`${kind}: ${what}`);
      }
    }
    const line = `#${count.edits + 1} ${done.join('; ')}`;
    const known = differences.length;
    const isWhole = await check(line);
    say(`${line}${isWhole ? '' : ' (refused)'}`);
    for (const difference of differences.slice(known)) say(`  DIFFERENT ${difference}`);
    if (isWhole) states.push(await takeState(work.dir, set));
    else {
      count.refused++;
      const last = states.at(-1);
      if (last !== undefined) await restoreState(work.dir, set, last);
    }
    count.edits += done.length;
    count.runs++;
  }
  return { ...count, remembered: oracle.remembered(), differences, needless, requests, bakeMs, oracleMs };
}

/** An edit that finds something else than it looks for (a directory where a file was) has nothing to do. */
function overNothing(error: unknown): undefined {
  const code = error instanceof Error && 'code' in error ? error.code : '';
  if (typeof code === 'string' && /^(?:E[A-Z]+|ERR_FS_\w+)$/.test(code)) return undefined;
  throw error;
}

/** What a build was run for, in classes. */
function causeOf({ reason }: Outcome): string {
  const items = reason?.items ?? [];
  if (reason?.code !== 'changed' || items.length === 0) return `reason ${reason?.code}`;
  const classes: readonly (readonly [RegExp, string])[] = [
    [/^build for context/, 'a parent has another result'],
    [/^image/, 'an external image moved'],
    [/^platform|^engine platform/, 'platforms'],
    [/^Dockerfile/, 'Dockerfile'],
    [/^context/, 'files'],
    [/^arg/, 'arguments'],
  ];
  const found = new Set(
    items.map((item) => classes.find(([pattern]) => pattern.test(item))?.[1] ?? 'options'),
  );
  return [...found].sort().join(' and ');
}

/** External bases: v2 has other files, v3 a trigger and a variable, v4 only another label than v1. */
async function pushExternalBase(work: Workspace, registry: TestRegistry, busybox: string): Promise<void> {
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
    const names = [tag, ...(tag === 'v1' ? [EXTERNAL_BASE.tag] : [])].map(
      (one) => `${registry.host}/${EXTERNAL_BASE.repository}:${one}`,
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

function isRebased({ reason }: Outcome): boolean {
  return (
    reason?.code === 'parent-config' ||
    reason?.code === 'own-labels' ||
    reason?.code === 'own-config' ||
    reason?.text.includes(' do not reach it') === true
  );
}

/** Whether two images (`HOST/PATH@DIGEST`) differ in nothing but times. */
async function isSameImage(one: string, other: string): Promise<boolean> {
  const client = createRegistryClient({ env: {} });
  try {
    const [first, second] = await Promise.all(
      [one, other].map(async (text) => {
        const ref = parseImageRef(text);
        if (ref?.digest === undefined) throw new Error(`${text} has no digest`);
        const store = registryStore(client, ref);
        return { store, platforms: await platformsOf(store, ref.digest) };
      }),
    );
    return (
      first !== undefined &&
      second !== undefined &&
      worstOf(await comparePlatforms(first, second)) !== 'different'
    );
  } finally {
    await client.close();
  }
}
