import {
  fail,
  ok,
  type Plan,
  type Problem,
  problem,
  type Result,
  type RunSummary,
} from '../../lib/model/mod.ts';
import { createReporter } from '../../lib/report/mod.ts';
import type { Audit, BakeOptions } from '../../lib/run/mod.ts';
import { VERSION } from '../../lib/util/version.ts';
import { planRun } from '../affected-builds.ts';
import { commandFor } from '../again.ts';
import { isSet, type ParsedArgs, textOf } from '../args.ts';
import { openCi } from '../ci.ts';
import { type EventReader, joinReaders } from '../event-readers.ts';
import { type ExitCode, exitCodeOfRun } from '../exit-codes.ts';
import { addressesOf, readDuration, readNumber } from '../inputs.ts';
import type { Io } from '../io.ts';
import { keepRun, type RunKeeper, readKeptRuns } from '../kept-run.ts';
import { writeMetadataFile } from '../metadata-files.ts';
import { createNotifier } from '../notify.ts';
import { progressMode, reportProblems, sourceReader, wantsColor } from '../output.ts';
import { disputedIn, type Parents, readParents, roleOf } from '../parents-from.ts';
import { noteShown } from '../read-on.ts';
import { checkRunFiles, holdPipes, openRunFiles } from '../run-files.ts';
import { type ReadRun, shareTimeline } from '../shared-timeline.ts';
import { withCancellation } from '../signals.ts';
import { openTelemetry } from '../telemetry.ts';
import type { RunEnd, RunInput, Shown } from './run-watch.ts';

/** `bake-ts run` */
export async function runCommand(args: ParsedArgs, io: Io): Promise<ExitCode> {
  const pipes = await holdPipes(args, io);
  try {
    if (pipes.problems.length > 0) return reportProblems(pipes.problems, args, io);
    if (isSet(args, 'print')) {
      const { printAsBake } = await import('../print-as-bake.ts');
      return await printAsBake(args, io);
    }
    return await runAsAsked(args, io);
  } finally {
    await pipes.release();
  }
}

async function runAsAsked(args: ParsedArgs, io: Io): Promise<ExitCode> {
  const flags = await readFlags(args, io);
  if (!flags.ok) return reportProblems(flags.error, args, io);
  if (isSet(args, 'watch')) {
    const { watchRuns } = await import('./run-watch.ts');
    return watchRuns(args, io, (onOpen, what) => runOnce({ args, io, flags: flags.value, onOpen }, what));
  }
  const planned = await planRun(args, io);
  if (typeof planned === 'number') return planned;
  const { plan, dockerfiles, warnings, missing, nothing } = planned;
  const code = reportProblems([...warnings, ...missing], args, io);
  if (missing.some((one) => one.severity === 'error')) return code;
  const disputed = disputedIn(plan, flags.value.earlier);
  if (disputed.length > 0) return reportProblems(disputed, args, io);

  let shown: Shown = { abandon: () => {}, close: () => {}, interrupt: () => {} };
  return withCancellation(
    io,
    async ({ signal, stoppedBy }) => {
      const call = { args, io, flags: flags.value, onOpen: (opened: Shown) => (shown = opened) };
      const { summary, code: unwritten } = await runOnce(call, { plan, dockerfiles, signal }, nothing);
      return Math.max(exitCodeOfRun(summary, stoppedBy()), unwritten);
    },
    () => shown.abandon(),
    (name) => shown.interrupt(name),
  );
}

/** Options of `run` that apply to each run of the command. */
interface RunFlags extends Pick<BakeOptions, 'jobs' | 'stallTimeoutMs' | 'audit'> {
  readonly earlier: Parents;
}

/** Reads the options that are checked before any file is read. */
async function readFlags(args: ParsedArgs, io: Io): Promise<Result<RunFlags>> {
  if (isSet(args, 'by-digest') && isSet(args, 'atomic')) {
    return fail([
      problem('cli/conflict', '--by-digest moves no tag, but --atomic says when tags move', {
        hint: 'Leave --atomic out: `bake-ts merge` moves all tags or none.',
      }),
    ]);
  }
  const jobs = readJobs(args);
  if (!jobs.ok) return jobs;
  const audit = await readAudit(args);
  if (!audit.ok) return audit;
  const stall = readDuration(args, 'stall-timeout');
  if (!stall.ok) return stall;
  const mostRuns = readKeptRuns(io);
  if (!mostRuns.ok) return mostRuns;
  const parents = await readParents(args, io);
  if (!parents.ok) return parents;
  const unwritable = await checkRunFiles(args, io);
  if (unwritable.length > 0) return fail(unwritable);
  return ok({
    earlier: parents.value,
    ...(jobs.value === undefined ? {} : { jobs: jobs.value }),
    ...(stall.value === undefined ? {} : { stallTimeoutMs: stall.value }),
    ...(audit.value === undefined ? {} : { audit: audit.value }),
  });
}

/** One call of the command. */
interface RunCall {
  readonly args: ParsedArgs;
  readonly io: Io;
  readonly flags: RunFlags;
  /** Gets what currently uses the terminal, to pass signals to it. */
  readonly onOpen: (opened: Shown) => void;
}

/**
 * Runs a plan once, shows it, writes its files, and reports those that could not be written; `code` is their exit code.
 *
 * @param nothing why the plan is empty, if it may be; then only this is shown
 */
async function runOnce(
  { args, io, flags, onOpen }: RunCall,
  asked: RunInput,
  nothing?: string,
): Promise<RunEnd> {
  const { bakeWith, ENGINES, pushedByDigest } = await import('../../lib/run/mod.ts');
  const what = isSet(args, 'by-digest') ? { ...asked, plan: pushedByDigest(asked.plan) } : asked;
  const kept = await keepRun(what, args, io);
  const mode = progressMode(args, io);
  if (nothing !== undefined && mode !== 'json' && mode !== 'quiet') io.stderr.write(`${nothing}\n`);
  const { variables } = what.plan.set;
  const run: ReadRun = { args, io, variables, timeline: shareTimeline() };
  const ci = await openCi({ ...run, nothing });
  const reporter = createReporter({
    mode: nothing === undefined || mode === 'json' ? mode : 'quiet',
    out: io.stdout,
    err: io.stderr,
    color: wantsColor(args, io, io.stderr),
    now: io.now,
    sourceOf: sourceReader(io.cwd),
    ...(kept === undefined ? {} : { logOf: kept.logFileOf }),
    timestamps: isSet(args, 'timestamps'),
    commandFor: (builds) => commandFor(args, builds, variables),
    ...(ci.frame === undefined ? {} : { frame: ci.frame }),
    ...(io.takeTerminal === undefined ? {} : { takeTerminal: io.takeTerminal }),
  });
  const readers = joinReaders([...(await openReaders(kept, run, what.signal)), ...ci.readers]);
  onOpen({
    interrupt: (name) => reporter.interrupt(name),
    close: () => reporter.close(),
    abandon: () => {
      readers.flush();
      reporter.abandon();
    },
  });
  const { earlier, ...limits } = flags;
  const summary = await bakeWith(what.engines ?? ENGINES, {
    force: isSet(args, 'force'),
    ...what,
    ...limits,
    parents: earlier.parents,
    env: io.env,
    dryRun: isSet(args, 'dry-run'),
    atomic: isSet(args, 'atomic'),
    failFast: isSet(args, 'fail-fast'),
    onEvent: (event) => {
      readers.onEvent(event);
      what.onEvent?.(event);
      if (what.isHidden?.() !== true) reporter.onEvent(event);
    },
    version: VERSION,
    runtime: io.runtime,
    command: io.argv,
    hostArchitecture: io.architecture,
    ...addressesOf(args),
  }).finally(() => {
    readers.flush();
    reporter.close();
  });
  if (mode !== 'json')
    noteShown([...summary.problems, ...summary.outcomes.flatMap(({ problem }) => problem ?? [])], io);
  const unmade = await readers.close();
  const file = what.isHidden?.() === true ? undefined : textOf(args, 'metadata-file');
  const unwritten = await writeMetadata(file, what.plan, summary, io);
  const code = reportProblems([...unmade, ...(unwritten === undefined ? [] : [unwritten])], args, io);
  return { summary, code };
}

/** Opens the readers that make files and records of the events of a run. */
async function openReaders(
  kept: RunKeeper | undefined,
  run: ReadRun,
  signal: AbortSignal | undefined,
): Promise<readonly EventReader[]> {
  const notifier = isSet(run.args, 'notify') ? [createNotifier(run.io)] : [];
  const made = [...(await openRunFiles(run)), ...(await openTelemetry(run, signal))];
  // The timeline comes before the readers that use it.
  return [...(kept === undefined ? [] : [kept]), ...run.timeline.readers(), ...made, ...notifier];
}

function readJobs(args: ParsedArgs): Result<number | undefined> {
  const written = textOf(args, 'jobs');
  return written === undefined ? ok(undefined) : readNumber('jobs', written, 1, 999);
}

async function readAudit(args: ParsedArgs): Promise<Result<Audit | undefined>> {
  const written = textOf(args, 'audit');
  const writtenSeed = textOf(args, 'audit-seed');
  if (written === undefined) {
    if (writtenSeed === undefined) return ok(undefined);
    return fail([
      problem('cli/missing-value', '--audit-seed needs --audit', {
        hint: `Write --audit 5% --audit-seed ${writtenSeed}.`,
      }),
    ]);
  }
  const { createAudit, parseAuditSize } = await import('../../lib/verify/mod.ts');
  const size = parseAuditSize(written);
  if (size === undefined) {
    return fail([
      problem('cli/bad-value', `--audit cannot be "${written}"`, {
        hint: 'Use a part such as 5%, or a number of builds such as 3.',
      }),
    ]);
  }
  if (writtenSeed === undefined) return ok(createAudit({ size }));
  const seed = readNumber('audit-seed', writtenSeed, 0, 999_999_999);
  return seed.ok ? ok(createAudit({ size, seed: seed.value })) : seed;
}

/** The fields of bake's metadata file that its consumers use. */
function metadataAsBake({ outcomes }: RunSummary): Readonly<Record<string, object>> {
  return Object.fromEntries(
    outcomes.flatMap(({ build, digest, tags }) => {
      if (digest === undefined) return [];
      const names = tags.length === 0 ? {} : { 'image.name': tags.map(({ ref }) => ref).join(',') };
      return [[build, { 'containerimage.digest': digest, ...names }]];
    }),
  );
}

/** Writes what was made of each build and where it is, for the next step of a pipeline. */
async function writeMetadata(
  file: string | undefined,
  plan: Plan,
  summary: RunSummary,
  io: Io,
): Promise<Problem | undefined> {
  if (file === undefined) return undefined;
  const builds = summary.outcomes.map((outcome) => {
    const { build, kind, digest, sizeBytes, platforms, tags, key } = outcome;
    return [build, { result: kind, role: roleOf(plan, outcome), digest, sizeBytes, platforms, tags, key }];
  });
  const asBake = plan.set.isBake === true ? metadataAsBake(summary) : {};
  return writeMetadataFile(
    file,
    { ...asBake, version: 1, ok: summary.ok, builds: Object.fromEntries(builds) },
    io,
  );
}
