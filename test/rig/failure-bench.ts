/**
 * A failure at one moment of a run, and what has to be true afterwards. The same rows run with fakes and with the real
 * engine and a real registry; each of the two is a bench.
 */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { BakeEvent, BuildRecord } from '../../lib/model/mod.ts';
import { type Baked, type BakeHere, codesOf } from './baking.ts';
import type { EngineFault } from './fake-engine.ts';
import { type FaultRule, makeSignal } from './fake-registry-faults.ts';
import { assertPhases } from './phase-check.ts';
import type { TreeEntry } from './temp.ts';

/** Something that goes wrong. */
export type RowFault =
  | { readonly on: 'registry'; readonly rule: FaultRule }
  /** Only a fake engine can be told so. */
  | { readonly on: 'engine'; readonly fault: EngineFault }
  /** The run is cancelled when an event comes. */
  | { readonly on: 'event'; readonly cancel: (event: BakeEvent) => boolean }
  /** Files of the repository, written before the run and put right after it. */
  | {
      readonly on: 'files';
      readonly wrong: Readonly<Record<string, TreeEntry>>;
      readonly right: Readonly<Record<string, TreeEntry>>;
    }
  /** A file stands where a directory of the state is to be: nothing can be written below. */
  | { readonly on: 'state'; readonly path: string };

/** What a row may use while its run is under way. */
export interface RowHandle {
  readonly cancel: () => void;
  /** Resolves when a build has ended. */
  readonly finished: (build: string) => Promise<void>;
  /** Makes `base:1` another image. */
  readonly moveBase: () => void;
}

/** One row. Builds are `a`, `b` (FROM a) and `c`, each with the tag `:dev`, built before under their old files. */
export interface FailureRow {
  readonly name: string;
  /** What has changed since the run before; `none`: nothing. Default: a file of every build. */
  readonly edit?: 'none' | 'a';
  /** Lines at the top of builds.yaml. */
  readonly set?: string;
  readonly options?: Pick<BakeHere, 'failFast' | 'jobs' | 'force'>;
  readonly faults: (handle: RowHandle) => readonly RowFault[];
  readonly after: {
    readonly kinds: string;
    /** As `codesOf` gives them; default: none. */
    readonly codes?: readonly string[];
    /** Builds whose tag is another one than before. */
    readonly moved: string;
    /** Builds with a new record on this machine. */
    readonly recorded: string;
    /** How often buildctl built. */
    readonly calls: number;
  };
  /** How the next run, without faults, ends. */
  readonly next: string;
  /** The real ones can do it too. */
  readonly real?: true;
}

/** Where rows run. */
export interface Bench {
  readonly write: (tree: Readonly<Record<string, TreeEntry>>) => Promise<void>;
  readonly bake: (options?: BakeHere) => Promise<Baked>;
  /** Digest that the tag `dev` of a build points at. */
  readonly tagOf: (build: string) => Promise<string | undefined>;
  readonly records: () => Promise<readonly BuildRecord[]>;
  readonly inject: (fault: Exclude<RowFault, { readonly on: 'event' | 'files' }>) => Promise<void>;
  readonly mend: () => Promise<void>;
  readonly moveBase: () => void;
  /** Fails where a tag points at something that is not wholly there, or something is left over. */
  readonly assertSound: () => Promise<void>;
  /** Fails where a build from nothing would give other images than the tags point at. */
  readonly assertTrue: () => Promise<void>;
}

/** The builds of every row. */
export const BUILDS: readonly string[] = ['a', 'b', 'c'];

/** How a run ends that has nothing to do. */
export const SAME = 'a unchanged, b unchanged, c unchanged';

/** The repository that rows start from. */
export function rowTree(host: string, set = ''): Readonly<Record<string, string>> {
  return {
    'builds.yaml': `${set}
templates:
  image: { tags: ["${host}/app/\${{ build.name }}:dev"], push: true }
builds:
  a: { extends: image, context: a }
  b: { extends: image, context: b, contexts: { a: "build:a" } }
  c: { extends: image, context: c }
`,
    'a/Dockerfile': `FROM ${host}/base:1\nCOPY file /a\n`,
    'a/file': 'a\n',
    'b/Dockerfile': 'FROM a\nCOPY file /b\n',
    'b/file': 'b\n',
    'c/Dockerfile': 'FROM scratch\nCOPY file /\n',
    'c/file': 'c\n',
  };
}

/** Runs a row: a run before, the run with its faults, the run that heals, and one that has nothing to do. */
export async function runRow(bench: Bench, row: FailureRow): Promise<void> {
  const before = await bench.bake();
  assert.deepEqual(codesOf(before), []);
  const oldTags = await tagsOf(bench);
  const oldKeys = new Set((await bench.records()).map(({ key }) => key));
  const edited = row.edit === undefined ? BUILDS : BUILDS.filter((build) => build === row.edit);
  await bench.write(Object.fromEntries(edited.map((build) => [`${build}/file`, `new ${build}\n`])));

  const controller = new AbortController();
  const cancels: ((event: BakeEvent) => boolean)[] = [];
  const right: Record<string, TreeEntry> = {};
  const ended = new Map(BUILDS.map((build) => [build, makeSignal()]));
  const handle: RowHandle = {
    cancel: () => controller.abort(),
    finished: (build) => ended.get(build)?.promise ?? Promise.resolve(),
    moveBase: bench.moveBase,
  };
  for (const fault of row.faults(handle)) {
    if (fault.on === 'event') cancels.push(fault.cancel);
    else if (fault.on === 'files') {
      await bench.write(fault.wrong);
      Object.assign(right, fault.right);
    } else await bench.inject(fault);
  }
  const baked = await bench.bake({
    ...row.options,
    signal: controller.signal,
    onEvent: (event) => {
      if (event.type === 'node-finished') ended.get(event.build)?.resolve();
      // Each sees every event: some remember what they saw.
      if (cancels.map((cancel) => cancel(event)).includes(true)) controller.abort();
    },
  });
  const newTags = await tagsOf(bench);
  const records = await bench.records();
  const moved = BUILDS.filter((build) => newTags.get(build) !== oldTags.get(build));
  const recorded = records.filter(({ key }) => !oldKeys.has(key)).map(({ build }) => build);
  assert.deepEqual(
    {
      kinds: kindsText(baked),
      // Builds that do not wait for one another warn in any order.
      codes: [...codesOf(baked)].sort(),
      moved: moved.join(' '),
      recorded: recorded.join(' '),
      calls: baked.summary.buildctlCalls,
    },
    { ...row.after, codes: [...(row.after.codes ?? [])].sort() },
  );
  assertEvents(baked);
  assertHonest(baked, newTags);
  await bench.assertSound();

  await bench.mend();
  await bench.write(right);
  const healed = await bench.bake();
  assert.deepEqual(codesOf(healed), []);
  assert.equal(healed.summary.ok, true);
  assert.equal(kindsText(healed), row.next);
  assertEvents(healed);
  assertHonest(healed, await tagsOf(bench));
  await bench.assertSound();

  const settled = row.next === SAME ? healed : await bench.bake();
  assert.equal(kindsText(settled), SAME);
  assert.equal(settled.summary.buildctlCalls, 0);
  await bench.assertTrue();
}

async function tagsOf(bench: Bench): Promise<ReadonlyMap<string, string | undefined>> {
  return new Map(await Promise.all(BUILDS.map(async (build) => [build, await bench.tagOf(build)] as const)));
}

/** `a built, b unchanged, …` */
export function kindsText({ summary }: Baked): string {
  return summary.outcomes.map(({ build, kind }) => `${build} ${kind}`).join(', ');
}

const LETTERS: Readonly<Record<string, string>> = {
  'node-keyed': 'K',
  'node-decided': 'D',
  'node-started': 'S',
  retry: 'R',
  tag: 'T',
  'node-finished': 'F',
};

/** What happened to a build, a letter for each event of its life. */
export function lifeOf({ events }: Pick<Baked, 'events'>, build: string): string {
  return events
    .flatMap((event) => ('build' in event && event.build === build ? (LETTERS[event.type] ?? '') : ''))
    .join('');
}

/** Fails where events of a run come in another order than they may. */
export function assertEvents({ events, summary }: Baked): void {
  assert.deepEqual(
    events.map(({ seq }) => seq),
    events.map((_, at) => at + 1),
  );
  assertPhases(events);
  assert.equal(events[0]?.type, 'run-started');
  assert.equal(events[1]?.type, 'planned');
  const last = events.at(-1);
  assert(last?.type === 'run-finished');
  assert.deepEqual(last.summary, summary);
  for (const { build } of summary.outcomes) {
    const life = lifeOf({ events }, build);
    // Keyed, decided, started (again after a retry), tags, the end; or tags once all have ended.
    assert.match(life, /^(?:K?F|KD(?:S(?:RS)*R?)?(?:T*F|FT*))$/, `${build}: ${life}`);
  }
  for (const event of events) {
    if (event.type !== 'run-started') continue;
    assert.equal(existsSync(path.join(tmpdir(), `bake-ts-${event.runId}`)), false, 'scratch is left over');
  }
}

/** Fails where a run says what is not so. */
export function assertHonest({ summary }: Baked, tags: ReadonlyMap<string, string | undefined>): void {
  const good = new Set(['built', 'retagged', 'unchanged']);
  const allGood = summary.outcomes.every(({ kind }) => good.has(kind));
  assert.equal(summary.ok, allGood && summary.problems.length === 0);
  for (const { build, kind, tags: told, problem } of summary.outcomes) {
    assert.equal(kind === 'failed', problem !== undefined, `${build} is ${kind}`);
    for (const { digest } of told) assert.equal(tags.get(build), digest, `${build} tells of a tag`);
    if (summary.ok) assert.equal(told.length, 1, `${build} tells of its tag`);
  }
}

/** Puts files where directories of the state are to be, until `clear`. */
export function stateBlocker(home: string): {
  readonly block: (directory: string) => Promise<void>;
  readonly clear: () => Promise<void>;
} {
  const blocked: string[] = [];
  return {
    async block(directory) {
      const file = path.join(home, 'state', directory);
      await rename(file, `${file}.away`);
      await writeFile(file, 'in the way');
      blocked.push(file);
    },
    async clear() {
      for (const file of blocked.splice(0)) {
        await rm(file);
        await rename(`${file}.away`, file);
      }
    },
  };
}

/** Records on a machine, by build and time. */
export async function readRecords(home: string): Promise<readonly BuildRecord[]> {
  const dir = path.join(home, 'state/records');
  const files = await readdir(dir, { recursive: true }).catch(() => []);
  const records = await Promise.all(
    files
      .filter((file) => file.endsWith('.json'))
      .map(async (file) => JSON.parse(await readFile(path.join(dir, file), 'utf8')) as BuildRecord),
  );
  return records.sort((one, other) =>
    `${one.build} ${one.finishedAt}` < `${other.build} ${other.finishedAt}` ? -1 : 1,
  );
}
