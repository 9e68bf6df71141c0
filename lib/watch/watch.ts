/**
 * Runs again and again: after a first run of the whole plan, whenever something changed that its builds depend on, and then
 * only what that touches. When to look is decided here; what to do is decided by each run, as always.
 */
import path from 'node:path';
import type { ContextReads } from '../dockerfile/mod.ts';
import { LOCK_NAME } from '../lock/mod.ts';
import {
  type BakeEvent,
  type BuildSet,
  type ChangedFiles,
  type EventSink,
  fail,
  ok,
  type Plan,
  type PlanNode,
  type Problem,
  problem,
  type Result,
  type RunSummary,
} from '../model/mod.ts';
import type { Selection } from '../plan/mod.ts';
import { type PreparedPlan, preparePlan } from '../prepare/mod.ts';
import { repositoryOf } from '../system/mod.ts';
import { BURST_TIMES, Bursts, type BurstTimes, type Change } from './burst.ts';
import { Directories } from './directories.ts';
import { findInterest, Interest, NO_INTEREST } from './interest.ts';
import { OwnWrites } from './own-writes.ts';
import { changedBuilds, partOf, withDependents } from './part-plan.ts';

/** A set of builds, and what it was made of. */
export interface WatchedSet {
  readonly set: BuildSet;
  readonly warnings: readonly Problem[];
  /** Absolute paths of the files that were read for it. */
  readonly files: ReadonlySet<string>;
}

/** One run of many. */
export interface Round {
  /** From 1. */
  readonly number: number;
  readonly plan: Plan;
  readonly dockerfiles: PreparedPlan['dockerfiles'];
  /** What led to it since the last round that was done; of the first round undefined. */
  readonly changed?: ChangedFiles;
  readonly signal: AbortSignal;
  /** Must get all events of the run. */
  readonly onEvent: EventSink;
  /** For `BakeOptions`. */
  readonly onReads: (build: string, reads: ReadonlyMap<string, ContextReads>) => void;
  /** Whether the round was stopped because what it builds changed: another one follows. */
  readonly isSuperseded: () => boolean;
}

/** What happens besides the rounds. */
export type WatchEvent =
  /** All is done that can be; `files`: in the directories that are watched. */
  | { readonly type: 'waiting'; readonly builds: number; readonly files: number; readonly failed: number }
  /** A round begins (or the one that runs is stopped for it) because of this. */
  | {
      readonly type: 'changed';
      /** Absolute, the first few; empty: it is not known what changed. */
      readonly paths: readonly string[];
      readonly total: number;
      readonly builds: readonly string[];
      readonly supersedes: boolean;
    }
  /** What was read again is wrong; the plan from before stays. */
  | { readonly type: 'problems'; readonly problems: readonly Problem[] }
  /** What counts for builds and is elsewhere. */
  | { readonly type: 'unwatched'; readonly contexts: readonly string[]; readonly images: number };

/** How to watch. */
export interface WatchOptions {
  /** The set as it was read first. */
  readonly first: WatchedSet;
  /** Its plan, without missing Dockerfiles. */
  readonly prepared: PreparedPlan;
  /** Reads the set again. */
  readonly read: () => Promise<Result<WatchedSet>>;
  readonly selection: Selection;
  /** Absolute. */
  readonly cwd: string;
  /** Runs a round to its end; never rejects for anything expected. */
  readonly run: (round: Round) => Promise<RunSummary>;
  /** Ends it: the round that runs is stopped. */
  readonly signal: AbortSignal;
  readonly onEvent: (event: WatchEvent) => void;
  /** Files and directories (absolute) that only bake-ts writes: changes of them are none. */
  readonly ownFiles?: readonly string[];
  /** When the reading of the set began, in milliseconds since 1970: what changed later is checked again. */
  readonly sinceMs?: number;
  readonly times?: BurstTimes;
}

/** How watching ended. */
export interface WatchEnd {
  /** All builds are as the files want them. */
  readonly ok: boolean;
  readonly rounds: number;
}

/**
 * Watches until the signal comes.
 *
 * @returns how things stood then; problems: `run/watch-limit`, `run/watch-failed`, where not all that matters can be watched
 */
export async function watchBuilds(options: WatchOptions): Promise<Result<WatchEnd>> {
  const own = await OwnWrites.create(options.ownFiles ?? []);
  const watch = new Watch(options, own);
  try {
    return await watch.live();
  } finally {
    watch.close();
  }
}

interface Running {
  readonly plan: Plan;
  readonly controller: AbortController;
  /** Builds of which something is known, and that did not end. */
  readonly started: Set<string>;
  isSuperseded: boolean;
}

const PATHS_SHOWN = 3;
/** In an event, for programs. */
const PATHS_TOLD = 20;
const GOOD: ReadonlySet<string> = new Set(['built', 'retagged', 'unchanged']);

class Watch {
  readonly #options: WatchOptions;
  readonly #own: OwnWrites;
  readonly #bursts: Bursts;
  readonly #directories: Directories;
  readonly #learned = new Map<string, ReadonlyMap<string, ContextReads>>();
  #known: WatchedSet;
  #prepared: PreparedPlan;
  #interest = new Interest(NO_INTEREST);
  /** Builds that changes touched, and everything that needs them: a round is due. */
  #touched = new Set<string>();
  /** Builds that did not end well: part of each round that follows. */
  #left = new Set<string>();
  #changed: string[] = [];
  /** What led to the next round, said or not. */
  readonly #causes = new Set<string>();
  #isAnnounced = false;
  /** Builds that turned out to read more than was watched: what changed there meanwhile nobody saw. */
  readonly #widened = new Set<string>();
  /** What was wrong with the set when it was read again. */
  #ofReading: readonly Problem[] = [];
  #rereads = false;
  #reshapes = false;
  #running: Running | undefined;
  #round: Promise<void> = Promise.resolve();
  #rounds = 0;
  #fault: Problem | undefined;
  #wake: () => void = () => undefined;

  constructor(options: WatchOptions, own: OwnWrites) {
    this.#options = options;
    this.#own = own;
    this.#known = options.first;
    this.#prepared = options.prepared;
    this.#bursts = new Bursts(options.times ?? BURST_TIMES, () => this.#wake());
    this.#directories = new Directories({
      repository: repositoryOf(options.first.set.root),
      onChange: (file, isDirectory) => this.#see(file, isDirectory),
      onFault: (directory, code) => {
        this.#fault ??= watchProblem(directory, code);
        this.#wake();
      },
    });
  }

  close(): void {
    this.#bursts.close();
    this.#directories.close();
  }

  async live(): Promise<Result<WatchEnd>> {
    const { signal, onEvent, sinceMs } = this.#options;
    const wake = (): void => this.#wake();
    signal.addEventListener('abort', wake);
    try {
      onEvent(unwatchedOf(this.#prepared.plan));
      this.#touched = new Set(this.#prepared.plan.nodes.keys());
      await this.#reshape(sinceMs ?? Date.now());
      if (this.#isDue()) await this.#next();
      while (!this.#isStopped() || this.#running !== undefined) {
        if (this.#isStopped()) this.#running?.controller.abort(signal.reason);
        else if (this.#bursts.isOver) this.#absorb();
        if (!this.#isStopped() && this.#running === undefined && this.#isDue()) await this.#next();
        else await this.#woken();
      }
    } finally {
      signal.removeEventListener('abort', wake);
    }
    if (this.#fault !== undefined) return fail([this.#fault]);
    return ok({ ok: this.#left.size === 0 && !this.#isDue(), rounds: this.#rounds });
  }

  #isStopped(): boolean {
    return this.#options.signal.aborted || this.#fault !== undefined;
  }

  #isDue(): boolean {
    return this.#touched.size > 0 || this.#rereads || this.#widened.size > 0;
  }

  /** Waits for a burst, the end of the round, the signal or a fault. */
  async #woken(): Promise<void> {
    const woken = new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
    const isStopping = this.#running?.controller.signal.aborted === true;
    if (!isStopping && (this.#isStopped() || this.#bursts.isOver)) return;
    await (this.#running === undefined ? woken : Promise.race([woken, this.#round]));
  }

  #see(file: string | undefined, isDirectory: boolean): void {
    const now = Date.now();
    if (file === undefined) this.#bursts.noteUnknown();
    else if (!this.#own.has(file, now)) this.#bursts.note(this.#interest, file, isDirectory, now);
  }

  /** Takes in what changed; stops the round that runs where it builds what is not so any more. */
  #absorb(): void {
    const change = this.#bursts.take();
    if (change === undefined) return;
    const { plan } = this.#prepared;
    const touched = change.everything
      ? new Set(plan.nodes.keys())
      : withDependents(plan, [...change.builds, ...this.#lockedBuilds(change)]);
    for (const build of touched) this.#touched.add(build);
    this.#rereads ||= change.definition || change.everything;
    this.#reshapes ||= change.reshapes || change.everything;
    this.#changed.push(...change.paths);
    for (const file of change.paths) this.#causes.add(file);
    const running = this.#running;
    if (running === undefined || running.isSuperseded) return;
    if (![...touched].some((build) => running.started.has(build))) return;
    running.isSuperseded = true;
    this.#announce(touched, true);
    running.controller.abort('superseded');
  }

  /** Builds with external images: which of them the file pins is found out by the run. */
  #lockedBuilds({ lock }: Change): readonly string[] {
    if (!lock) return [];
    const nodes = [...this.#prepared.plan.nodes];
    return nodes.flatMap(([name, node]) => (node.externalImages.length > 0 ? [name] : []));
  }

  /** Reads again what changed, and begins a round if there is something to run. */
  async #next(): Promise<void> {
    for (const build of withDependents(this.#prepared.plan, this.#widened)) this.#touched.add(build);
    if (this.#widened.size > 0) this.#reshapes = true;
    this.#widened.clear();
    this.#ofReading = [];
    let problems: readonly Problem[] = [];
    do {
      const beganMs = Date.now();
      problems = await this.#refresh();
      if (this.#reshapes) await this.#reshape(beganMs);
    } while (this.#rereads || this.#reshapes);
    if (this.#isStopped()) return;
    if (problems.length > 0) this.#options.onEvent({ type: 'problems', problems });
    if (this.#prepared.missing.some((one) => one.severity === 'error')) this.#putOff();
    if (this.#touched.size > 0) return this.#begin();
    if (problems.length === 0) this.#announce(this.#touched, false);
    this.#changed = [];
    this.#causes.clear();
    this.#wait();
  }

  async #refresh(): Promise<readonly Problem[]> {
    if (this.#rereads) {
      this.#rereads = false;
      const read = await this.#options.read();
      this.#ofReading = read.ok ? this.#replace(read.value) : read.error;
    }
    return [...this.#ofReading, ...this.#prepare(this.#known)];
  }

  /** Takes a new set instead of the old one; keeps the old one if the new one cannot be planned. */
  #replace(next: WatchedSet): readonly Problem[] {
    const prepared = preparePlan(next.set, this.#options.selection, this.#options.cwd);
    if (!prepared.ok) return prepared.error;
    const before = this.#prepared.plan;
    const { plan } = prepared.value;
    this.#known = next;
    this.#prepared = prepared.value;
    this.#reshapes = true;
    for (const build of withDependents(plan, changedBuilds(before, plan))) this.#touched.add(build);
    for (const builds of [this.#touched, this.#left])
      for (const build of builds) if (!plan.nodes.has(build)) builds.delete(build);
    return next.warnings;
  }

  /** Plans again; the old plan stays where that fails. */
  #prepare(known: WatchedSet): readonly Problem[] {
    const prepared = preparePlan(known.set, this.#options.selection, this.#options.cwd);
    if (!prepared.ok) {
      this.#putOff();
      return prepared.error;
    }
    this.#prepared = prepared.value;
    return prepared.value.missing;
  }

  /** What is touched cannot be run as things are. */
  #putOff(): void {
    for (const build of this.#touched) this.#left.add(build);
    this.#touched.clear();
  }

  /** Watches what the plan depends on now. What was touched since `sinceMs`, before it was watched, counts as changed. */
  async #reshape(sinceMs: number): Promise<void> {
    this.#reshapes = false;
    const { set, files } = this.#known;
    this.#interest = await findInterest({
      ...this.#prepared,
      definition: files,
      lock: path.join(set.root, LOCK_NAME),
      learned: this.#learned,
    });
    this.#directories.follow(this.#interest);
    for (const file of await this.#interest.touchedSince(sinceMs)) this.#see(file, false);
    // Else it would stop the round that is about to begin.
    if (this.#running === undefined) this.#absorb();
  }

  #begin(): void {
    const { plan, dockerfiles } = this.#prepared;
    const builds = withDependents(plan, [...this.#touched, ...this.#left]);
    this.#rounds += 1;
    // Of a round that was stopped for this it is said already.
    if (this.#rounds > 1 && !this.#isAnnounced) this.#announce(this.#touched, false);
    this.#isAnnounced = false;
    this.#changed = [];
    this.#touched.clear();
    const changed = this.#takeCauses();
    const running: Running = {
      plan: partOf(plan, builds),
      controller: new AbortController(),
      started: new Set(),
      isSuperseded: false,
    };
    this.#running = running;
    const round: Round = {
      number: this.#rounds,
      plan: running.plan,
      dockerfiles,
      ...(this.#rounds === 1 ? {} : { changed }),
      signal: running.controller.signal,
      onEvent: (event) => noteEvent(running, event),
      onReads: (build, reads) => this.#learn(build, reads),
      isSuperseded: () => running.isSuperseded,
    };
    this.#round = this.#runRound(round, builds);
  }

  async #runRound(round: Round, builds: ReadonlySet<string>): Promise<void> {
    await this.#own.begin(round.plan);
    try {
      const summary = await this.#options.run(round);
      this.#conclude(summary, builds);
    } finally {
      this.#own.end(Date.now());
      this.#running = undefined;
    }
    if (!this.#isDue() && !this.#isStopped()) this.#wait();
  }

  #conclude(summary: RunSummary, builds: ReadonlySet<string>): void {
    const bad = summary.outcomes.filter((one) => !GOOD.has(one.kind));
    for (const { build, kind } of summary.outcomes) if (GOOD.has(kind)) this.#left.delete(build);
    for (const { build } of bad) this.#left.add(build);
    // Nothing came to its turn, or what was wrong is about all of them.
    const silent = [...builds].filter((name) => !summary.outcomes.some((one) => one.build === name));
    for (const build of !summary.ok && bad.length === 0 ? builds : silent) this.#left.add(build);
  }

  /** What a build turned out to read may be more than its Dockerfile said by itself: then that was not watched so far. */
  #learn(build: string, reads: ReadonlyMap<string, ContextReads>): void {
    this.#learned.set(build, reads);
    if (!this.#interest.covers(build, reads)) this.#widened.add(build);
  }

  #takeCauses(): ChangedFiles {
    const files = [...this.#causes];
    this.#causes.clear();
    return { files: files.slice(0, PATHS_TOLD), total: files.length };
  }

  #announce(builds: ReadonlySet<string>, supersedes: boolean): void {
    const paths = [...new Set(this.#changed)];
    this.#options.onEvent({
      type: 'changed',
      paths: paths.slice(0, PATHS_SHOWN),
      total: paths.length,
      builds: [...this.#prepared.plan.nodes.keys()].filter((name) => builds.has(name)),
      supersedes,
    });
    this.#isAnnounced = supersedes;
    this.#changed = [];
  }

  #wait(): void {
    const { plan } = this.#prepared;
    this.#options.onEvent({
      type: 'waiting',
      builds: plan.nodes.size,
      files: this.#directories.files,
      failed: this.#left.size,
    });
  }
}

/** Follows what is known of each build. */
function noteEvent({ started }: Running, event: BakeEvent): void {
  switch (event.type) {
    case 'node-phase':
    case 'node-keyed':
    case 'node-decided':
    case 'node-started':
    case 'early-started':
      started.add(event.build);
      break;
    case 'node-finished':
      started.delete(event.build);
      break;
    default:
  }
}

/** What changes without anybody here seeing it. */
function unwatchedOf({ nodes }: Plan): WatchEvent {
  const contexts = new Set<string>();
  const images = new Set<string>();
  for (const { build, externalImages } of nodes.values() as Iterable<PlanNode>) {
    for (const { ref, written } of [build.context, ...build.contexts.values()])
      if (ref.kind === 'git' || ref.kind === 'http') contexts.add(written);
    for (const { written } of externalImages) images.add(written);
  }
  return { type: 'unwatched', contexts: [...contexts], images: images.size };
}

function watchProblem(directory: string, code: string): Problem {
  if (code === 'ENOSPC') {
    return problem('run/watch-limit', `the system allows no more watches of directories (at ${directory})`, {
      hint: 'Exclude directories that no build reads in .dockerignore, or raise the limit: sysctl fs.inotify.max_user_watches=524288',
    });
  }
  if (code === 'EMFILE') {
    return problem('run/watch-limit', 'the system allows no more programs that watch directories', {
      hint: 'Stop other programs that watch, or raise the limit: sysctl fs.inotify.max_user_instances=512',
    });
  }
  return problem('run/watch-failed', `${directory} cannot be watched (${code})`, {
    hint: 'Run without --watch there: some file systems, such as network shares, report no changes.',
  });
}
