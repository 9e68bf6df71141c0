/** Records a run while it runs. After a failed write a file stays unchanged, with one warning for all files. */
import path from 'node:path';
import { type BakeEvent, type Problem, problem, type RunSummary } from '../model/mod.ts';
import { describeFileFault } from '../system/mod.ts';
import { escapeControls } from '../util/control-characters.ts';
import { missingPermissions } from '../util/permission.ts';
import { Appender, shutDirectory, type WriteFault } from './appender.ts';
import { BuildLog } from './build-log.ts';
import { readCommit } from './commit.ts';
import { allRunsDirectory, filesOf, logFileOf, nameRun, runsDirectory } from './place.ts';
import { MOST_RUNS, pruneRuns } from './prune.ts';
import { runHead } from './read.ts';
import type { KeptRounds } from './rounds.ts';
import { type RunEnd, runEnd, SUMMARY_FORM, type SummaryFile } from './shapes.ts';
import { LIMITS, type Limits, Thinner } from './thin.ts';

/** What to record, and where. */
export interface RecorderOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The project's root. */
  readonly root: string;
  /** How many runs of the project are kept, including this one. 0 keeps none and deletes existing ones. */
  readonly mostRuns?: number;
  /** For a watch: which round it is, from 1, and the recorded earlier ones. Default: not a watch. */
  readonly round?: RecordedRound;
  readonly limits?: Limits;
}

/** A round of a watch. */
export interface RecordedRound {
  readonly number: number;
  readonly kept: KeptRounds;
  /** Whether it was stopped in favour of another round. */
  readonly isSuperseded: () => boolean;
}

const NOTABLE: ReadonlySet<BakeEvent['type']> = new Set([
  'node-started',
  'early-started',
  'vertex',
  'log',
  'retry',
] satisfies BakeEvent['type'][]);

/** Whether the build needs its own log from this event on; an up-to-date build needs none. */
function isNotable(event: BakeEvent): boolean {
  if (event.type === 'tag') return event.tag.action !== 'there';
  if (event.type === 'node-finished') return event.outcome.problem !== undefined;
  return NOTABLE.has(event.type);
}

interface KeptLog {
  readonly log: BuildLog;
  readonly file: string;
  /** Lines from before the log was needed; undefined: the log exists. */
  held: string | undefined;
}

/** Records one run. The first event creates its directory and deletes old runs. */
export class RunRecorder {
  readonly #options: RecorderOptions;
  readonly #thinner: Thinner;
  readonly #appender = new Appender();
  readonly #stopper = new AbortController();
  readonly #logs = new Map<string, KeptLog>();
  /** Work in parallel to the run. */
  readonly #beside: Promise<void>[] = [];
  #dir: string | undefined;
  #summary: SummaryFile | undefined;
  #end: RunEnd | undefined;
  #result: RunSummary | undefined;

  constructor(options: RecorderOptions) {
    this.#options = options;
    this.#thinner = new Thinner(options.limits ?? LIMITS);
  }

  /** Takes the events of the run, in order. */
  onEvent(event: BakeEvent): void {
    if (event.type === 'run-started') this.#begin(event);
    if (event.type === 'run-finished') {
      this.#result = event.summary;
      this.#end = runEnd(event.summary);
    }
    this.#keep(this.#thinner.take(event));
    // From here on readers can find the run and its builds.
    if (event.type === 'planned') this.#appender.flush();
  }

  /** Writes everything buffered, before the process ends at once. */
  flush(): void {
    this.#appender.flush();
  }

  /** Ends the record; returns `state/run-not-kept` if not everything could be written. */
  async close(): Promise<readonly Problem[]> {
    this.#stopper.abort();
    this.#keep(this.#thinner.rest());
    for (const kept of this.#logs.values())
      this.#appendLines(kept, [...kept.log.rest(), ...kept.log.calls()]);
    this.#appender.flush();
    await Promise.all(this.#beside);
    if (this.#end !== undefined) this.#save({ end: this.#end });
    await this.#settle();
    const { fault } = this.#appender;
    // A denied permission is already reported for the whole state directory.
    const isSaid = fault === undefined || missingPermissions(fault.error) !== undefined;
    return isSaid ? [] : [await notKept(fault)];
  }

  /** Which rounds of a watch to keep is decided when a round has ended. */
  async #settle(): Promise<void> {
    const { round } = this.#options;
    if (round === undefined || this.#dir === undefined) return;
    await round.kept.take({
      dir: this.#dir,
      number: round.number,
      isSuperseded: round.isSuperseded(),
      ...(this.#result === undefined ? {} : { summary: this.#result }),
    });
  }

  /** The log file of a build, even if not written yet; undefined: the run has not started, or is not recorded. */
  logFileOf(build: string): string | undefined {
    if (this.#dir === undefined) return undefined;
    const file = logFileOf(this.#dir, build);
    return this.#appender.hasFault(file) ? undefined : file;
  }

  #begin(event: Extract<BakeEvent, { readonly type: 'run-started' }>): void {
    const { env, root, mostRuns = MOST_RUNS, round } = this.#options;
    const runs = runsDirectory(env, root);
    const own = path.join(runs, nameRun(event.atMs, event.runId));
    // A later round does not displace other runs; it may be deleted again.
    const isExtra = mostRuns > 0 && round !== undefined && round.number > 1;
    const keeping = { allRuns: allRunsDirectory(env), project: path.basename(runs), own };
    this.#beside.push(pruneRuns({ ...keeping, mostRuns: isExtra ? mostRuns + 1 : mostRuns }));
    if (mostRuns === 0) return;
    const { logs } = filesOf(own);
    for (const dir of [keeping.allRuns, runs]) shutDirectory(dir);
    this.#appender.makeDirectory(logs);
    if (this.#appender.hasFault(logs)) return;
    this.#dir = own;
    this.#summary = { form: SUMMARY_FORM, ...runHead(event), root };
    this.#beside.push(this.#learn());
  }

  /** Adds the process and the commit of the run. */
  async #learn(): Promise<void> {
    const { env, root } = this.#options;
    const { ownerNow } = await import('../engine/mod.ts');
    const owner = await ownerNow();
    this.#save(owner === undefined ? {} : { owner });
    const commit = await readCommit(root, env, this.#stopper.signal);
    if (commit !== undefined) this.#save({ commit });
  }

  #save(more: Partial<SummaryFile>): void {
    if (this.#dir === undefined || this.#summary === undefined) return;
    this.#summary = { ...this.#summary, ...more };
    const text = escapeControls(JSON.stringify(this.#summary));
    this.#appender.replace(filesOf(this.#dir).summary, `${text}\n`);
  }

  #keep(events: readonly BakeEvent[]): void {
    if (this.#dir === undefined) return;
    for (const event of events) {
      this.#appender.append(filesOf(this.#dir).events, `${escapeControls(JSON.stringify(event))}\n`);
      if ('build' in event && event.build !== undefined)
        this.#keepLine(this.#logOf(event.build, this.#dir), event);
    }
  }

  #logOf(build: string, dir: string): KeptLog {
    const known = this.#logs.get(build);
    if (known !== undefined) return known;
    const { runId = '', startedAt = '' } = this.#summary ?? {};
    const made: KeptLog = {
      log: new BuildLog(Date.parse(startedAt), false),
      file: logFileOf(dir, build),
      held: `${build}, run ${runId}, begun ${startedAt}\n\n`,
    };
    this.#logs.set(build, made);
    return made;
  }

  #keepLine(kept: KeptLog, event: BakeEvent): void {
    if (kept.held !== undefined && isNotable(event)) {
      this.#appender.append(kept.file, kept.held);
      kept.held = undefined;
    }
    this.#appendLines(kept, kept.log.take(event));
  }

  #appendLines(kept: KeptLog, lines: readonly string[]): void {
    if (lines.length === 0) return;
    const text = `${lines.join('\n')}\n`;
    if (kept.held === undefined) this.#appender.append(kept.file, text);
    else kept.held += text;
  }
}

async function notKept({ error, file }: WriteFault): Promise<Problem> {
  const why = await describeFileFault(error, file);
  return problem(
    'state/run-not-kept',
    `the history of this run is incomplete: \`${file}\` cannot be written (${why})`,
    {
      severity: 'warning',
      hint: 'Free space, or set BAKE_TS_HOME to a writable directory; BAKE_TS_KEEP_RUNS=0 turns the history off.',
    },
  );
}
