/**
 * Runs on pools of real engines to which things happen, and what has to be so afterwards. All that is random comes from one seed;
 * what the machine does is not, so a failure comes again in most runs of its seed and not in all.
 */
import { mkdir, readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Outcome } from '../../lib/model/mod.ts';
import { findBusybox } from './busybox.ts';
import {
  describeFault,
  describeWire,
  drawFaults,
  drawWires,
  type Fault,
  mend,
  playFault,
  playWire,
  type WireFault,
} from './fault-acts.ts';
import { architecturesOf, drawPlan, type FaultPlan, type Files, filesOf, treeOf } from './fault-plan.ts';
import { buildctlsLeft, type FaultProcess, runFaultProcess } from './fault-process.ts';
import { type PoolEngine, startPool, type TestPool } from './pool.ts';
import { digestOf, platformsOf, unpackImage } from './puller.ts';
import { type Random, seededRandom } from './random.ts';
import { realEngine } from './real-engine.ts';
import { type Cleanup, makeTempDir, writeTree } from './temp.ts';

/** What came of one seed. */
export interface FaultReport {
  readonly seed: number;
  /** What was done, in words. */
  readonly story: readonly string[];
  readonly faults: readonly Fault[];
  /** What happened to wires besides. */
  readonly wires: readonly WireFault[];
  /** Of the processes to which it happened: `0`, or the exit code and the codes of problems. */
  readonly ends: readonly string[];
  /** Of the longest of them. */
  readonly tookMs: number;
  /** Calls that went to another engine, or to the same one once more. */
  readonly moved: number;
  /** Results of calls that were lost, which nobody can name, left in the repository for results that are not pushed. */
  readonly left: number;
  /** What is not as it has to be. */
  readonly wrong: readonly string[];
}

/** Small enough to be filled, and large enough for what is built. */
const DISK_BYTES = 320 * 1024 * 1024;
/** An engine that stands still is noticed in 45 s, and each build may meet several; a last one is waited for a minute. */
const LONGEST_MS = 300_000;
/** Stopping takes a second, on a machine with much to do somewhat longer. */
const STOP_MS = 20_000;
/** Problems that faults of engines may end a build with. */
const EXPECTED = new Set(['engine/none-left', 'engine/lost', 'engine/unreachable', 'engine/disk-full']);

/**
 * Plays one seed.
 *
 * @param hasWires packets of some engines are late and get lost besides; the rest of what happens is the same without
 */
export async function runFaults(t: Cleanup, seed: number, hasWires = false): Promise<FaultReport> {
  const random = seededRandom(seed);
  const plan = drawPlan(random);
  const pool = await startPool(t, { engines: plan.engines, diskBytes: DISK_BYTES });
  const wires = hasWires ? drawWires(seededRandom(seed + 1_000_000), plan.engines) : [];
  for (const { engine } of wires) await pool.engines[engine]?.machine.wire();
  const work = new FaultWork(pool, plan, wires, {
    dir: await makeTempDir(t, 'faults-'),
    home: await makeTempDir(t, 'faults-home-'),
    busybox: await readFile(await findBusybox(t)),
  });
  await work.play(random);
  return { seed, ...work.report };
}

interface Places {
  readonly dir: string;
  readonly home: string;
  readonly busybox: Uint8Array;
}

class FaultWork {
  readonly #pool: TestPool;
  readonly #plan: FaultPlan;
  readonly #wires: readonly WireFault[];
  readonly #places: Places;
  readonly #story: string[] = [];
  readonly #wrong: string[] = [];
  readonly #ends: string[] = [];
  #faults: readonly Fault[] = [];
  #tookMs = 0;
  #moved = 0;
  /** Left in the repository for results by calls that were lost. */
  readonly #known = new Set<string>();

  constructor(pool: TestPool, plan: FaultPlan, wires: readonly WireFault[], places: Places) {
    this.#pool = pool;
    this.#plan = plan;
    this.#wires = wires;
    this.#places = places;
  }

  get report(): Omit<FaultReport, 'seed'> {
    return {
      story: this.#story,
      faults: this.#faults,
      wires: this.#wires,
      ends: this.#ends,
      tookMs: this.#tookMs,
      moved: this.#moved,
      left: this.#known.size,
      wrong: this.#wrong,
    };
  }

  async play(random: Random): Promise<void> {
    const { builds, isTogether, hasScratch, engines } = this.#plan;
    const words = [isTogether ? 'together' : 'each', ...(hasScratch ? ['scratch'] : [])];
    this.#say(
      `${builds.length} builds (${builds.filter(({ isApart }) => isApart).length} over two platforms), ${engines} engines, ${words.join(', ')}`,
    );
    const before = random.below(2) === 0 ? 'v1' : undefined;
    if (before !== undefined) await this.#runWell(before, 'before');
    await this.#runThrough(random, before);
    for (const engine of this.#pool.engines) await mend(engine);
    for (const { engine } of this.#wires) await this.#pool.engines[engine]?.machine.wire();
    await this.#runWell('v2', 'afterwards');
  }

  /** Nothing happens to it, so it has to succeed. */
  async #runWell(version: string, when: string): Promise<void> {
    await this.#write(version);
    const run = await this.#bake(undefined);
    if (run.exitCode !== 0)
      this.#fail(
        `the run ${when} ended with ${run.exitCode}: ${problemsOf(run).join('; ')} ${run.stderr.slice(-500)}`,
      );
    await this.#seeEnd(run, when);
    if (run.exitCode === 0) await this.#seeTags([version], when);
  }

  async #runThrough(random: Random, before: string | undefined): Promise<void> {
    const faults = drawFaults(random, this.#plan.engines);
    const count = random.below(4) === 0 ? 2 : 1;
    const interruptMs = random.below(5) === 0 ? 1_500 + random.below(8_000) : undefined;
    const gapMs = random.below(3_000);
    this.#faults = faults;
    this.#say(faults.map(describeFault).join(', '));
    for (const wire of this.#wires) this.#say(describeWire(wire));
    if (count > 1) this.#say(`a second process ${gapMs / 1_000} s later`);
    if (interruptMs !== undefined) this.#say(`Ctrl-C after ${interruptMs / 1_000} s`);
    await this.#write('v2');
    const stopper = new AbortController();
    const playing: Promise<void>[] = [];
    const play = (): void => {
      for (const fault of faults)
        playing.push(playFault(fault, this.#engineAt(fault.engine), stopper.signal));
      for (const wire of this.#wires)
        playing.push(playWire(wire, this.#engineAt(wire.engine), stopper.signal));
    };
    const runs = await Promise.all(
      Array.from({ length: count }, async (_, at) => {
        await sleep(at * gapMs);
        return at === 0 ? this.#bake(interruptMs, play) : this.#bake(undefined);
      }),
    );
    stopper.abort();
    await Promise.all(playing);
    for (const [at, run] of runs.entries()) {
      this.#note(run);
      await this.#seeEnd(run, `process ${at + 1}`, runs.length > 1);
      this.#seeCode(run, at === 0 ? interruptMs : undefined, faults);
    }
    await this.#seeTags(tagsAfter(runs, before), 'through faults');
  }

  #engineAt(place: number): PoolEngine {
    const engine = this.#pool.engines[place];
    if (engine === undefined) throw new Error(`there is no engine ${place}`);
    return engine;
  }

  async #write(version: string): Promise<void> {
    const { dir, busybox } = this.#places;
    const { registry, engines } = this.#pool;
    const entries = engines.map(({ address }, at) => {
      const platforms = this.#plan.platforms[at];
      const stated = platforms === undefined ? '' : `, platforms: [${platforms.join(', ')}]`;
      return `{ address: "${address}", jobs: ${this.#plan.jobs}${stated} }`;
    });
    const settings = this.#pool.settings
      .replace(/pool: \[.*\]/, `pool: [${entries.join(', ')}]`)
      .replace(
        'engine:\n',
        this.#plan.hasScratch ? `engine:\n  scratch: ${registry.host}/ci/scratch\n` : 'engine:\n',
      );
    await writeTree(dir, treeOf(this.#plan, { settings, registry: registry.host, busybox, version }));
  }

  async #bake(interruptMs: number | undefined, onBegin?: () => void): Promise<FaultProcess> {
    const { dir, home } = this.#places;
    const temp = path.join(home, 'tmp');
    await mkdir(temp, { recursive: true });
    return runFaultProcess([], {
      cwd: dir,
      env: {
        HOME: home,
        BAKE_TS_HOME: home,
        TMPDIR: temp,
        DOCKER_CONFIG: path.join(home, 'docker'),
        BUILDKIT_HOST: '',
        BUILDCTL: path.join(realEngine.binDir, 'buildctl'),
      },
      interruptMs,
      longestMs: LONGEST_MS,
      ...(onBegin === undefined ? {} : { onBegin }),
    });
  }

  #note(run: FaultProcess): void {
    const problems = [...new Set(codesOf(run))].sort();
    this.#ends.push([String(run.exitCode ?? 'hangs'), ...problems].join(' '));
    this.#tookMs = Math.max(this.#tookMs, run.tookMs);
    this.#moved += run.events.filter(({ type }) => type === 'retry').length;
  }

  /** What holds for every run, however it ended. @param isBeside there were two at a time */
  async #seeEnd(run: FaultProcess, what: string, isBeside = false): Promise<void> {
    if (run.exitCode === undefined) this.#fail(`${what} hangs`);
    if (run.exitCode === 4) this.#fail(`${what}: a bug: ${run.stderr.slice(-2_000)}`);
    for (const one of run.doubled) this.#fail(`${what}: two calls at a time: ${one}`);
    this.#seeBuilds(run, what);
    const left = buildctlsLeft(this.#pool.engines.map(({ address }) => address));
    // Another process may be there yet; what is looked at last counts.
    if (left.length > 0) this.#fail(`${what} left buildctl: ${left.join('; ')}`);
    const files = await readdir(path.join(this.#places.home, 'tmp'));
    if (files.length > 0) this.#fail(`${what} left temporary files: ${files.join(', ')}`);
    await this.#seeScratch(run, what, isBeside);
  }

  /** Every build came to an end, and no call began while another one of the same build ran. */
  #seeBuilds({ events, exitCode }: FaultProcess, what: string): void {
    const planned = events.flatMap((event) => (event.type === 'planned' ? event.nodes : []));
    const finished = new Set(
      events.flatMap((event) => (event.type === 'node-finished' ? [event.build] : [])),
    );
    const lost = planned.filter(({ build }) => !finished.has(build)).map(({ build }) => build);
    if (planned.length > 0 && lost.length > 0) this.#fail(`${what} lost builds: ${lost.join(', ')}`);
    if (planned.length > 0 && planned.length !== this.#plan.builds.length)
      this.#fail(`${what} planned other builds`);
    if (exitCode !== undefined && !events.some(({ type }) => type === 'run-finished'))
      this.#fail(`${what} is not closed`);
    const running = new Set<string>();
    for (const event of events) {
      if (event.type === 'node-finished' || event.type === 'retry' || event.type === 'early-finished')
        running.delete(event.build);
      if (event.type !== 'node-started' || event.beside) continue;
      const isApart = this.#plan.builds.find(({ name }) => name === event.build)?.isApart;
      if (running.has(event.build) && isApart !== true) this.#fail(`${what}: ${event.build} began twice`);
      running.add(event.build);
    }
  }

  /** What a run put into the repository for results is gone, but for results of calls that were lost. */
  async #seeScratch(run: FaultProcess, what: string, isBeside: boolean): Promise<void> {
    if (!this.#plan.hasScratch) return;
    const put = (await this.#pool.registry.requests()).flatMap(
      (line) => /^PUT \/v2\/ci\/scratch\/manifests\/(sha256:\S+) 201/.exec(line)?.[1] ?? [],
    );
    const left: string[] = [];
    for (const digest of new Set(put))
      if (
        !this.#known.has(digest) &&
        (await digestOf(`${this.#pool.registry.host}/ci/scratch@${digest}`)) !== undefined
      )
        left.push(digest);
    if (left.length === 0) return;
    const named = new Set(
      run.events.flatMap((event) => (event.type === 'node-finished' ? [event.outcome.digest ?? ''] : [])),
    );
    const own = left.filter((digest) => named.has(digest));
    const isQuiet = !run.events.some(({ type }) => type === 'retry') && run.exitCode === 0;
    if (own.length > 0)
      this.#fail(`${what} left ${own.length} of its own results in the repository for them`);
    else if (isQuiet && !isBeside)
      this.#fail(`${what} left ${left.length} manifests in the repository for results`);
    for (const digest of left) this.#known.add(digest);
  }

  #seeCode(run: FaultProcess, interruptMs: number | undefined, faults: readonly Fault[]): void {
    const { exitCode, tookMs } = run;
    if (exitCode === 130 && interruptMs !== undefined) {
      if (tookMs > interruptMs + STOP_MS) this.#fail(`it took ${tookMs - interruptMs} ms to stop`);
      return;
    }
    if (exitCode === 0 || exitCode === undefined) return;
    const codes = codesOf(run);
    if (codes.length === 0) this.#fail(`it ended with ${exitCode} and says nothing`);
    for (const one of failuresOf(run)) {
      if (!EXPECTED.has(one.code)) this.#fail(`${one.code}: ${one.message} ${one.detail ?? ''}`);
      else if (one.code === 'engine/none-left' && !/: /.test(one.detail ?? ''))
        this.#fail(`${one.code} without a list`);
    }
    if (faults.every(({ kind }) => kind === 'fill') && codes.includes('engine/none-left'))
      this.#say('none left, with nothing but full disks');
  }

  /** Every tag is the image of one of these versions; moved together, all of the same. */
  async #seeTags(versions: readonly (string | undefined)[], when: string): Promise<void> {
    const found = new Map<string, string | undefined>();
    for (const [at, build] of this.#plan.builds.entries()) {
      if (!build.isPushed) continue;
      const ref = `${this.#pool.registry.host}/${build.name}:1`;
      found.set(build.name, (await digestOf(ref)) === undefined ? undefined : await this.#versionOf(at, ref));
    }
    for (const [name, version] of found)
      if (!versions.includes(version))
        this.#fail(
          `${when}: the tag of ${name} is ${version ?? 'not there'}, and not ${versions.join(' or ')}`,
        );
    if (this.#plan.isTogether && new Set(found.values()).size > 1)
      this.#fail(
        `${when}: half of a set is published: ${[...found].map(([name, version]) => `${name} ${version}`).join(', ')}`,
      );
  }

  /** Which version's files an image has; else what is in it. */
  async #versionOf(at: number, ref: string): Promise<string> {
    const { builds } = this.#plan;
    const build = builds[at];
    if (build === undefined) throw new Error(`there is no build ${at}`);
    const platforms = await platformsOf(ref);
    const architectures = architecturesOf(build);
    const repository = ref.replace(/:1$/, '');
    const images: readonly (readonly [string | undefined, string])[] =
      architectures.length === 0
        ? [[undefined, ref]]
        : architectures.map((arch) => [arch, `${repository}@${platforms.get(`linux/${arch}`) ?? 'none'}`]);
    const versions = new Set<string>();
    for (const [arch, image] of images) {
      const files = await readImage(image, path.join(this.#places.home, 'image'));
      const version = ['v1', 'v2'].find((one) => isSame(filesOf(this.#plan, at, one, arch), files));
      versions.add(version ?? `something else (${JSON.stringify(files)})`);
    }
    return [...versions].join(' and ');
  }

  #say(text: string): void {
    this.#story.push(text);
  }

  #fail(text: string): void {
    this.#wrong.push(text);
  }
}

/** What tags may be after runs through faults. */
function tagsAfter(
  runs: readonly FaultProcess[],
  before: string | undefined,
): readonly (string | undefined)[] {
  return runs.some(({ exitCode }) => exitCode === 0) ? ['v2'] : [before, 'v2'];
}

/** Texts of an image's files, but for busybox. */
async function readImage(ref: string, dir: string): Promise<Files> {
  await unpackImage(ref, dir);
  const names = (await readdir(dir)).filter((name) => name !== 'busybox').sort();
  // The worker makes directories for mounts.
  const files = names.filter((name) => /^(file|copy|made)-/.test(name));
  return Object.fromEntries(
    await Promise.all(
      files.map(async (name) => [name, await readFile(path.join(dir, name), 'utf8')] as const),
    ),
  );
}

function isSame(wanted: Files, found: Files): boolean {
  const names = Object.keys(wanted);
  return names.length === Object.keys(found).length && names.every((name) => wanted[name] === found[name]);
}

function failuresOf({ events }: FaultProcess): readonly NonNullable<Outcome['problem']>[] {
  return events.flatMap((event) => {
    if (event.type === 'run-finished') return event.summary.problems;
    return event.type === 'node-finished' ? (event.outcome.problem ?? []) : [];
  });
}

function codesOf(run: FaultProcess): readonly string[] {
  return failuresOf(run).map(({ code }) => code);
}

function problemsOf(run: FaultProcess): readonly string[] {
  return failuresOf(run).map(({ code, message, detail = '' }) => `${code}: ${message} ${detail}`);
}
