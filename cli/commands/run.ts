import path from 'node:path';
import { fail, ok, type Problem, problem, type Result, type RunSummary } from '../../lib/model/mod.ts';
import { createReporter } from '../../lib/report/mod.ts';
import type { Audit } from '../../lib/run/mod.ts';
import { describeFileFault, writeNamedFile } from '../../lib/system/mod.ts';
import { isSet, type ParsedArgs, textOf } from '../args.ts';
import { type EventReader, joinReaders } from '../event-readers.ts';
import { type ExitCode, exitCodeOfRun } from '../exit-codes.ts';
import { readDuration, readNumber } from '../inputs.ts';
import type { Io } from '../io.ts';
import { progressMode, reportProblems, sourceReader, wantsColor } from '../output.ts';
import { planSelected } from '../planned.ts';
import { withCancellation } from '../signals.ts';
import { VERSION } from '../version.ts';

/** `bake-ts run` */
export async function runCommand(args: ParsedArgs, io: Io): Promise<ExitCode> {
  const jobs = readJobs(args);
  if (!jobs.ok) return reportProblems(jobs.error, args, io);
  const audit = await readAudit(args);
  if (!audit.ok) return reportProblems(audit.error, args, io);
  const stall = readDuration(args, 'stall-timeout');
  if (!stall.ok) return reportProblems(stall.error, args, io);
  const planned = await planSelected(args, io);
  if (!planned.ok) return reportProblems(planned.error, args, io);
  const { bake } = await import('../../lib/run/mod.ts');
  const { plan, dockerfiles, missing } = planned.value;
  const code = reportProblems([...planned.value.warnings, ...missing], args, io);
  if (missing.some((one) => one.severity === 'error')) return code;

  const reporter = createReporter({
    mode: progressMode(args, io),
    out: io.stdout,
    err: io.stderr,
    color: wantsColor(args, io, io.stderr),
    now: io.now,
    sourceOf: sourceReader(io.cwd),
    ...(io.env['GITHUB_ACTIONS'] === 'true' && textOf(args, 'progress') !== 'json'
      ? { annotations: 'github' as const }
      : {}),
  });
  const readers = joinReaders(openReaders());
  const address = textOf(args, 'addr');
  return withCancellation(
    io,
    async ({ signal, stoppedBy }) => {
      const summary = await bake({
        plan,
        dockerfiles,
        env: io.env,
        force: isSet(args, 'force'),
        dryRun: isSet(args, 'dry-run'),
        atomic: isSet(args, 'atomic'),
        failFast: isSet(args, 'fail-fast'),
        signal,
        onEvent: (event) => {
          readers.onEvent(event);
          reporter.onEvent(event);
        },
        version: VERSION,
        runtime: io.runtime,
        hostArchitecture: io.architecture,
        ...(jobs.value === undefined ? {} : { jobs: jobs.value }),
        ...(stall.value === undefined ? {} : { stallTimeoutMs: stall.value }),
        ...(address === undefined ? {} : { address }),
        ...(audit.value === undefined ? {} : { audit: audit.value }),
      }).finally(() => reporter.close());
      reportProblems(await readers.close(), args, io);
      const unwritten = await writeMetadata(textOf(args, 'metadata-file'), summary, io);
      const ended = exitCodeOfRun(summary, stoppedBy());
      if (unwritten === undefined) return ended;
      return Math.max(ended, reportProblems([unwritten], args, io));
    },
    () => reporter.close(),
  );
}

/** What is made of the events of a run besides what is shown of it. */
function openReaders(): readonly EventReader[] {
  return [];
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
      problem('cli/missing-value', '--audit-seed needs --audit beside it', {
        hint: `write --audit 5% --audit-seed ${writtenSeed}`,
      }),
    ]);
  }
  const { createAudit, parseAuditSize } = await import('../../lib/verify/mod.ts');
  const size = parseAuditSize(written);
  if (size === undefined) {
    return fail([
      problem('cli/bad-value', `--audit cannot be "${written}"`, {
        hint: 'it is a part such as 5%, or a number of builds such as 3',
      }),
    ]);
  }
  if (writtenSeed === undefined) return ok(createAudit({ size }));
  const seed = readNumber('audit-seed', writtenSeed, 0, 999_999_999);
  return seed.ok ? ok(createAudit({ size, seed: seed.value })) : seed;
}

/** Build by build what was made and where it is, for the step that comes after ours. */
async function writeMetadata(
  file: string | undefined,
  summary: RunSummary,
  io: Io,
): Promise<Problem | undefined> {
  if (file === undefined) return undefined;
  const builds = summary.outcomes.map(({ build, kind, digest, sizeBytes, platforms, tags, key }) => [
    build,
    { result: kind, digest, sizeBytes, platforms, tags, key },
  ]);
  const text = JSON.stringify(
    { version: 1, ok: summary.ok, builds: Object.fromEntries(builds) },
    undefined,
    2,
  );
  const target = path.resolve(io.cwd, file);
  try {
    await writeNamedFile(target, `${text}\n`);
    return undefined;
  } catch (error) {
    const why = await describeFileFault(error, target);
    return problem('run/metadata-unwritten', `the metadata file ${file} cannot be written (${why})`, {
      hint: 'give --metadata-file a path in a directory that exists, has room, and that you may write to',
      ...(error instanceof Error ? { detail: error.message } : {}),
    });
  }
}
