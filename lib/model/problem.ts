/**
 * The one record for everything that is wrong and was expected to go wrong some day: a code to search for, words, a
 * place, and what to do. Every code has a heading in docs/failures/ (a test compares the two).
 */
import { type Position, positionAt, type Span } from './source.ts';

/** Which area found it; the part before the slash of a code. */
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

/** What is wrong, where, and what to do. Never holds a secret or a credential. */
export interface Problem {
  /** Only an `error` makes a call fail. */
  readonly severity: 'error' | 'warning';
  /** What to search for; docs/failures/ has a heading for each. */
  readonly code: ProblemCode;
  /** One sentence, without a full stop, that says what is wrong in words. */
  readonly message: string;
  /** What to do about it, in the imperative; may have several lines. */
  readonly hint?: string;
  /** Where it is; absent: in no file. */
  readonly span?: Span;
  /** Other places that belong to it, each with what it shows. */
  readonly related?: readonly RelatedPlace[];
  /** The build it concerns. */
  readonly build?: string;
  /** Text from outside that shows the cause: the tail of a log, an excerpt of a Dockerfile, a response body. */
  readonly detail?: string;
  /** True where the same thing may work a moment later (a 503, a cut connection). */
  readonly temporary?: boolean;
}

/** Another place that explains a problem. */
export interface RelatedPlace {
  /** Where it is; absent: in no file. */
  readonly span?: Span;
  /** What it has to do with the problem, in words. */
  readonly message: string;
}

/** Makes an error; the code, then words, then whatever else is known. */
export function problem(
  code: ProblemCode,
  message: string,
  rest: Partial<Omit<Problem, 'code' | 'message'>> = {},
): Problem {
  return { severity: 'error', code, message, ...rest };
}

/** That a signal stopped what was called, before its end. */
export function wasCancelled(): Problem {
  return problem('run/cancelled', 'It was cancelled', { hint: 'Call it again: finished work is kept.' });
}

/** A place as JSON shows it. */
export interface PlaceJson extends Position {
  /** As a person would name it: relative to the working directory where that is shorter. */
  readonly file: string;
  /** Line of its end, from 1. */
  readonly endLine: number;
  /** Column of its end, from 1; the first one behind it. */
  readonly endColumn: number;
}

/** A problem as `--json`, `--progress=json` and the library's consumers see it. */
export interface ProblemJson extends Omit<Problem, 'span' | 'related'> {
  /** Where it is; absent: in no file. */
  readonly place?: PlaceJson;
  /** Other places that belong to it, each with what it shows. */
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
