/**
 * Problems of a run as annotations of GitHub Actions: workflow commands that the runner shows beside the line in a pull
 * request. The limits are those of actions/runner, src/Runner.Worker/ExecutionContext.cs.
 */
import type { Outcome, PlaceJson, ProblemJson } from '../model/mod.ts';
import { plainText, plural } from '../report/mod.ts';
import { escapeData, escapeProperty } from './escape-command.ts';
import { type Folded, foldFailures, foldProblems, nameBuilds } from './fold-problems.ts';
import { lastLines, logOfProblem } from './log-end.ts';

/**
 * The path of a file, as problems name it, relative to the root of the repository; undefined: it is outside, or not a
 * file. Annotations need this path regardless of the working directory.
 */
export type FileInRepository = (file: string) => string | undefined;

/** Additions to a problem in an annotation. */
export interface AnnotationStyle {
  /** Absent: files are named as in the problem. */
  readonly fileOf?: FileInRepository;
  /** The affected builds, if more than one. */
  readonly builds?: readonly string[];
  /** Output of the failed step; the end is shown, as far as it fits. */
  readonly log?: readonly string[];
}

/** Most annotations of one kind that the runner accepts from a step; others appear only in the log. */
const MOST = 10;
/** The runner passes on 4,096 characters of a message. */
const MOST_CHARACTERS = 4_000;
/** Most log lines in an annotation, so that it fits beside the code of a pull request. */
const MOST_LINES = 30;

/** One problem as a workflow command on one line, without a line break. */
export function formatAnnotation(found: ProblemJson, style: AnnotationStyle = {}): string {
  const { place } = found;
  const file = place === undefined ? undefined : fileOfPlace(place, style.fileOf);
  const builds = style.builds ?? (found.build === undefined ? [] : [found.build]);
  const properties = [
    ...(place === undefined || file === undefined ? [] : placeProperties(place, file)),
    `title=${escapeProperty(`${builds.length === 0 ? '' : `${nameBuilds(builds)}: `}${found.code}`)}`,
  ];
  const outside =
    place === undefined || file !== undefined ? [] : [`in ${place.file}:${place.line}:${place.column}`];
  const words = [found.message, ...outside, ...(found.hint === undefined ? [] : [found.hint])].join('\n');
  const shown = plainLines(words).join('\n').slice(0, MOST_CHARACTERS);
  const log = lastLines(style.log ?? [], MOST_LINES, MOST_CHARACTERS - shown.length);
  return `::${found.severity} ${properties.join(',')}::${escapeData([shown, ...(log.length === 0 ? [] : ['', ...log])].join('\n'))}`;
}

/** The problems of a run to annotate. */
export interface AnnotatedRun {
  /** Problems of the run, and of its builds. */
  readonly problems: readonly ProblemJson[];
  readonly warnings: readonly ProblemJson[];
  readonly outcomes: readonly Outcome[];
  readonly fileOf?: FileInRepository;
  /** The last output of the steps of a build. */
  readonly tailOf?: (build: string) => readonly string[];
}

/**
 * All problems of a run as workflow commands, one per line. A problem of several builds is one annotation. The runner
 * shows ten errors and ten warnings of a step: those that prevent most builds come first, and if there are more, the
 * tenth names the rest.
 */
export function formatAnnotations(run: AnnotatedRun): readonly string[] {
  const failures = foldFailures(run.problems, run.outcomes);
  const folded = [...failures, ...foldProblems(run.warnings)];
  return (['error', 'warning'] as const).flatMap((severity) => {
    const all = folded.filter(({ problem }) => problem.severity === severity);
    const shown = all.length > MOST ? all.slice(0, MOST - 1) : all;
    const lines = shown.map(({ problem, builds }) =>
      formatAnnotation(problem, {
        builds,
        log: logOfProblem(problem, builds, run.tailOf),
        ...(run.fileOf === undefined ? {} : { fileOf: run.fileOf }),
      }),
    );
    return all.length === shown.length ? lines : [...lines, formatRest(severity, all.slice(shown.length))];
  });
}

function formatRest(severity: ProblemJson['severity'], rest: readonly Folded[]): string {
  const what = `${plural(rest.length, `more ${severity}`)}, in the log and in the job summary`;
  const lines = rest.map(
    ({ problem, builds }) => `${builds.length === 0 ? '' : `${nameBuilds(builds)}: `}${problem.message}`,
  );
  const words = plainLines(lines.join('\n')).join('\n').slice(0, MOST_CHARACTERS);
  return `::${severity} title=${escapeProperty(what)}::${escapeData(words)}`;
}

/** `-` (stdin) and `--set` (an override) are not files. */
function fileOfPlace({ file }: PlaceJson, fileOf: FileInRepository = (one) => one): string | undefined {
  return file === '-' || file.startsWith('--') ? undefined : fileOf(file);
}

function placeProperties({ line, column, endLine, endColumn }: PlaceJson, file: string): readonly string[] {
  const start = [`file=${escapeProperty(file)}`, `line=${line}`];
  // GitHub accepts columns only if start and end are on one line.
  return endLine === line
    ? [...start, `col=${column}`, `endColumn=${Math.max(column, endColumn)}`]
    : [...start, `endLine=${endLine}`];
}

function plainLines(text: string): readonly string[] {
  return text.split('\n').map(plainText);
}
