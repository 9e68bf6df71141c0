/**
 * Output of a run for GitHub Actions: annotations in the log, outputs of the step, the summary of the job. The
 * environment names the files.
 */
import { randomBytes } from 'node:crypto';
import { appendFile, stat } from 'node:fs/promises';
import path from 'node:path';
import {
  type FileInRepository,
  formatAnnotations,
  formatJobSummary,
  formatOutputs,
  type JobSummaryStyle,
  runOutputs,
} from '../lib/ci/mod.ts';
import { buildsToRunAgain, type EndedBuild, type Outcome, type Problem, problem } from '../lib/model/mod.ts';
import { applyEvent, createRunState } from '../lib/report/mod.ts';
import { describeFileFault } from '../lib/system/mod.ts';
import type { RunTimeline } from '../lib/timeline/mod.ts';
import { shellWord } from '../lib/util/shell.ts';
import { commandFor } from './again.ts';
import { textOf } from './args.ts';
import type { EventReader } from './event-readers.ts';
import type { Io } from './io.ts';
import { writeCommand } from './output.ts';
import { repositoryFiles } from './repository-files.ts';
import type { ReadRun } from './shared-timeline.ts';

/** What is known about a run before it starts. */
export interface CiRun extends ReadRun {
  /** Why there is nothing to do, if so. */
  readonly nothing: string | undefined;
}

/** Writes all of it on close. Problems: `run/outputs-unwritten`, `run/summary-unwritten`. */
export async function openGithub(call: CiRun): Promise<EventReader> {
  const { args, io, nothing } = call;
  const timelineOf = await call.timeline.open();
  const state = createRunState();
  const fileOf = repositoryFiles(io.cwd, io.env['GITHUB_WORKSPACE']);
  const linkOf = linksTo(io.env);
  const style = {
    fileOf,
    tailOf: (build: string) => (state.nodes.get(build)?.tail ?? []).map(({ text }) => text),
    ...(linkOf === undefined ? {} : { linkOf }),
    ...(nothing === undefined ? {} : { nothing }),
  };
  return {
    name: 'what GitHub Actions shows of the run',
    onEvent: (event) => {
      applyEvent(state, event);
    },
    close: async () => {
      const run = timelineOf();
      const outcomes = run.builds.flatMap(({ outcome }) => outcome ?? []);
      // With json every line is an event.
      if (textOf(args, 'progress') !== 'json') writeAnnotations(run, outcomes, style, io);
      const written = await Promise.all([
        appendOutputs(io.env['GITHUB_OUTPUT'], outcomes),
        appendSummary(io.env['GITHUB_STEP_SUMMARY'], run, {
          ...style,
          again: runAgain(call, run.builds, fileOf),
        }),
      ]);
      return written.flat();
    },
  };
}

function writeAnnotations(
  { summary, warnings }: RunTimeline,
  outcomes: readonly Outcome[],
  style: Omit<JobSummaryStyle, 'roomBytes'>,
  io: Io,
): void {
  const annotated = {
    ...style,
    problems: summary?.problems ?? [],
    outcomes,
    warnings: warnings.map(({ build, problem: found }) => ({
      ...found,
      ...(build === undefined ? {} : { build }),
    })),
  };
  for (const line of formatAnnotations(annotated)) writeCommand(io.stdout, line);
}

/** Commands that run the failed builds again, from the root of the repository. */
function runAgain(
  { args, io, variables }: CiRun,
  builds: readonly EndedBuild[],
  fileOf: FileInRepository,
): readonly string[] {
  const again = buildsToRunAgain(builds);
  if (again?.length === 0) return [];
  const values = new Map([...args.values].filter(([option]) => option !== 'directory'));
  const directory = path.posix.dirname(fileOf(path.join(io.cwd, 'file')) ?? '');
  return [
    ...(directory === '.' ? [] : [`cd ${shellWord(directory)}`]),
    commandFor({ ...args, values }, again, variables),
  ];
}

/** Links to lines of the built commit on GitHub. */
function linksTo(env: Io['env']): JobSummaryStyle['linkOf'] {
  const [server = '', repository = '', commit = ''] = ['SERVER_URL', 'REPOSITORY', 'SHA'].map(
    (name) => env[`GITHUB_${name}`],
  );
  if (!/^https?:\/\/[\w.:-]+$/.test(server) || !/^[\w./-]+$/.test(repository) || !/^[0-9a-f]+$/.test(commit))
    return undefined;
  const page = `${server}/${repository}/blob/${commit}`;
  const encode = (name: string): string =>
    encodeURIComponent(name).replace(/[!'()*]/g, (one) => `%${one.charCodeAt(0).toString(16)}`);
  return (file, line) => `${page}/${file.split('/').map(encode).join('/')}#L${line}`;
}

async function appendOutputs(
  file: string | undefined,
  outcomes: readonly Outcome[],
): Promise<readonly Problem[]> {
  if (file === undefined || file === '') return [];
  const text = formatOutputs(runOutputs(outcomes), `bake_ts_${randomBytes(16).toString('hex')}`);
  try {
    await appendFile(file, text);
    return [];
  } catch (error) {
    return [await unwritten('run/outputs-unwritten', 'the outputs of the step (GITHUB_OUTPUT)', file, error)];
  }
}

/** The limit of GitHub for the summary of one step, with some margin. */
const SUMMARY_BYTES = 1024 * 1024 - 1024;

/** The output of other commands in the step is part of that limit. */
async function appendSummary(
  file: string | undefined,
  run: RunTimeline,
  style: Omit<JobSummaryStyle, 'roomBytes'>,
): Promise<readonly Problem[]> {
  if (file === undefined || file === '') return [];
  try {
    const there = await stat(file).catch(() => undefined);
    await appendFile(
      file,
      formatJobSummary(run, { ...style, roomBytes: SUMMARY_BYTES - (there?.size ?? 0) }),
    );
    return [];
  } catch (error) {
    const found = await unwritten(
      'run/summary-unwritten',
      'the job summary (GITHUB_STEP_SUMMARY)',
      file,
      error,
    );
    return [{ ...found, severity: 'warning' }];
  }
}

async function unwritten(
  code: 'run/outputs-unwritten' | 'run/summary-unwritten',
  what: string,
  file: string,
  error: unknown,
): Promise<Problem> {
  const why = await describeFileFault(error, file);
  return problem(code, `${what} cannot be written (${why})`, {
    hint: 'Its directory must exist, have free space, and be writable for you.',
    ...(error instanceof Error ? { detail: error.message } : {}),
  });
}
