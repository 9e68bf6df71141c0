/** Failures that differ in nothing but the build and its image are one: an outage is read once, however many builds it hit. */
import type { Outcome, ProblemJson } from '../model/mod.ts';
import { failureText } from './outcome.ts';
import { plainText } from './text.ts';

/** Builds that failed in the same way. */
export interface FailureGroup {
  /** In the order of the plan. */
  readonly outcomes: readonly Outcome[];
  /** That of the first of them. */
  readonly problem: ProblemJson | undefined;
  /** Why, in one line, the cause first. */
  readonly cause: string;
}

/** A reference to an image, with the host of its registry. */
const REFERENCE =
  /\b((?:localhost|[\w-]+(?:\.[\w-]+)+)(?::\d+)?|[\w.-]+:\d+)\/[\w./-]+(?::[\w.-]+)?(?:@\w+:[0-9a-f]+)?/g;
/** What the network says of a registry that is not there. */
const NO_ANSWER =
  /connection refused|no such host|i\/o timeout|connection reset|network is unreachable|no route to host|handshake timeout|unexpected EOF/i;
const STATUS = /(?:status[^\n:]*: |answered |\()(5\d\d)\b/;

/**
 * Groups in the order of their first builds.
 *
 * @param stepOf the step of a build that failed, as BuildKit prints it
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

/** Equal for failures that differ in nothing but the build and its image. */
export function failureIdentity(build: string, problem: ProblemJson): string {
  const { code, message, hint = '', detail = '' } = problem;
  const texts = [message, hint].map((text) =>
    isOfRegistry(code) ? withoutNames(text, build) : text.split(build).join('…'),
  );
  return JSON.stringify([code, ...texts, isOfRegistry(code) ? NO_ANSWER.exec(detail)?.[0] : '']);
}

/** Whether a registry is to blame, whatever build met it. */
export function isOfRegistry(code: string): boolean {
  return code.startsWith('registry/');
}

/** Without what another build has in this place: its name, and that of its image. */
export function withoutNames(text: string, build: string): string {
  return text
    .replace(REFERENCE, (_, host: string) => `${host}/…`)
    .split(build)
    .join('…');
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

/** `registry localhost:5599: connection refused`, where a registry, and what it did, is known. */
function registryCause({ code, message, detail = '' }: ProblemJson): string | undefined {
  if (!isOfRegistry(code)) return undefined;
  const host = [...message.matchAll(REFERENCE)][0]?.[1];
  if (host === undefined) return undefined;
  const text = `${message}\n${detail}`;
  const status = STATUS.exec(text)?.[1];
  const why = NO_ANSWER.exec(text)?.[0] ?? (status === undefined ? undefined : `it answered ${status}`);
  return why === undefined ? undefined : plainText(`registry ${host}: ${why}`);
}
