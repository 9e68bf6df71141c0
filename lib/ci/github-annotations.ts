/**
 * What went wrong as annotations of GitHub Actions: workflow commands that the runner shows beside the line in a pull
 * request. Limits are those of actions/runner, src/Runner.Worker/ExecutionContext.cs.
 */
import type { Outcome, PlaceJson, ProblemJson } from '../model/mod.ts';
import { plainText, plural } from '../report/mod.ts';
import { escapeData, escapeProperty } from './escape-command.ts';
import { type Folded, foldFailures, foldProblems, nameBuilds } from './fold-problems.ts';
import { lastLines, logOfProblem } from './log-end.ts';

/**
 * The name of a file, as problems have it, below the root of the repository; undefined: it is not in it, or no file.
 * Annotations need that whatever directory bake-ts works in.
 */
export type FileInRepository = (file: string) => string | undefined;

/** What an annotation says besides the problem. */
export interface AnnotationStyle {
  /** Absent: files are named as the problem names them. */
  readonly fileOf?: FileInRepository;
  /** The builds it concerns, where that is more than one. */
  readonly builds?: readonly string[];
  /** Lines that a failing step wrote; as many from their end as there is room for are shown. */
  readonly log?: readonly string[];
}

/** Annotations of one kind that the runner takes from a step; more are only lines of the log. */
const MOST = 10;
/** Characters of a message that the runner passes on are 4,096. */
const MOST_CHARACTERS = 4_000;
/** Lines of a log in an annotation: what fits beside the code of a pull request. */
const MOST_LINES = 30;

/** One problem as a workflow command: one line, without its line break. */
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

/** What a run gives to annotate. */
export interface AnnotatedRun {
  /** Problems of the run, and of its builds. */
  readonly problems: readonly ProblemJson[];
  readonly warnings: readonly ProblemJson[];
  readonly outcomes: readonly Outcome[];
  readonly fileOf?: FileInRepository;
  /** The end of what the steps of a build wrote. */
  readonly tailOf?: (build: string) => readonly string[];
}

/**
 * All that went wrong in a run as workflow commands, one a line. What several builds share is one annotation. The runner
 * shows ten errors and ten warnings of a step: what keeps most builds from being made comes first, and where there are more,
 * the tenth names the rest.
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

/** `-` is stdin, `--set` an override: no files. */
function fileOfPlace({ file }: PlaceJson, fileOf: FileInRepository = (one) => one): string | undefined {
  return file === '-' || file.startsWith('--') ? undefined : fileOf(file);
}

function placeProperties({ line, column, endLine, endColumn }: PlaceJson, file: string): readonly string[] {
  const start = [`file=${escapeProperty(file)}`, `line=${line}`];
  // GitHub takes columns only where start and end are on one line.
  return endLine === line
    ? [...start, `col=${column}`, `endColumn=${Math.max(column, endColumn)}`]
    : [...start, `endLine=${endLine}`];
}

function plainLines(text: string): readonly string[] {
  return text.split('\n').map(plainText);
}
