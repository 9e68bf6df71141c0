/** Groups failures that differ only in the build and its image: an outage is one failure, however many builds it affects. */
import type { Outcome, ProblemJson } from '../model/mod.ts';
import { escapePattern } from '../util/escape-pattern.ts';
import { failureText } from './outcome.ts';
import { plainText } from './text.ts';

/** Builds that failed in the same way. */
export interface FailureGroup {
  /** In the order of the plan. */
  readonly outcomes: readonly Outcome[];
  /** The problem of the first one. */
  readonly problem: ProblemJson | undefined;
  /** Why, on one line, the cause first. */
  readonly cause: string;
}

/** An image reference, with the host of its registry. */
const REFERENCE =
  /\b((?:localhost|[\w-]+(?:\.[\w-]+)+)(?::\d+)?|[\w.-]+:\d+)\/[\w./-]+(?::[\w.-]+)?(?:@\w+:[0-9a-f]+)?/g;
/** Network errors of an unreachable registry. */
const NO_ANSWER =
  /connection refused|no such host|i\/o timeout|connection reset|network is unreachable|no route to host|handshake timeout|unexpected EOF/i;
/** The same as Node and Deno name them. */
const CODES: ReadonlyMap<string, string> = new Map([
  ['ECONNREFUSED', 'connection refused'],
  ['ECONNRESET', 'connection reset'],
  ['EHOSTUNREACH', 'no route to host'],
  ['ENETUNREACH', 'network is unreachable'],
  ['ENOTFOUND', 'no such host'],
]);
const STATUS = /(?:status[^\n:]*: |answered |\()(5\d\d)\b/;

/**
 * Groups failures, in the order of their first builds.
 *
 * @param stepOf the failed step of a build, as BuildKit prints it
 */
export function groupFailures(
  failed: readonly Outcome[],
  stepOf?: (build: string) => string | undefined,
): readonly FailureGroup[] {
  const groups = new Map<string, Outcome[]>();
  for (const one of failed) {
    const identity = one.problem === undefined ? one.build : failureIdentity(one.build, one.problem);
    const group = groups.get(identity);
    if (group === undefined) groups.set(identity, [one]);
    else group.push(one);
  }
  return [...groups.values()].map((outcomes) => {
    const [first] = outcomes;
    const problem = first?.problem;
    const step = first === undefined ? undefined : stepOf?.(first.build);
    return { outcomes, problem, cause: causeOf(outcomes, step) };
  });
}

/** Equal for failures that differ only in the build and its image. */
export function failureIdentity(build: string, problem: ProblemJson): string {
  const { code, message, hint = '', detail = '' } = problem;
  const texts = [message, hint].map((text) =>
    isOfRegistry(code) ? withoutNames(text, build) : withoutBuild(text, build),
  );
  return JSON.stringify([code, ...texts, isOfRegistry(code) ? noAnswerIn(detail) : '']);
}

/** Whether a registry causes the problem, whatever build found it. */
export function isOfRegistry(code: string): boolean {
  return code.startsWith('registry/');
}

/** Removes what differs between builds: the build's name, and that of its image. */
export function withoutNames(text: string, build: string): string {
  return withoutBuild(
    text.replace(REFERENCE, (_, host: string) => `${host}/…`),
    build,
  );
}

/** Only where the name is a word: a build may be called `a`. */
function withoutBuild(text: string, build: string): string {
  return text.replace(new RegExp(`(?<![\\w.-])${escapePattern(build)}(?![\\w-]|\\.\\w)`, 'g'), '…');
}

function causeOf(outcomes: readonly Outcome[], step: string | undefined): string {
  const [first] = outcomes;
  const problem = first?.problem;
  if (first === undefined || problem === undefined) return 'failed';
  const registry = registryCause(problem);
  if (registry !== undefined) return registry;
  if (outcomes.length === 1) return failureText(problem, step);
  const places = new Set(outcomes.map(({ problem: found }) => `${found?.place?.file}:${found?.place?.line}`));
  const { place, ...rest } = problem;
  const text = failureText(places.size === 1 && place !== undefined ? { ...rest, place } : rest, step);
  return isOfRegistry(problem.code) ? withoutNames(text, first.build) : text;
}

function noAnswerIn(text: string): string | undefined {
  return NO_ANSWER.exec(text)?.[0] ?? CODES.get(/\bE[A-Z]{6,}\b/.exec(text)?.[0] ?? '');
}

/** `registry localhost:5599: connection refused`, if the registry and its error are known. */
function registryCause({ code, message, detail = '' }: ProblemJson): string | undefined {
  if (!isOfRegistry(code)) return undefined;
  const host = [...message.matchAll(REFERENCE)][0]?.[1];
  if (host === undefined) return undefined;
  const text = `${message}\n${detail}`;
  const status = STATUS.exec(text)?.[1];
  const why = noAnswerIn(text) ?? (status === undefined ? undefined : `it answered ${status}`);
  return why === undefined ? undefined : plainText(`registry ${host}: ${why}`);
}
