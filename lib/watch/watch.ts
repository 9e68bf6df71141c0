/**
 * Runs repeatedly: first the whole plan, then after each change only what it affects. This module decides when to run;
 * each run decides what to do, as always.
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

/** A set of builds, and the files that it was read from. */
export interface WatchedSet {
  readonly set: BuildSet;
  readonly warnings: readonly Problem[];
  /** Absolute paths of these files. */
  readonly files: ReadonlySet<string>;
}

/** One of the runs. */
export interface Round {
  /** From 1. */
  readonly number: number;
  readonly plan: Plan;
  readonly dockerfiles: PreparedPlan['dockerfiles'];
  /** The changes since the last completed round; undefined for the first round. */
  readonly changed?: ChangedFiles;
  readonly signal: AbortSignal;
  /** Must receive all events of the run. */
  readonly onEvent: EventSink;
  /** For `BakeOptions`. */
  readonly onReads: (build: string, reads: ReadonlyMap<string, ContextReads>) => void;
  /** Whether the round was stopped because its inputs changed; another round follows. */
  readonly isSuperseded: () => boolean;
}

/** Events besides the rounds. */
export type WatchEvent =
  /** Everything possible is done; `files`: in the watched directories. */
  | { readonly type: 'waiting'; readonly builds: number; readonly files: number; readonly failed: number }
  /** The next round starts (or the current one is stopped for it) because of this. */
  | {
      readonly type: 'changed';
      /** Absolute paths, the first few; empty: it is unknown what changed. */
      readonly paths: readonly string[];
      readonly total: number;
      readonly builds: readonly string[];
      readonly supersedes: boolean;
    }
  /** The changed set is invalid; the old plan stays. */
  | { readonly type: 'problems'; readonly problems: readonly Problem[] }
  /** Inputs of builds that cannot be watched. */
  | { readonly type: 'unwatched'; readonly contexts: readonly string[]; readonly images: number };

/** Options of a watch. */
export interface WatchOptions {
  /** The set as first read. */
  readonly first: WatchedSet;
  /** Its plan, without missing Dockerfiles. */
  readonly prepared: PreparedPlan;
  /** Reads the set again. */
  readonly read: () => Promise<Result<WatchedSet>>;
  readonly selection: Selection;
  /** Absolute. */
  readonly cwd: string;
  /** Runs a round to its end; never rejects for expected failures. */
  readonly run: (round: Round) => Promise<RunSummary>;
  /** Ends the watch and stops the current round. */
  readonly signal: AbortSignal;
  readonly onEvent: (event: WatchEvent) => void;
  /** Absolute paths of files and directories that only bake-ts writes; their changes are ignored. */
  readonly ownFiles?: readonly string[];
  /** Start of reading the set, in milliseconds since 1970; later changes are checked again. */
  readonly sinceMs?: number;
  readonly times?: BurstTimes;
}

/** The result of a watch. */
export interface WatchEnd {
  /** All builds are up to date. */
  readonly ok: boolean;
  readonly rounds: number;
}

/**
 * Watches until the signal aborts.
 *
 * @returns the state at that time; problems if not everything relevant can be watched: `run/watch-limit`,
 *   `run/watch-failed`
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
  /** Builds with events that have not finished. */
  readonly started: Set<string>;
  isSuperseded: boolean;
}

const PATHS_SHOWN = 3;
/** Most paths in an event for programs. */
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
  /** Builds affected by changes, and their dependents: a round is due. */
  #touched = new Set<string>();
  /** Builds that failed: part of each following round. */
  #left = new Set<string>();
  #changed: string[] = [];
  /** Causes of the next round, reported or not. */
  readonly #causes = new Set<string>();
  #isAnnounced = false;
  /** Builds that read more than was watched; changes there were missed. */
  readonly #widened = new Set<string>();
  /** Problems from reading the set again. */
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

  /** Processes changes; stops the current round if it builds something outdated. */
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

  /** Builds with external images; the run determines which of them the lock file pins. */
  #lockedBuilds({ lock }: Change): readonly string[] {
    if (!lock) return [];
    const nodes = [...this.#prepared.plan.nodes];
    return nodes.flatMap(([name, node]) => (node.externalImages.length > 0 ? [name] : []));
  }

  /** Reads the changed files, and starts a round if there is something to run. */
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

  /** Replaces the set; keeps the old one if the new one cannot be planned. */
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

  /** Plans again; keeps the old plan if that fails. */
  #prepare(known: WatchedSet): readonly Problem[] {
    const prepared = preparePlan(known.set, this.#options.selection, this.#options.cwd);
    if (!prepared.ok) {
      this.#putOff();
      return prepared.error;
    }
    this.#prepared = prepared.value;
    return prepared.value.missing;
  }

  /** Postpones affected builds that cannot be run now. */
  #putOff(): void {
    for (const build of this.#touched) this.#left.add(build);
    this.#touched.clear();
  }

  /** Watches the current dependencies of the plan. Files changed since `sinceMs`, before they were watched, count as changed. */
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
    // Otherwise it would stop the round that is about to start.
    if (this.#running === undefined) this.#absorb();
  }

  #begin(): void {
    const { plan, dockerfiles } = this.#prepared;
    const builds = withDependents(plan, [...this.#touched, ...this.#left]);
    this.#rounds += 1;
    // If a round was stopped for this one, it is announced already.
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
    // Builds without an outcome stay due; if the run failed without a failed build, all of them do.
    const silent = [...builds].filter((name) => !summary.outcomes.some((one) => one.build === name));
    for (const build of !summary.ok && bad.length === 0 ? builds : silent) this.#left.add(build);
  }

  /** A build may read more than its Dockerfile alone shows; that was not watched so far. */
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

/** Tracks which builds have started. */
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

/** Inputs that can change unnoticed. */
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
