/**
 * The record for every expected failure: a code to search for, a message, a place and a hint. Every code has a heading in
 * docs/failures/ (checked by a test).
 */
import { type Position, positionAt, type Span } from './source.ts';

/** The part of bake-ts that found the problem; the part before the slash of a code. */
export type ProblemArea =
  | 'cli'
  | 'config'
  | 'bake'
  | 'import'
  | 'dockerfile'
  | 'plan'
  | 'context'
  | 'registry'
  | 'engine'
  | 'build'
  | 'state'
  | 'lint'
  | 'run'
  | 'system';

/** A stable, searchable name: `area/what-is-wrong`. */
export type ProblemCode = `${ProblemArea}/${string}`;

/** What is wrong, where, and what to do. Contains no secrets or credentials. */
export interface Problem {
  /** Only an `error` makes a call fail. */
  readonly severity: 'error' | 'warning';
  /** Stable name to search for; docs/failures/ explains each. */
  readonly code: ProblemCode;
  /** One sentence, without a full stop, that says what is wrong. */
  readonly message: string;
  /** What to do about it. May have several lines. */
  readonly hint?: string;
  /** Its place; absent if it is in no file. */
  readonly span?: Span;
  /** Other places that belong to the problem, each with an explanation. */
  readonly related?: readonly RelatedPlace[];
  /** The build that has the problem. */
  readonly build?: string;
  /** Output of another program that shows the cause: the end of a log, an excerpt of a Dockerfile, a response body. */
  readonly detail?: string;
  /** True if the same may work a moment later (a 503, a lost connection). */
  readonly temporary?: boolean;
}

/** Another place that explains a problem. */
export interface RelatedPlace {
  /** Its place; absent if it is in no file. */
  readonly span?: Span;
  /** What it has to do with the problem. */
  readonly message: string;
}

/** Makes an error from a code, a message and optional further fields. */
export function problem(
  code: ProblemCode,
  message: string,
  rest: Partial<Omit<Problem, 'code' | 'message'>> = {},
): Problem {
  return { severity: 'error', code, message, ...rest };
}

/** The problem of a call that a signal stopped before its end. */
export function wasCancelled(): Problem {
  return problem('run/cancelled', 'The call was cancelled', { hint: 'Run it again: finished work is kept.' });
}

/** A place as JSON shows it. */
export interface PlaceJson extends Position {
  /** Path, relative to the working directory if that is shorter. */
  readonly file: string;
  /** Line of its end, from 1. */
  readonly endLine: number;
  /** Column after its last character, from 1. */
  readonly endColumn: number;
}

/** A problem as `--json`, `--progress=json` and the library's consumers see it. */
export interface ProblemJson extends Omit<Problem, 'span' | 'related'> {
  /** Its place; absent if it is in no file. */
  readonly place?: PlaceJson;
  /** Other places that belong to the problem, each with an explanation. */
  readonly related?: readonly { readonly message: string; readonly place?: PlaceJson }[];
}

/** The JSON form of a problem: spans become file, line and column; source text is left out. */
export function problemToJson(found: Problem): ProblemJson {
  const { span, related, ...rest } = found;
  return {
    ...rest,
    ...(span === undefined ? {} : { place: placeOfSpan(span) }),
    ...(related === undefined
      ? {}
      : {
          related: related.map((one) => ({
            message: one.message,
            ...(one.span === undefined ? {} : { place: placeOfSpan(one.span) }),
          })),
        }),
  };
}

/** A span as JSON shows it. */
export function placeOfSpan(span: Span): PlaceJson {
  const start = positionAt(span.source, span.start);
  const end = positionAt(span.source, span.end);
  return { file: span.source.path, ...start, endLine: end.line, endColumn: end.column };
}
